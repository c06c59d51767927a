"""The embedded engine: DuckDB in memory over Parquet files, one connection a build or audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from settlement.engines.dialect import Query
from settlement.engines.files import TYPES, arrow_schema, files_of, literal, quote, select_rows
from settlement.errors import EngineError
from settlement.landing.reader import COMPRESSION, COMPRESSION_LEVEL
from settlement.settings import Settings
from settlement.storage import Location, folder_of_files
from settlement.tables import Table

_FILE = "part-00000.parquet"


@dataclass
class Session:
    """An open connection in which input tables are views named `schema.table`."""

    con: duckdb.DuckDBPyConnection
    params: Mapping[str, str | int]
    _views: set[str] = field(default_factory=set)

    def add(self, table: Table, folders: Sequence[Location]) -> None:
        """Make a table readable: its rows are the Parquet files of the given build folders (none: no rows)."""
        schema = table.name.split(".")[0]
        if schema not in self._views:
            self.con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            self._views.add(schema)
        rows = select_rows(self.con, table, files_of(folders))
        self.run(f"CREATE OR REPLACE VIEW {table.name} AS {rows}", table.name)

    def build(self, table: Table, target: Location) -> None:
        """Run the table's query into one Parquet file of exactly the declared columns and types, in the folder `target`.

        Raises:
            EngineError: the query failed (disk full, out of memory, overflow), or the written types are not the declared.
        """
        with folder_of_files(target) as folder:
            self.run(
                f"COPY ({self.select(table)}) TO {literal(str(folder / _FILE))} "
                f"(FORMAT parquet, COMPRESSION {COMPRESSION}, COMPRESSION_LEVEL {COMPRESSION_LEVEL})",
                table.name,
            )
            require_schema(table, folder / _FILE)

    def select(self, table: Table) -> str:
        """The table's query in DuckDB's words, each column cast to its declared type."""
        assert table.select is not None
        columns = ", ".join(f"CAST({quote(c.name)} AS {TYPES[c.type]}) AS {quote(c.name)}" for c in table.columns)
        return f"SELECT {columns} FROM ({table.select.render('duckdb', self.params)}) AS built"

    def rows(self, query: Query, what: str) -> duckdb.DuckDBPyConnection:
        """Run a SELECT of the Hive dialect and return its cursor."""
        return self.run(query.render("duckdb", self.params), what)

    def counts(self, queries: Sequence[Query], what: str) -> list[int]:
        """How many rows each SELECT returns, all in one statement."""
        selects = [
            f"SELECT {number} AS number, count(*) AS found FROM ({query.render('duckdb', self.params)}) AS q"
            for number, query in enumerate(queries)
        ]
        found = dict(self.run(" UNION ALL ".join(selects), what).fetchall()) if selects else {}
        return [found[number] for number in range(len(queries))]

    def run(self, sql: str, what: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.con.execute(sql)
        except duckdb.Error as error:
            raise EngineError(f"{what} failed: {_reason(error)}", _hint(error)) from error

    def rows_hashes(self, folders: Mapping[Table, Location]) -> dict[str, str]:
        """Row count and order-free hash of the content per table: equal for equal rows, whatever wrote them.

        The sum of DuckDB's 64-bit hash of each row. It may change with DuckDB's version, which is therefore part of the
        text: hashes of two versions are never equal.
        """
        selects = [self._hash_select(table, folder) for table, folder in folders.items()]
        rows = self.run(" UNION ALL ".join(selects), "rows_hash").fetchall() if selects else []
        return {name: f"{count}-{int(total) % 2**64:016x}-duckdb{duckdb.__version__}" for name, count, total in rows}

    def _hash_select(self, table: Table, folder: Location) -> str:
        columns = ", ".join(quote(column.name) for column in table.columns)
        rows = select_rows(self.con, table, files_of([folder]))
        return f"SELECT {literal(table.name)}, count(*), coalesce(sum(hash({columns})), 0) FROM ({rows}) AS built"


def require_schema(table: Table, path: Location) -> None:
    """Refuse a file whose types are not the declared ones: DuckDB would write HUGEINT as DOUBLE, silently losing money."""
    wanted = arrow_schema(table)
    with path.open("rb") as stream:
        found = pq.read_schema(stream)
    if [(f.name, f.type) for f in found] != [(f.name, f.type) for f in wanted]:
        raise EngineError(
            f"{table.name}: {path.name} was written as {_shown(found)}, declared is {_shown(wanted)}",
            "cast every output column of query.sql to its declared type",
        )


def write_rows(table: Table, rows: Sequence[Mapping[str, object]], target: Location) -> None:
    """Write rows that no query computes as the table's one Parquet file, in the folder `target`."""
    with folder_of_files(target) as folder:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=arrow_schema(table)), folder / _FILE)


def _shown(schema: pa.Schema) -> str:
    return ", ".join(f"{f.name} {f.type}" for f in schema)


def _reason(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]


def _hint(error: duckdb.Error) -> str:
    text = str(error)
    if "No space left" in text or "disk" in text.lower():
        return "the disk is full: free space (or point SETTLEMENT_DUCKDB_SPILL elsewhere), then run again; nothing was published"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "raise SETTLEMENT_DUCKDB_MEMORY or free disk for spilling, then run again; nothing was published"
    if isinstance(error, duckdb.OutOfRangeException | duckdb.ConversionException):
        return "a value does not fit into its type: look for a wrong price, share or rate"
    return ""


class DuckDBEngine:
    """Opens sessions with the memory, threads and spill folder of the settings.

    One database instance serves the process; each session gets a catalogue of its own, which goes with it.
    """

    def __init__(self, settings: Settings, spill: Path) -> None:
        self._settings = settings
        self._spill = settings.duckdb_spill or spill
        self._sessions = count(1)

    @cached_property
    def _root(self) -> duckdb.DuckDBPyConnection:
        self._spill.mkdir(parents=True, exist_ok=True)
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self._settings.duckdb_memory,
            "threads": self._settings.duckdb_threads,
            "temp_directory": str(self._spill),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,  # nothing is fetched at run time
        }
        con = duckdb.connect(":memory:", config=config)
        con.execute("SET parquet_metadata_cache = true")  # a build's files never change
        return con

    @contextmanager
    def session(self, params: Mapping[str, str | int]) -> Iterator[Session]:
        """A session whose queries see only what is added to it."""
        name = f"session_{next(self._sessions)}"
        con = self._root.cursor()
        con.execute(f"ATTACH ':memory:' AS {name}")
        con.execute(f"USE {name}")
        try:
            yield Session(con, params)
        finally:
            con.execute("USE memory")
            con.execute(f"DETACH {name}")
            con.close()
