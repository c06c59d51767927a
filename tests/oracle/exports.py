"""The exports of data.md: columns, keys, order of rows, and the canonical CSV.

Open choices:
- "Sorted by key": column by column, numbers as numbers, text by its UTF-8 bytes, null first.
- RFC 4180 quoting: a field is quoted only where it holds a quote, a comma, LF or CR. An empty text would look like
  null; no exported column holds one.
- The last row ends with LF too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Value = int | str | None
Row = dict[str, Value]
Exports = dict[str, list[Row]]

KEYS = {
    "play_bucket": ("dt", "play_id", "bucket"),
    "payment_bucket": ("dt", "payment_id", "bucket"),
    "usage_buckets": ("dt", "bucket"),
    "revenue_daily": ("dt", "product_id"),
    "settlement_daily": ("dt", "product_id", "track_id", "right_type", "partner_id", "kind"),
    "pool": ("month", "version", "product_id", "right_type"),
    "settlement_line": ("month", "version", "product_id", "track_id", "right_type", "partner_id", "kind"),
    "statement_royalty": ("month", "version", "partner_id", "product_id", "right_type"),
    "advance_recoup": ("month", "version", "advance_id"),
    "statement": ("month", "version", "partner_id"),
    "adjustment": ("posted_month", "settled_month", "version_to", "partner_id", "product_id", "right_type"),
    "suspense_age": ("month", "version", "origin_month"),
}
COLUMNS = {
    "play_bucket": (*KEYS["play_bucket"], "rows"),
    "payment_bucket": (*KEYS["payment_bucket"], "rows", "base_uwon"),
    "usage_buckets": (*KEYS["usage_buckets"], "rows"),
    "revenue_daily": (*KEYS["revenue_daily"], "recognised_uwon", "refunded_uwon", "subscriptions"),
    "settlement_daily": (*KEYS["settlement_daily"], "plays", "weight", "amount_uwon", "pro_rata_uwon"),
    "pool": (
        *KEYS["pool"],
        "qualified_plays",
        "subscribers",
        "revenue_uwon",
        "carry_uwon",
        "unit_leg_uwon",
        "sub_leg_uwon",
        "rev_leg_uwon",
        "winner",
        "pool_uwon",
        "pool_krw",
    ),
    "settlement_line": (*KEYS["settlement_line"], "plays", "weight", "amount_uwon", "pro_rata_uwon"),
    "statement_royalty": (*KEYS["statement_royalty"], "royalty_uwon", "royalty_krw"),
    "advance_recoup": (*KEYS["advance_recoup"], "partner_id", "open_before_krw", "recouped_krw", "open_after_krw"),
    "statement": (
        *KEYS["statement"],
        "royalty_krw",
        "adjustment_krw",
        "net_krw",
        "recouped_krw",
        "carried_in_krw",
        "due_krw",
        "payable_krw",
        "carried_out_krw",
        "vat_krw",
        "withheld_krw",
        "paid_krw",
    ),
    "adjustment": (*KEYS["adjustment"], "version_from", "delta_krw"),
    "suspense_age": (*KEYS["suspense_age"], "balance_krw"),
}


def table(name: str, rows: Iterable[Sequence[Value]]) -> list[Row]:
    """The table's rows as dicts in column order, sorted by key."""
    columns, key = COLUMNS[name], KEYS[name]
    dicts = [dict(zip(columns, row, strict=True)) for row in rows]
    return sorted(dicts, key=lambda row: [_order(row[column]) for column in key])


def _order(value: Value) -> tuple[int, int, bytes]:
    if value is None:
        return 0, 0, b""
    if isinstance(value, int):
        return 1, value, b""
    return 1, 0, value.encode("utf-8")


def render(name: str, rows: Iterable[Row]) -> str:
    """The export of table `name` as CSV text; encode it as UTF-8."""
    columns = COLUMNS[name]
    records = [columns, *([row[column] for column in columns] for row in rows)]
    return "".join(",".join(map(_field, record)) + "\n" for record in records)


def _field(value: Value) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if any(character in text for character in '",\r\n') else text
