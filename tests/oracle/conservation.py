"""What must add up in any exports, the oracle's own or anybody's: days, pools, restatements and statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from .exports import Exports, Row
from .revenue import UWON
from .rights import SUSPENSE

Key = tuple[object, ...]
AnyKey = TypeVar("AnyKey")

_DAY_POOL = ("dt", "product_id", "right_type")
_POOL = ("month", "version", "product_id", "right_type")
_STATEMENT = ("month", "version", "partner_id")


def number(row: Row, column: str) -> int:
    """The integer in a column; anything else there is an error."""
    value = row[column]
    if not isinstance(value, int):
        raise TypeError(f"{column} is {value!r}")
    return value


def assert_conserved(exports: Exports, lines_by_day: Mapping[str, int]) -> None:
    """Nothing is lost or made on the way from landed lines and pools to what partners are paid and owed.

    `exports` has every table of consecutive months from the first on; `lines_by_day` are the lines of each day's plays.
    """
    _assert_days(exports, lines_by_day)
    _assert_pools(exports)
    _assert_restatements(exports)
    _assert_statements(exports)
    _assert_chains(exports)


def _assert_days(exports: Exports, lines_by_day: Mapping[str, int]) -> None:
    """Lines of a day's folder = Σ buckets; provisional lines are all pro rata and sum to whole won."""
    buckets = _sums(exports["usage_buckets"], ("dt",), "rows")
    assert buckets == {(day,): lines for day, lines in lines_by_day.items() if lines}
    assert sum(number(row, "rows") for row in exports["play_bucket"]) == sum(buckets.values())
    amounts = _sums(exports["settlement_daily"], _DAY_POOL, "amount_uwon")
    assert all(amount >= 0 and amount % UWON == 0 for amount in amounts.values())
    assert all(row["amount_uwon"] == row["pro_rata_uwon"] for row in exports["settlement_daily"])


def _assert_pools(exports: Exports) -> None:
    """Σ amounts = Σ shadows = pool × 10^6 and Σ won = pool, per pool of a month and version; no line is below 0."""
    pools = _sums(exports["pool"], _POOL, "pool_krw")
    in_uwon = {pool: won * UWON for pool, won in pools.items()}
    assert _sums(exports["settlement_line"], _POOL, "amount_uwon") == in_uwon
    assert _sums(exports["settlement_line"], _POOL, "pro_rata_uwon") == in_uwon
    assert _sums(exports["statement_royalty"], _POOL, "royalty_uwon") == in_uwon
    assert _sums(exports["statement_royalty"], _POOL, "royalty_krw") == pools
    assert all(number(row, name) >= 0 for row in exports["settlement_line"] for name in ("amount_uwon", "pro_rata_uwon"))


def _assert_restatements(exports: Exports) -> None:
    """What was posted for a month is what its last version differs by from the version published, per partner and pool."""
    posted: Counter[Key] = Counter()
    last: dict[object, int] = {}
    for row in exports["adjustment"]:
        assert number(row, "delta_krw") != 0
        posted[_key(row, ("settled_month", "partner_id", "product_id", "right_type"))] += number(row, "delta_krw")
    published = _published(exports)
    for row in exports["pool"]:
        last[row["month"]] = max(last.get(row["month"], 0), number(row, "version"))
    for row in exports["adjustment"]:
        last[row["settled_month"]] = max(last.get(row["settled_month"], 0), number(row, "version_to"))
    differs: Counter[Key] = Counter()
    for row in exports["statement_royalty"]:
        key = _key(row, ("month", "partner_id", "product_id", "right_type"))
        differs[key] += number(row, "royalty_krw") * (row["version"] == last[row["month"]])
        differs[key] -= number(row, "royalty_krw") * (row["version"] == published[row["month"]])
    assert _without_zeros(posted) == _without_zeros(differs)


def _assert_statements(exports: Exports) -> None:
    """The identities within a statement, and its sums by partner: royalties, adjustments, what was recouped."""
    published = _published(exports)
    royalties = _sums(exports["statement_royalty"], _STATEMENT, "royalty_krw")
    adjustments = _sums(exports["adjustment"], ("posted_month", "partner_id"), "delta_krw")
    recouped = _sums(exports["advance_recoup"], _STATEMENT, "recouped_krw")
    stated = {_key(row, _STATEMENT) for row in exports["statement"]}
    assert {key for key in royalties if key[1] == published[key[0]]} <= stated
    assert {key for key, krw in recouped.items() if krw} <= stated
    for row in exports["statement"]:
        key = _key(row, _STATEMENT)
        figures = {name.removesuffix("_krw"): number(row, name) for name in row if name.endswith("_krw")}
        assert figures["royalty"] == royalties.get(key, 0)
        assert figures["adjustment"] == adjustments.get((row["month"], row["partner_id"]), 0)
        assert figures["net"] == figures["royalty"] + figures["adjustment"]
        assert figures["recouped"] == recouped.get(key, 0)
        assert 0 <= figures["recouped"] <= max(figures["net"], 0)
        assert figures["due"] == figures["net"] - figures["recouped"] + figures["carried_in"]
        assert figures["due"] == figures["payable"] + figures["carried_out"]
        assert figures["payable"] >= 0
        assert figures["payable"] * figures["carried_out"] == 0
        assert figures["paid"] == figures["payable"] + figures["vat"] - figures["withheld"]


def _assert_chains(exports: Exports) -> None:
    """Each month starts from where the one before ended: what is carried, advances, and suspense by month of origin."""
    before: dict[object, int] = {}
    for of_month in _by_month(exports["statement"]):
        carried_in = {row["partner_id"]: number(row, "carried_in_krw") for row in of_month}
        assert _without_zeros(carried_in) == _without_zeros(before)
        before = {row["partner_id"]: number(row, "carried_out_krw") for row in of_month}
    known: set[object] = set()
    for of_month in _by_month(exports["advance_recoup"]):
        assert known <= {row["advance_id"] for row in of_month}
        known = {row["advance_id"] for row in of_month}
        for row in of_month:
            assert number(row, "open_before_krw") - number(row, "recouped_krw") == number(row, "open_after_krw")
    suspense = [row for row in exports["statement"] if row["partner_id"] == SUSPENSE]
    aged = _sums(exports["suspense_age"], ("month",), "balance_krw")
    assert aged == {(row["month"],): number(row, "carried_out_krw") for row in suspense}


def _published(exports: Exports) -> dict[object, object]:
    """The version of each month that has statements."""
    return {row["month"]: row["version"] for row in exports["statement"]}


def _by_month(rows: Sequence[Row]) -> Iterator[list[Row]]:
    for month in sorted({str(row["month"]) for row in rows}):
        yield [row for row in rows if row["month"] == month]


def _sums(rows: Sequence[Row], key: Sequence[str], column: str) -> dict[Key, int]:
    sums: Counter[Key] = Counter()
    for row in rows:
        sums[_key(row, key)] += number(row, column)
    return dict(sums)


def _key(row: Row, columns: Sequence[str]) -> Key:
    return tuple(row[column] for column in columns)


def _without_zeros(figures: Mapping[AnyKey, int]) -> dict[AnyKey, int]:
    return {key: figure for key, figure in figures.items() if figure}
