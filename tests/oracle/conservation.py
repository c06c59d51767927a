"""What must add up in any exports, the oracle's own or anybody's: an identity per day, and three per pool."""

from collections import Counter
from collections.abc import Mapping

from .exports import Exports, Row
from .revenue import UWON

_POOL_KEY = ("month", "product_id", "right_type")


def number(row: Row, column: str) -> int:
    """The integer in a column; anything else there is an error."""
    value = row[column]
    if not isinstance(value, int):
        raise TypeError(f"{column} is {value!r}")
    return value


def assert_conserved(exports: Exports, lines_by_day: Mapping[str, int]) -> None:
    """Lines of a day's folder = Σ buckets; Σ amounts = Σ shadows = pool × 10^6, Σ won = pool, per pool of a month."""
    buckets: Counter[str] = Counter()
    for row in exports["usage_buckets"]:
        buckets[str(row["dt"])] += number(row, "rows")
    assert buckets == Counter(lines_by_day)
    assert sum(number(row, "rows") for row in exports["play_bucket"]) == buckets.total()

    pools = {_pool_of(row): number(row, "pool_krw") for row in exports["pool"]}
    in_uwon = {pool: won * UWON for pool, won in pools.items()}
    assert _sums(exports, "settlement_line", "amount_uwon") == in_uwon
    assert _sums(exports, "settlement_line", "pro_rata_uwon") == in_uwon
    assert _sums(exports, "statement_royalty", "royalty_uwon") == in_uwon
    assert _sums(exports, "statement_royalty", "royalty_krw") == pools


def _sums(exports: Exports, name: str, column: str) -> dict[tuple[object, ...], int]:
    sums: Counter[tuple[object, ...]] = Counter()
    for row in exports[name]:
        sums[_pool_of(row)] += number(row, column)
    return dict(sums)


def _pool_of(row: Row) -> tuple[object, ...]:
    return tuple(row[column] for column in _POOL_KEY)
