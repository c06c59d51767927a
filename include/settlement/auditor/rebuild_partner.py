"""What one partner was told, against what comes out again: statement rows and report files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from settlement.auditor.rebuild_graph import Graph
from settlement.auditor.rebuild_replay import Replay
from settlement.engines.duckdb import DuckDBEngine, Session
from settlement.engines.files import quote
from settlement.errors import SettlementError
from settlement.export import csv_lines
from settlement.landing.contract import SUCCESS
from settlement.reports.render import render_month
from settlement.steps.pinning import closed_version
from settlement.steps.reported import reported
from settlement.storage import Location, files_below, key_below, sha256_of
from settlement.tables import Table
from settlement.warehouse import Warehouse

NOTHING = "nothing"


@dataclass(frozen=True)
class Comparison:
    """One thing that was published, and what came out now: hashes, or `nothing`; things of one `group` are counted together."""

    group: str
    name: str
    published: str
    rebuilt: str

    @property
    def is_same(self) -> bool:
        return self.published == self.rebuilt


def require_partner(warehouse: Warehouse, replay: Replay, graph: Graph, partner: int) -> None:
    """Refuse a partner whom no stored table of the version names; raises SettlementError."""
    if all(_rows(replay.engine, table, stored, partner) == NOTHING for table, stored, _ in _tables(warehouse, replay, graph)):
        raise SettlementError(f"partner {partner} has nothing in {graph.partition}", "see `settlement totals`")


def compare_rows(warehouse: Warehouse, replay: Replay, graph: Graph, partner: int) -> list[Comparison]:
    """The partner's rows in every table of the version that names partners: row count and SHA-256 of their CSV."""
    return [
        Comparison(
            "rows of the partner",
            f"{table.name} of partner {partner}",
            _rows(replay.engine, table, stored, partner),
            _rows(replay.engine, table, rebuilt, partner),
        )
        for table, stored, rebuilt in _tables(warehouse, replay, graph)
    ]


def _tables(warehouse: Warehouse, replay: Replay, graph: Graph) -> Iterator[tuple[Table, Location, Path]]:
    """Each table of the version that names partners, with its stored and its rebuilt folder."""
    for build in (b for b in graph.rebuilt if b.partition == graph.partition):
        for table in replay.release(build).catalog.of_stage(build.stage):
            if any(column.name == "partner_id" for column in table.columns):
                stored = warehouse.build_dir(table.name, build.partition, build.build_id)
                yield table, stored, replay.folder(table.name, build)


def _rows(engine: DuckDBEngine, table: Table, folder: Location, partner: int) -> str:
    with engine.session({}) as session:
        session.add(table, [folder])
        digest, count = hashlib.sha256(), -1
        for line in _lines(session, table, partner):
            digest.update(line.encode("utf-8"))
            count += 1
    return f"{count}-{digest.hexdigest()}" if count else NOTHING


def _lines(session: Session, table: Table, partner: int) -> Iterator[str]:
    columns = ", ".join(quote(column.name) for column in table.columns)
    keys = ", ".join(quote(key) for key in table.definition.grain)
    sql = f"SELECT {columns} FROM {table.name} WHERE partner_id = {partner} ORDER BY {keys}"
    return csv_lines(session.run(sql, f"rows of partner {partner} in {table.name}"))


def compare_files(warehouse: Warehouse, replay: Replay, graph: Graph, partner: int, place: Path) -> list[Comparison]:
    """The partner's report files as they lie under the publish root, and rendered from the rebuilt tables into `place`.

    None when the version isn't the closed one: a restatement leaves no statement, an open month no reports.
    """
    folder = warehouse.published / graph.partition.path / f"partner={partner}"
    published = _hashes(folder)
    if not published and closed_version(replay.context().ledger, graph.partition.key) != graph.partition:
        return []
    try:
        with reported(replay.context(), graph.partition) as (con, report):
            render_month(con, report, place)
    except SettlementError as error:
        return [Comparison("report files", "reports of the month", "rendered", f"not rendered: {error.message}")]
    rebuilt = _hashes(place / folder.name)
    names = sorted(published.keys() | rebuilt.keys())
    return [Comparison("report files", f"{folder.name}/{n}", published.get(n, NOTHING), rebuilt.get(n, NOTHING)) for n in names]


def _hashes(folder: Location) -> dict[str, str]:
    return {key_below(folder, path): sha256_of(path) for path in files_below(folder) if path.name != SUCCESS}
