"""Deliver: write an approved month's partner reports under the publish root, whole and once.

Killed anywhere: `_SUCCESS` is missing, so nobody takes the folder for complete. Run again: the same bytes fill the gaps;
other content under a name that exists is refused.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from settlement.errors import PublishRefused
from settlement.landing.contract import SUCCESS
from settlement.ledger.records import Build
from settlement.pipeline import days_of
from settlement.release import Release
from settlement.reports import PartnerReport, ReportContext, render_month
from settlement.steps.context import Context, unpin
from settlement.warehouse import Partition, hash_json, list_files, new_build_id, rename, sync_dir, sync_file

_REPORTED = ("mart.pool", "mart.settlement_line", "mart.statement_royalty", "mart.usage_buckets", "mart.revenue_daily")
_NAMES = ("ods.product", "ods.track", "ods.album", "ods.partner")


@dataclass(frozen=True)
class Delivery:
    """What was published: the folder, one report a partner, and the hash over all files."""

    folder: Path
    reports: Sequence[PartnerReport]
    hash: str


def deliver(context: Context, partition: Partition) -> Delivery:
    """Render the month's reports and put them under the publish root.

    Raises:
        PublishRefused: a file of that name holds something else.
    """
    target = context.warehouse.published / partition.path
    aside = context.warehouse.published / f".{partition.key}-{partition.version}-{new_build_id()}"
    aside.mkdir(parents=True)
    try:
        with reported(context, partition) as (con, report):
            reports = render_month(con, report, aside)
        files = list_files(aside, [aside])
        _refuse_other_content(aside, target, [file["key"] for file in files])
        _move(aside, target, [file["key"] for file in files])
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for folder in [*sorted(target.glob("partner=*")), target]:
        mark(folder)
    return Delivery(target, reports, hash_json(files))


@contextmanager
def reported(context: Context, partition: Partition) -> Iterator[tuple[duckdb.DuckDBPyConnection, ReportContext]]:
    """A connection with the month's published tables in view, and what the reports say of their origin."""
    statements = context.ledger.head_build("statements", partition)
    assert statements is not None, "statements are published before they are reported"
    last_day = days_of(partition.key)[-1]
    builds = {**statements.pins, f"statements/{partition.key}/{partition.version}": statements.build_id}
    with context.engine.session({}) as session:
        for name in (*_REPORTED, *_NAMES):
            table = context.release.catalog[name]
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
                rules_hash=Release.load(statements.release, context.warehouse).rules_hash,
                inputs_hash=landing_hash(context, statements),
                rows_hashes=_rows_hashes(context, statements, partition),
            ),
        )


@dataclass(frozen=True)
class Total:
    """One partner's royalty of a month, all products and right types; suspense is partner 0."""

    partner_id: int
    name: str
    kind: str
    lines: int
    royalty_krw: int


def totals(context: Context, partition: Partition) -> list[Total]:
    """Royalty per partner of a month whose statements are published, largest first."""
    with reported(context, partition) as (con, _):
        rows = con.execute(
            """
            SELECT s.partner_id, coalesce(p.name, ''), coalesce(p.kind, ''), coalesce(l.lines, 0), s.royalty_krw
            FROM (SELECT partner_id, sum(royalty_krw) AS royalty_krw FROM mart.statement_royalty GROUP BY partner_id) AS s
            LEFT JOIN (SELECT partner_id, count(*) AS lines FROM mart.settlement_line GROUP BY partner_id) AS l
              ON l.partner_id = s.partner_id
            LEFT JOIN ods.partner AS p ON p.partner_id = s.partner_id
            ORDER BY s.royalty_krw DESC, s.partner_id
            """
        ).fetchall()
    return [Total(i, name if i else "보류 (suspense)", kind, lines, int(won)) for i, name, kind, lines, won in rows]


def _rows_hashes(context: Context, statements: Build, partition: Partition) -> dict[str, str]:
    hashes = dict(statements.rows_hashes)
    for pinned, build_id in statements.pins.items():
        if unpin(pinned) == partition:
            hashes |= context.ledger.build(build_id).rows_hashes
    return dict(sorted(hashes.items()))


def landing_hash(context: Context, statements: Build) -> str:
    """Hash over every landed file that the month's builds go back to."""
    landed: dict[str, object] = {}
    seen: set[str] = set()
    todo = [build_id for name, build_id in statements.pins.items() if unpin(name).key[:7] == statements.partition.key]
    while todo:
        build_id = todo.pop()
        if build_id not in seen:
            seen.add(build_id)
            build = context.ledger.build(build_id)
            todo += [other for name, other in build.pins.items() if not unpin(name).is_month]
            if build.stage == "raw":
                landed[build.partition.key] = build.landing
    return hash_json(landed)


def _refuse_other_content(aside: Path, target: Path, keys: Sequence[str]) -> None:
    complete = (target / SUCCESS).exists()
    for key in keys:
        old = target / key
        if old.exists() and old.read_bytes() != (aside / key).read_bytes():
            raise PublishRefused(
                f"{old} is published with other content", "published files are never overwritten; settle a new version"
            )
        if complete and not old.exists():
            raise PublishRefused(f"{target} is published without {key}", "published folders are never added to")


def _move(aside: Path, target: Path, keys: Sequence[str]) -> None:
    for key in keys:
        new = target / key
        if not new.exists():
            new.parent.mkdir(parents=True, exist_ok=True)
            sync_file(aside / key)
            rename(aside / key, new)


def mark(folder: Path) -> None:
    """Put the marker that says the folder is complete."""
    (folder / SUCCESS).touch()
    sync_dir(folder)
