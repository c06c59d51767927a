"""DuckDB in this process, over the files of the pinned builds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event

import duckdb
import pyarrow as pa

from settlement.api.engines.running import BATCH_ROWS, Bounds, Running, too_much
from settlement.api.identity import Scope
from settlement.api.problems import Cancelled
from settlement.api.statement import Statement, for_duckdb
from settlement.api.tree import Tree
from settlement.engines.duckdb import DuckDBEngine
from settlement.engines.places import Pin
from settlement.errors import EngineError
from settlement.storage import Location, bytes_below
from settlement.tables import Table
from settlement.warehouse import Warehouse


class OnDuckDB:
    """Answers from a warehouse's files; one database of the process for all of them."""

    name = "duckdb"

    def __init__(self, warehouse: Warehouse, engine: DuckDBEngine) -> None:
        self._warehouse = warehouse
        self._engine = engine

    def statement(self, tree: Tree, schema: pa.Schema, pins: Mapping[Table, Sequence[Pin]]) -> Statement:
        return for_duckdb(tree, schema, pins)

    def start(self, statement: Statement, scope: Scope, tag: str, bounds: Bounds) -> Running:  # noqa: ARG002  # no users
        return _Query(self._warehouse, self._engine, statement, bounds)

    def check(self) -> None:
        with self._engine.session({}) as session:
            session.run("SELECT 1", "DuckDB")


class _Query:
    def __init__(self, warehouse: Warehouse, engine: DuckDBEngine, statement: Statement, bounds: Bounds) -> None:
        self._warehouse = warehouse
        self._engine = engine
        self._statement = statement
        self._bounds = bounds
        self._is_cancelled = Event()
        self._con: duckdb.DuckDBPyConnection | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            with self._engine.session({}) as session:
                for table, folders in self._folders().items():
                    session.add(table, folders)
                self._con = session.con
                try:
                    yield from self._read(session.con)
                finally:
                    self._con = None
        except (duckdb.Error, pa.ArrowException, OSError) as error:  # Arrow's: what DuckDB meets while batches are read
            if self._is_cancelled.is_set():
                raise Cancelled("the query was cancelled", "") from None
            raise EngineError(f"the query failed: {str(error).splitlines()[0]}", "narrow the period or the dimensions") from error

    def _read(self, con: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
        self._require_wanted()
        reader = con.sql(self._statement.text, params=list(self._statement.values)).to_arrow_reader(BATCH_ROWS)
        try:
            for batch in reader:
                self._require_wanted()
                yield batch.cast(self._statement.schema)
        finally:
            reader.close()  # the session can't be left while a result is open

    def progress(self) -> float | None:
        return None  # DuckDB tells it of queries that hold back their rows to the end, which these don't

    def cancel(self) -> None:
        self._is_cancelled.set()
        if (con := self._con) is not None:
            con.interrupt()

    def _require_wanted(self) -> None:
        if self._is_cancelled.is_set():
            raise Cancelled("the query was cancelled", "")

    def _folders(self) -> dict[Table, list[Location]]:
        """The builds' folders, when all of their files may be read."""
        found = {table: [self._folder(table, pin) for pin in pins] for table, pins in self._statement.pins.items()}
        size = bytes_below(folder for folders in found.values() for folder in folders)
        if size > self._bounds.scan_bytes:
            raise too_much(f"the query would read {size:,} bytes", self._bounds)
        return found

    def _folder(self, table: Table, pin: Pin) -> Location:
        partition, build_id = pin
        assert partition is not None, "reference data are no source"
        folder = self._warehouse.build_dir(table.name, partition, build_id)
        # In a bucket a build without rows may have no file; on a disk each has one, and without it rows would be missing.
        if isinstance(folder, Path) and not any(folder.glob("*.parquet")):
            raise EngineError(f"{table.name} {partition}: the files of build {build_id} are gone", "restore them from the backup")
        return folder
