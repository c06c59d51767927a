"""The fixtures of tests/sql on engines of servers: their rows as builds in a lake, their queries over these builds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from settlement.engines.dialect import Query
from settlement.engines.duckdb import write_rows
from settlement.engines.hive import HiveEngine, HiveSession
from settlement.engines.insertion import insert
from settlement.engines.pinned import pin_tables
from settlement.engines.places import Pin, short_name
from settlement.engines.script import SETTINGS, register
from settlement.engines.trino import Result, TrinoEngine
from settlement.tables import Table
from settlement.warehouse import Partition
from tests.parity.ahead import Ahead
from tests.parity.lake import Lake
from tests.sql.harness import Answer, Case, case_paths, catalog, read_case, session
from tests.sql.rows import Row


@dataclass(frozen=True)
class Placed:
    """A fixture whose rows are builds: the inputs by table, and the build that its query is to fill."""

    case: Case
    inputs: dict[Table, list[Pin]]
    output: Pin

    @property
    def table(self) -> Table:
        return self.case.table

    def trino_sql(self, database: str) -> str:
        """The query over the builds, for Trino."""
        assert self.table.select is not None
        return Query(pin_tables(self.table.select.tree, self.inputs, database)).render("trino", self.case.params)


def all_cases() -> list[tuple[Table, Path]]:
    """Every fixture of every query."""
    tables = [table for table in catalog().tables.values() if table.query is not None]
    return [(table, path) for table in tables for path in case_paths(table)]


def place(lake: Lake, table: Table, path: Path) -> Placed:
    """Write a fixture's rows as builds of its own."""
    case = read_case(table, path)
    name = f"{short_name(table)}-{path.stem}"
    inputs: dict[Table, list[Pin]] = {}
    for given, rows in case.given.items():
        of = catalog()[given]
        pins = inputs.setdefault(of, [])
        for partition, some in _by_partition(of, rows).items():
            pins.append((partition, f"in-{name}"))
            lake.put_rows(of, pins[-1], [{c.name: row[c.name] for c in of.columns} for row in some])
    params = case.params
    built = Partition(str(params["dt"])) if "dt" in params else Partition(str(params["month"]), int(params["version"]))
    return Placed(case, inputs, (built, f"out-{name}"))


def _by_partition(table: Table, rows: Iterable[Row]) -> dict[Partition | None, list[Row]]:
    found: defaultdict[Partition | None, list[Row]] = defaultdict(list)
    for row in rows:
        if "dt" in table.partition_types:
            found[Partition(str(row["dt"]))].append(row)
        elif table.partition_types:
            found[Partition(str(row["month"]), int(row["version"] or 0))].append(row)
        else:
            found[None].append(row)
    return found


@dataclass
class OnHive:
    """Runs the queries of many fixtures on Hive, one after the other, while the tests do the same on Trino.

    One at a time: in Tez's local mode the sessions of a server share threads and plans, and get in each other's way.
    """

    engine: HiveEngine
    lake: Lake
    _jobs: Ahead[None] = field(default_factory=lambda: Ahead(1))
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self, placed: Sequence[Placed]) -> None:
        """Register all builds, then begin with the queries."""
        builds: defaultdict[Table, list[Pin]] = defaultdict(list)
        for one in placed:
            for table, pins in one.inputs.items():
                builds[table] += pins
            builds[one.table].append(one.output)
        session = self._stack.enter_context(self.engine.session())
        settings = [f"SET {name}={value}" for name, value in SETTINGS.items()]
        for statement in [*settings, *register(builds, self.lake.places)]:
            session.run(statement)
        for one in placed:
            self._jobs.begin(one.case.path, partial(self._insert, session, one))

    def rows_of(self, placed: Placed, folder: Path) -> Path:
        """The files that Hive wrote; raises EngineError if it refused."""
        self._jobs.result(placed.case.path)
        return self.lake.fetch(placed.table, placed.output, folder)

    def close(self) -> None:
        self._jobs.close()
        self._stack.close()

    def _insert(self, session: HiveSession, placed: Placed) -> None:
        session.run(insert(placed.table, placed.output, placed.inputs, placed.case.params, self.lake.places))


def on_trino(engine: TrinoEngine, lake: Lake, placed: Placed) -> Result:
    """The rows that Trino gives."""
    return engine.rows(placed.trino_sql(lake.places.builds), tags=["parity"])


def on_duckdb(placed: Placed, folder: Path) -> str:
    """Build the fixture with DuckDB into a folder; the content hash of its rows."""
    with session(placed.case.given, placed.case.params) as opened:
        opened.build(placed.table, folder)
        return opened.rows_hashes({placed.table: folder})[placed.table.name]


def hash_of(table: Table, folder: Path) -> str:
    """The content hash of files that another engine wrote."""
    if not list(folder.iterdir()):
        write_rows(table, [], folder)
    with session({}, {}) as opened:
        return opened.rows_hashes({table: folder})[table.name]


def answer_in(table: Table, folder: Path) -> Answer:
    """The rows in files, counted."""
    found: Answer = Counter()
    for path in folder.iterdir():
        read = pq.ParquetFile(path).read()
        assert read.column_names == [column.name for column in table.columns]
        found.update(tuple(map(_plain, row.values())) for row in read.to_pylist())
    return found


def write_result(table: Table, result: Result, folder: Path) -> Path:
    """Trino's rows as a file of the declared columns and types."""
    write_rows(table, [dict(zip(result.columns, row, strict=True)) for row in result.rows], folder)
    return folder


def _plain(value: object) -> object:
    return int(value) if isinstance(value, Decimal) else value
