"""What must have occurred in random worlds for their agreement to mean anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tests.oracle import Exports
from tests.oracle.conservation import number
from tests.worlds import World
from tests.worlds.world import COLUMNS, days_of

BUCKETS = {
    "malformed", "future", "duplicate", "too_late", "unknown_product", "abuse_flag", "too_short", "over_cap", "qualified",
}  # fmt: skip
KINDS = {"royalty", "unmatched", "rounding", "no_plays"}
WINNERS = {"unit_leg", "sub_leg", "rev_leg"}
PAID = {"vat_invoice paid", "withholding paid", "exempt paid"}
BOOKS = {
    "line that differs from its shadow",
    "negative revenue carried",
    "advance taken back",
    "advance that stays open",
    "balance carried",
    "below the threshold",
    "below the threshold, but it left",
}
# What only the tables between show, as SELECTs that find a row where it occurred.
PROBES = {
    "payer without weight": "SELECT 1 FROM mart.month_user_pool WHERE weight = 0 AND pool_uwon > 0",
    "group without payers": "SELECT 1 FROM mart.month_group AS g WHERE uc_pool_uwon > 0 AND NOT EXISTS ("
    "SELECT 1 FROM mart.month_user_pool AS u WHERE (u.month, u.version, u.product_id) = (g.month, g.version, g.product_id))",
    "line of both groups": "SELECT 1 FROM mart.month_weight WHERE uc_weight > 0 AND uc_weight < weight",
    "plays that were not kept by user": "SELECT 1 FROM mart.month_user_gap",
}
EVERYTHING = BUCKETS | KINDS | WINNERS | PAID | BOOKS | PROBES.keys()


def occurrences(world: World, exports: Exports) -> Iterator[str]:
    """What occurred in a settled world, by the names above."""
    for name, column in (("usage_buckets", "bucket"), ("settlement_line", "kind"), ("pool", "winner")):
        yield from (str(row[column]) for row in exports[name])
    if any(row["kind"] == "royalty" and row["amount_uwon"] != row["pro_rata_uwon"] for row in exports["settlement_line"]):
        yield "line that differs from its shadow"
    if any(number(row, "carry_uwon") for row in exports["pool"]):
        yield "negative revenue carried"
    for row in exports["advance_recoup"]:
        if row["recouped_krw"]:
            yield "advance taken back"
            if row["open_after_krw"]:
                yield "advance that stays open"
    yield from _of_statements(world, exports)


def _of_statements(world: World, exports: Exports) -> Iterator[str]:
    for row in exports["statement"]:
        if row["partner_id"] == 0:
            continue
        month_end = days_of(str(row["month"]))[-1]
        partner = next(p for p in _partners(world, month_end) if p["partner_id"] == str(row["partner_id"]))
        due, payable = number(row, "due_krw"), number(row, "payable_krw")
        if row["carried_in_krw"]:
            yield "balance carried"
        if payable:
            yield f"{partner['tax_kind']} paid"
        if 0 < due < int(partner["payout_threshold_krw"]):
            yield "below the threshold, but it left" if payable else "below the threshold"


def _partners(world: World, day: date) -> list[dict[str, str]]:
    return [dict(zip(COLUMNS["partners"], row, strict=True)) for row in world.snapshot_on(day).partners]
