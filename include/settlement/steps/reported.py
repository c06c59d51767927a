"""A month's published tables as reports and people see them: one connection, the totals, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from settlement.ledger.records import Build, pin
from settlement.pipeline import days_of
from settlement.release import Release
from settlement.reports.model import ReportContext
from settlement.steps.context import Context
from settlement.steps.pinning import unpin
from settlement.warehouse import Partition, hash_json

_REPORTED = (
    "mart.pool", "mart.settlement_line", "mart.statement_royalty", "mart.statement", "mart.adjustment", "mart.advance_recoup",
    "mart.suspense_age", "mart.usage_buckets", "mart.revenue_daily",
)  # fmt: skip
_NAMES = ("ods.product", "ods.track", "ods.album", "ods.partner")


@contextmanager
def reported(context: Context, partition: Partition) -> Iterator[tuple[duckdb.DuckDBPyConnection, ReportContext]]:
    """A connection with the month's published tables in view, and what the reports say of their origin."""
    statements = context.ledger.head_build("statements", partition)
    assert statements is not None, "statements are published before they are reported"
    last_day = days_of(partition.key)[-1]
    release = Release.load(statements.release, context.warehouse)  # the one that wrote the files
    builds = {**statements.pins, pin("statements", partition): statements.build_id}
    with context.engine.session({}) as session:
        for name in (*_REPORTED, *_NAMES):
            table = release.catalog[name]
            folders = [
                context.warehouse.build_dir(name, unpin(pinned), build_id)
                for pinned, build_id in builds.items()
                if pinned.split("/")[0] == table.definition.stage
                and (not unpin(pinned).is_month or unpin(pinned) == partition)
                and (name not in _NAMES or unpin(pinned).key == last_day)
            ]
            session.add(table, folders)
        yield (
            session.con,
            ReportContext(
                month=partition.key,
                version=partition.version,
                last_day=last_day,
                rules_hash=release.rules_hash,
                inputs_hash=landing_hash(context, statements),
                rows_hashes=_rows_hashes(context, statements, partition),
                sender=_sender(context, partition),
            ),
        )


@dataclass(frozen=True)
class Total:
    """One partner's month, all products and right types, in whole won; suspense is partner 0.

    `paid_krw` is what is transferred: payable with VAT, less tax withheld (rules §7).
    """

    partner_id: int
    name: str
    kind: str
    lines: int
    royalty_krw: int
    paid_krw: int


def totals(context: Context, partition: Partition) -> list[Total]:
    """Royalty and payment per statement of a month whose statements are published, largest royalty first."""
    with reported(context, partition) as (con, _):
        rows = con.execute(
            """
            SELECT s.partner_id, coalesce(p.name, ''), coalesce(p.kind, ''), coalesce(l.lines, 0), s.royalty_krw, s.paid_krw
            FROM mart.statement AS s
            LEFT JOIN (SELECT partner_id, count(*) AS lines FROM mart.settlement_line GROUP BY partner_id) AS l
              ON l.partner_id = s.partner_id
            LEFT JOIN ods.partner AS p ON p.partner_id = s.partner_id
            ORDER BY s.royalty_krw DESC, s.partner_id
            """
        ).fetchall()
    return [
        Total(i, name if i else "보류 (suspense)", kind, lines, int(royalty), int(paid))
        for i, name, kind, lines, royalty, paid in rows
    ]


def _sender(context: Context, partition: Partition) -> dict[str, str]:
    approved = context.ledger.last("approved", partition)
    sender: dict[str, str] = approved.body.get("dsr_sender", {}) if approved else {}
    return sender


def _rows_hashes(context: Context, statements: Build, partition: Partition) -> dict[str, str]:
    hashes = dict(statements.rows_hashes)
    for pinned, build_id in statements.pins.items():
        if unpin(pinned) == partition:
            hashes |= context.ledger.build(build_id).rows_hashes
    return dict(sorted(hashes.items()))


def landing_hash(context: Context, statements: Build) -> str:
    """Hash over every landed file that the month's builds go back to, as it was delivered last before its pools were made."""
    days: set[Partition] = set()
    seen: set[str] = set()
    todo = [build_id for name, build_id in statements.pins.items() if unpin(name).key[:7] == statements.partition.key]
    while todo:
        build_id = todo.pop()
        if build_id not in seen:
            seen.add(build_id)
            build = context.ledger.build(build_id)
            todo += [other for name, other in build.pins.items() if not unpin(name).is_month]
            if build.stage == "raw":
                days.add(build.partition)
    pools = context.ledger.build(statements.pins[pin("pools", statements.partition)])
    raw = {day.key: context.ledger.head_before("raw", day, pools.seq) for day in days}
    landed = {day: build.landing for day, build in raw.items() if build is not None}
    return hash_json(landed)
