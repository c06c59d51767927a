"""The tables of a world computed in memory by the package's own reader and queries, without ledger or files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from settlement import export, pipeline, reference
from settlement.audit.checks import Finding, run_checks
from settlement.engines.duckdb import DuckDBEngine, Session
from settlement.engines.files import TYPES, quote
from settlement.settings import Settings
from settlement.tables import Catalog, Table
from settlement.warehouse import Partition
from tests.oracle import Restatement
from tests.properties.landed import Folders, parsed

# Revenue is recognised on days on which nothing lands; every other table of a day is computed for busy days alone.
_EVERY_DAY = ("ods.payment_known", "mart.revenue_subscription_daily", "mart.revenue_daily")
# Tables whose rows are rows that landed on the day, whatever else they read.
_LANDED_ROWS_OF = {
    "ods.play_copy": "raw.play",
    "ods.play": "raw.play",
    "ods.payment": "raw.payment",
    "ods.other_revenue": "raw.other_revenue",
    "mart.usage_user_daily": "ods.play",
}
FIRST_VERSION = 1


@dataclass
class Settled:
    """What a settlement in memory came to.

    Attributes:
        exports: the canonical CSV of every export, all days and months in one; `settlement_daily` of `busy` days alone.
        busy: days on which something lands, the ends of months and the days of other catalogues that are asked for.
        failed: findings of `fail` checks of the month tables, where they were run.
        probed: which of the probes (name → SELECT) found a row.
    """

    exports: dict[str, str] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    failed: list[Finding] = field(default_factory=list)
    probed: set[str] = field(default_factory=set)


class MemoryTables:
    """Settles landing folders that are given as bytes."""

    def __init__(self, catalog: Catalog, scratch: Path) -> None:
        self._catalog = catalog
        self._scratch = scratch
        self._engine = DuckDBEngine(Settings(duckdb_threads=1), scratch)
        reads = [read for table in catalog.tables.values() for read in table.definition.reads.items()]
        end = {"month_end", "catalogue"}
        self._only_month_end = {name for name, _ in reads if {w for n, w in reads if n == name} <= end}
        # A month reads of the month before the version that was closed, never that of a restatement.
        self._carried = {name for name, window in reads if window == "previous_month"}

    def settle(
        self,
        folders: Folders,
        reference_files: Mapping[str, bytes],
        months: Sequence[str],
        restatements: Sequence[Restatement] = (),
        *,
        checked: bool = False,
        probes: Mapping[str, str] | None = None,
    ) -> Settled:
        """Settle consecutive months.

        Args:
            folders: landing folders by path, each with its files.
            reference_files: reference tables by file name.
            months: `YYYY-MM`, in order.
            restatements: in the order in which they are made, each before the month into which it is posted.
            checked: run the checks of every month table on what its query came to.
            probes: SELECTs over all tables, by name.
        """
        catalogues = {str(r.catalogue_day) for r in restatements}
        settled = Settled(busy=catalogues | {pipeline.days_of(month)[-1] for month in months})
        with self._engine.session({}) as session:
            session.con.begin()
            self._create(session)
            self._load_reference(session, reference_files)
            landed = self._load_raw(session, folders)
            settled.busy |= {day for table, day in landed if table in _LANDED_ROWS_OF.values()}
            for month in months:
                self._days(session, month, landed, settled.busy, catalogues)
                for restatement in restatements:
                    if restatement.posted == month:
                        self._restate(session, restatement, reference_files, settled if checked else None)
                partition = Partition(month, FIRST_VERSION)
                self._stages(session, partition, pipeline.MONTH_STAGES, None, settled if checked else None)
            days = (f"{months[0]}-01", f"{months[-1]}-31")
            settled.exports = {name: "".join(_csv(session, wanted, days)) for name, wanted in export.EXPORTS.items()}
            settled.probed = {name for name, sql in (probes or {}).items() if session.con.execute(sql).fetchone()}
            session.con.rollback()
        return settled

    def _create(self, session: Session) -> None:
        for schema in sorted({name.split(".")[0] for name in self._catalog.tables}):
            session.con.execute(f"CREATE SCHEMA {schema}")
        for table in self._catalog.tables.values():
            columns = {c.name: c.type for c in table.columns} | table.partition_types
            listed = ", ".join(f"{quote(name)} {TYPES[kind]}" for name, kind in columns.items())
            session.con.execute(f"CREATE TABLE {table.name} ({listed})")

    def _load_reference(self, session: Session, files: Mapping[str, bytes]) -> None:
        """These reference rows, in place of those that were there."""
        for name, data in files.items():
            (self._scratch / name).write_bytes(data)
        for name, content in reference.read(self._scratch, self._catalog).items():
            session.con.execute(f"DELETE FROM {name}")
            _insert(session, name, content)

    def _load_raw(self, session: Session, folders: Folders) -> set[tuple[str, str]]:
        """Fill the raw tables; returns which table has rows on which day."""
        found: dict[str, list[pa.Table]] = {}
        landed: set[tuple[str, str]] = set()
        for table, day, content in parsed(folders):
            if content.num_rows:
                found.setdefault(table, []).append(content.append_column("dt", pa.repeat(pa.scalar(day), content.num_rows)))
                landed.add((table, day))
        for table, parts in found.items():
            _insert(session, table, pa.concat_tables(parts))
        return landed

    def _days(self, session: Session, month: str, landed: set[tuple[str, str]], busy: set[str], catalogues: set[str]) -> None:
        """Each daily table for all days of the month that can have rows, in one statement."""
        days = pipeline.days_of(month)
        for stage in ("ods", "daily"):
            for table in self._catalog.of_stage(stage):
                wanted = days if table.name in _EVERY_DAY else [day for day in days if day in busy]
                if table.name in self._only_month_end:
                    wanted = [day for day in days if day == days[-1] or day in catalogues]
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

    def _restate(
        self, session: Session, restatement: Restatement, ordinary: Mapping[str, bytes], checked: Settled | None
    ) -> None:
        """Compute the next version of a month from today's rules and newest catalogue, and post it."""
        month = restatement.settled
        old = self._posted(session, month)
        if restatement.reference is not None:
            assert not isinstance(restatement.reference, Path), "reference rows are given as bytes"
            self._load_reference(session, restatement.reference)
        partition = Partition(month, old + 1)
        self._stages(session, partition, pipeline.RESTATED_STAGES, str(restatement.catalogue_day), checked)
        self._load_reference(session, ordinary)
        for name in self._carried:
            session.con.execute(f"DELETE FROM {name} WHERE month = ? AND version > ?", [month, FIRST_VERSION])
        posting = {"settled_month": month, "version_from": old, "version_to": old + 1, "reason": "a test"}
        into = {"month": restatement.posted, "version": FIRST_VERSION}
        _insert(session, "mart.posting", pa.Table.from_pylist([{**posting, **into}]))

    def _posted(self, session: Session, month: str) -> int:
        """The last version of the month that was closed or posted."""
        row = session.con.execute("SELECT max(version_to) FROM mart.posting WHERE settled_month = ?", [month]).fetchone()
        return row[0] if row and row[0] else FIRST_VERSION

    def _stages(
        self,
        session: Session,
        partition: Partition,
        stages: Sequence[str],
        catalogue_day: str | None,
        checked: Settled | None,
    ) -> None:
        session.params = pipeline.parameters(partition, catalogue_day)
        tables = [table for stage in stages for table in self._catalog.of_stage(stage)]
        for table in tables:
            if table.definition.source != "ledger":
                select = (
                    f"SELECT *, '{partition.key}' AS month, {partition.version} AS version FROM ({session.select(table)}) AS s"
                )
                session.con.execute(f"INSERT INTO {table.name} {select}")
        if checked is not None:
            found = [finding for table in tables for finding in run_checks(session, table)]
            checked.failed += [finding for finding in found if finding.level == "fail"]


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
