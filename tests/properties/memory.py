"""The tables of a world computed in memory by the package's own reader and queries, without ledger or files."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from settlement import export, pipeline, reference
from settlement.engines.duckdb import DuckDBEngine, Session, quote
from settlement.landing import plays, reader, rows
from settlement.landing.contract import Kind, csv_file
from settlement.settings import Settings
from settlement.tables import Catalog, Table
from settlement.warehouse import Partition

_TYPES = {"STRING": "VARCHAR", "BIGINT": "BIGINT", "DECIMAL(38,0)": "DECIMAL(38,0)", "BOOLEAN": "BOOLEAN"}
# Tables whose rows are rows that landed on the day, whatever else they read.
_LANDED_ROWS_OF = {
    "ods.play_copy": "raw.play",
    "ods.play": "raw.play",
    "ods.payment": "raw.payment",
    "ods.other_revenue": "raw.other_revenue",
}
Folders = Mapping[str, Mapping[str, bytes]]


class MemoryTables:
    """Computes exports of landing folders given as bytes."""

    def __init__(self, catalog: Catalog, scratch: Path) -> None:
        self._catalog = catalog
        self._scratch = scratch
        self._engine = DuckDBEngine(Settings(duckdb_threads=1), scratch)
        windows = [read for table in catalog.tables.values() for read in table.definition.reads.items()]
        self._only_month_end = {name for name, _ in windows if {w for n, w in windows if n == name} == {"month_end"}}

    def exports(self, folders: Folders, reference_files: Mapping[str, bytes], months: list[str]) -> dict[str, str]:
        """The canonical CSV of every export, all days and months in one."""
        with self._engine.session({}) as session:
            session.con.begin()
            self._create(session)
            self._load_reference(session, reference_files)
            landed = self._load_raw(session, folders)
            for month in months:
                self._days(session, month, landed)
                self._month(session, month)
            days = (f"{months[0]}-01", f"{months[-1]}-31")
            found = {name: "".join(_csv(session, wanted, days)) for name, wanted in export.EXPORTS.items()}
            session.con.rollback()
            return found

    def _create(self, session: Session) -> None:
        for schema in sorted({name.split(".")[0] for name in self._catalog.tables}):
            session.con.execute(f"CREATE SCHEMA {schema}")
        for table in self._catalog.tables.values():
            columns = {c.name: c.type for c in table.columns} | table.partition_types
            listed = ", ".join(f"{quote(name)} {_TYPES[kind]}" for name, kind in columns.items())
            session.con.execute(f"CREATE TABLE {table.name} ({listed})")

    def _load_reference(self, session: Session, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            (self._scratch / name).write_bytes(data)
        for name, content in reference.read(self._scratch, self._catalog).items():
            _insert(session, name, content)

    def _load_raw(self, session: Session, folders: Folders) -> set[tuple[str, str]]:
        """Fill the raw tables; returns which table has rows on which day."""
        found: dict[str, list[pa.Table]] = {}
        landed: set[tuple[str, str]] = set()
        for table, day, content in _parsed(folders):
            if content.num_rows:
                found.setdefault(table, []).append(content.append_column("dt", pa.repeat(pa.scalar(day), content.num_rows)))
                landed.add((table, day))
        for table, parts in found.items():
            _insert(session, table, pa.concat_tables(parts))
        return landed

    def _days(self, session: Session, month: str, landed: set[tuple[str, str]]) -> None:
        """Each daily table for all days of the month that can have rows, in one statement."""
        days = pipeline.days_of(month)
        for stage in ("ods", "daily"):
            for table in self._catalog.of_stage(stage):
                wanted = days[-1:] if table.name in self._only_month_end else days
                selects = []
                for day in wanted:
                    if self._has_input(table, day, landed):
                        session.params = pipeline.parameters(Partition(day))
                        selects.append(f"SELECT *, '{day}' AS dt FROM ({session.select(table)}) AS s")
                if selects:
                    session.con.execute(f"INSERT INTO {table.name} {' UNION ALL '.join(selects)}")
                    found = session.con.execute(f"SELECT DISTINCT dt FROM {table.name}").fetchall()
                    landed |= {(table.name, day) for (day,) in found}

    def _has_input(self, table: Table, day: str, landed: set[tuple[str, str]]) -> bool:
        """Whether the table can have rows: a raw or single input of the day has some, or one that looks back."""
        if table.name in _LANDED_ROWS_OF:
            return (_LANDED_ROWS_OF[table.name], day) in landed
        return any(
            window == "to_date" or (name, day) in landed
            for name, window in table.definition.reads.items()
            if name in table.inputs
        )

    def _month(self, session: Session, month: str) -> None:
        session.params = pipeline.parameters(Partition(month, 1))
        for stage in pipeline.MONTH_STAGES:
            for table in self._catalog.of_stage(stage):
                select = f"SELECT *, '{month}' AS month, 1 AS version FROM ({session.select(table)}) AS s"
                session.con.execute(f"INSERT INTO {table.name} {select}")


def _parsed(folders: Folders) -> Iterator[tuple[str, str, pa.Table]]:
    for path, files in folders.items():
        kind_name, day = path.split("/dt=")
        kind: Kind = kind_name  # type: ignore[assignment]
        for name, data in files.items():
            if name == "_SUCCESS":
                continue
            stream = io.BytesIO(gzip.decompress(data))
            if kind == "plays":
                row = 1
                for lines in plays.blocks(stream):
                    yield "raw.play", day, plays.parse(lines, f"{path}/{name}", row)
                    row += len(lines)
            else:
                table = reader.raw_table(kind, name)
                for content in rows.parse(stream, f"{path}/{name}", csv_file(kind, name), day):
                    yield table, day, content


def _insert(session: Session, table: str, content: pa.Table) -> None:
    names = ", ".join(map(quote, content.column_names))
    session.con.register("incoming", content)
    session.con.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM incoming")
    session.con.unregister("incoming")


def _csv(session: Session, wanted: export.Export, days: tuple[str, str]) -> Iterator[str]:
    source = wanted.table
    if "dt" in wanted.keys:
        source = f"(SELECT * FROM {source} WHERE dt BETWEEN '{days[0]}' AND '{days[1]}') AS days"
    yield from export.csv_lines(session.run(wanted.select(source), wanted.table))
