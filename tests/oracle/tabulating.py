"""What was settled, as the rows of the exports (data.md "Exports")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date

from .books import Books
from .exports import Exports, Value, table
from .lines import Line
from .plays import Bucketed
from .pools import Pool
from .restating import FIRST_VERSION, Versions
from .revenue import Booked, Recognised
from .statements import Statement

Rows = list[tuple[Value, ...]]


def play_exports(buckets: Mapping[date, Sequence[Bucketed]]) -> Exports:
    """`play_bucket` and `usage_buckets` of the days in it."""
    rows: Counter[tuple[str, str | None, str]] = Counter()
    totals: Counter[tuple[str, str]] = Counter()
    for day, entries in buckets.items():
        for entry in entries:
            rows[str(day), entry.play.play_id if entry.play else None, entry.bucket] += 1
            totals[str(day), entry.bucket] += 1
    return {
        "play_bucket": table("play_bucket", [(*key, count) for key, count in rows.items()]),
        "usage_buckets": table("usage_buckets", [(*key, count) for key, count in totals.items()]),
    }


def revenue_exports(booked: Sequence[Booked], recognised: Recognised, wanted: set[date]) -> Exports:
    """`payment_bucket` and `revenue_daily` of the wanted days."""
    rows: Counter[tuple[str, str, str]] = Counter()
    bases: Counter[tuple[str, str, str]] = Counter()
    for entry in booked:
        if entry.payment.landed_on in wanted:
            key = str(entry.payment.landed_on), entry.payment.payment_id, entry.bucket
            rows[key] += 1
            bases[key] += entry.base_uwon
    daily: Rows = [
        (str(day), product_id, revenue.recognised, revenue.refunded, len(revenue.paying()))
        for (day, product_id), revenue in recognised.items()
        if day in wanted
    ]
    return {
        "payment_bucket": table("payment_bucket", [(*key, count, bases[key]) for key, count in rows.items()]),
        "revenue_daily": table("revenue_daily", daily),
    }


def daily_exports(lines_of: Mapping[date, Sequence[Line]]) -> Exports:
    """`settlement_daily` of the days in it."""
    rows = [(str(day), *_line_row(line)) for day, lines in lines_of.items() for line in lines]
    return {"settlement_daily": table("settlement_daily", rows)}


def version_exports(versions: Versions) -> Exports:
    """`pool`, `settlement_line` and `statement_royalty` of every version, and `adjustment`."""
    rows: dict[str, Rows] = {"pool": [], "settlement_line": [], "statement_royalty": []}
    for key, version in versions.of_months.items():
        rows["pool"] += [(*key, *_pool_row(pool)) for pool in version.pools]
        rows["settlement_line"] += [(*key, *_line_row(line)) for line in version.lines]
        rows["statement_royalty"] += [
            (*key, royalty.partner_id, royalty.product_id, royalty.right_type, royalty.uwon, royalty.krw)
            for royalty in version.royalties
        ]
    rows["adjustment"] = [
        (row.posted, row.settled, row.version_to, row.partner_id, row.product_id, row.right_type, row.version_from, row.delta_krw)
        for row in versions.adjustments
    ]
    return {name: table(name, of_table) for name, of_table in rows.items()}


def book_exports(books_of: Mapping[str, Books]) -> Exports:
    """`statement`, `advance_recoup` and `suspense_age` of the published versions, by month."""
    rows: dict[str, Rows] = {"statement": [], "advance_recoup": [], "suspense_age": []}
    for month, books in books_of.items():
        key = month, FIRST_VERSION
        rows["statement"] += [(*key, *_statement_row(statement)) for statement in books.statements.values()]
        rows["advance_recoup"] += [
            (*key, advance_id, row.advance.partner_id, row.open_before, row.recouped, row.open_after)
            for advance_id, row in books.advances.items()
        ]
        rows["suspense_age"] += [(*key, origin, balance) for origin, balance in books.suspense.items()]
    return {name: table(name, of_table) for name, of_table in rows.items()}


def _pool_row(pool: Pool) -> tuple[Value, ...]:
    totals = pool.qualified_plays, pool.subscribers, pool.revenue, pool.carry
    legs = pool.unit_leg, pool.sub_leg, pool.rev_leg
    return (pool.product_id, pool.right_type, *totals, *legs, pool.winner, pool.pool_uwon, pool.pool_krw)


def _line_row(line: Line) -> tuple[Value, ...]:
    key = line.product_id, line.track_id, line.right_type, line.partner_id, line.kind
    return (*key, line.plays, line.weight, line.amount_uwon, line.pro_rata_uwon)


def _statement_row(row: Statement) -> tuple[Value, ...]:
    earned = row.partner_id, row.royalty, row.adjustment, row.net
    settled = row.recouped, row.carried_in, row.due, row.payable, row.carried_out
    return (*earned, *settled, row.vat, row.withheld, row.paid)
