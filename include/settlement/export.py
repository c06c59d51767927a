"""Exports: the canonical CSV of a table, the same bytes wherever and whenever the same rows were computed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from settlement.engines.duckdb import Session
from settlement.engines.files import quote
from settlement.errors import SettlementError
from settlement.storage import atomic_file
from settlement.tables import Table

_BATCH = 50_000


@dataclass(frozen=True)
class Export:
    """One export: its table, key columns, value columns and, where rows are counted, the aggregates behind them."""

    table: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    aggregates: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return self.keys + self.values

    def select(self, source: str) -> str:
        """The SELECT behind the export, sorted by key."""
        keys = ", ".join(map(quote, self.keys))
        order = ", ".join(f"{quote(key)} NULLS FIRST" for key in self.keys)
        if self.aggregates:
            values = ", ".join(f"{sql} AS {quote(name)}" for name, sql in zip(self.values, self.aggregates, strict=True))
            return f"SELECT {keys}, {values} FROM {source} GROUP BY {keys} ORDER BY {order}"
        return f"SELECT {', '.join(map(quote, self.columns))} FROM {source} ORDER BY {order}"


_LINE_KEYS = ("product_id", "track_id", "right_type", "partner_id", "kind")
EXPORTS: dict[str, Export] = {
    "usage_buckets": Export("mart.usage_buckets", ("dt", "bucket"), ("rows",)),
    "revenue_daily": Export(
        "mart.revenue_daily", ("dt", "product_id"), ("recognised_uwon", "refunded_uwon", "subscriptions")
    ),
    "pool": Export(
        "mart.pool",
        ("month", "version", "product_id", "right_type"),
        (
            "qualified_plays", "subscribers", "revenue_uwon", "carry_uwon", "unit_leg_uwon", "sub_leg_uwon",
            "rev_leg_uwon", "winner", "pool_uwon", "pool_krw",
        ),
    ),
    "settlement_line": Export(
        "mart.settlement_line", ("month", "version", *_LINE_KEYS), ("plays", "weight", "amount_uwon", "pro_rata_uwon")
    ),
    "statement_royalty": Export(
        "mart.statement_royalty",
        ("month", "version", "partner_id", "product_id", "right_type"),
        ("royalty_uwon", "royalty_krw"),
    ),
    "settlement_daily": Export(
        "mart.settlement_daily", ("dt", *_LINE_KEYS), ("plays", "weight", "amount_uwon", "pro_rata_uwon")
    ),
    "advance_recoup": Export(
        "mart.advance_recoup",
        ("month", "version", "advance_id"),
        ("partner_id", "open_before_krw", "recouped_krw", "open_after_krw"),
    ),
    "statement": Export(
        "mart.statement",
        ("month", "version", "partner_id"),
        (
            "royalty_krw", "adjustment_krw", "net_krw", "recouped_krw", "carried_in_krw", "due_krw", "payable_krw",
            "carried_out_krw", "vat_krw", "withheld_krw", "paid_krw",
        ),
    ),
    "adjustment": Export(
        "mart.adjustment",
        ("posted_month", "settled_month", "version_to", "partner_id", "product_id", "right_type"),
        ("version_from", "delta_krw"),
    ),
    "suspense_age": Export("mart.suspense_age", ("month", "version", "origin_month"), ("balance_krw",)),
    "play_bucket": Export("ods.play", ("dt", "play_id", "bucket"), ("rows",), ("count(*)",)),
    "payment_bucket": Export(
        "ods.payment", ("dt", "payment_id", "bucket"), ("rows", "base_uwon"), ("count(*)", "sum(base_uwon)")
    ),
}  # fmt: skip


def named(name: str) -> Export:
    """The export of a name; `mart.pool` and `pool` are alike."""
    found = EXPORTS.get(name.removeprefix("mart."))
    if found is None:
        raise SettlementError(f"no export {name}", f"known: {', '.join(EXPORTS)}")
    return found


def csv_lines(cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Header and rows of a cursor as CSV: `\\n`, RFC 4180 quoting where needed, null as nothing."""
    yield ",".join(column[0] for column in cursor.description or []) + "\n"
    while rows := cursor.fetchmany(_BATCH):
        for row in rows:
            yield ",".join(map(_field, row)) + "\n"


def _field(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    if isinstance(value, str) and any(sign in text for sign in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


def write(session: Session, export: Export, target: Path, progress: Callable[[int], None] = lambda _: None) -> int:
    """Write an export to a file, whole or not at all; returns the number of rows."""
    rows = -1
    with atomic_file(target) as path, path.open("w", encoding="utf-8", newline="") as out:
        for line in csv_lines(session.run(export.select(export.table), f"export of {export.table}")):
            out.write(line)
            rows += 1
            progress(rows)
    return rows


def canonical_hash(session: Session, table: Table) -> str | None:
    """Row count and SHA-256 of the table's export; None when it has none. The table must be in view."""
    export = next((e for e in EXPORTS.values() if e.table == table.name and not e.aggregates), None)
    if export is None:
        return None
    digest = hashlib.sha256()
    rows = -1
    for line in csv_lines(session.run(export.select(export.table), f"export of {export.table}")):
        digest.update(line.encode("utf-8"))
        rows += 1
    return f"{rows}-{digest.hexdigest()}"
