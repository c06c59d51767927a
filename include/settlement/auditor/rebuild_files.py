"""Stored files against the ledger: which of a build's files are not those that were sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from settlement.engines.duckdb import DuckDBEngine
from settlement.engines.files import files_of
from settlement.errors import EngineError
from settlement.ledger import Build, Ledger
from settlement.release import Release
from settlement.steps.content import content_hashes
from settlement.storage import Location, list_files
from settlement.tables import Table
from settlement.warehouse import Warehouse, files_hash


def altered(warehouse: Warehouse, ledger: Ledger, engine: DuckDBEngine, build: Build) -> list[str]:
    """What of a build's stored files isn't as it was sealed, a sentence a table; empty when all of it is.

    The ledger holds one hash over the files of all tables, and the content hash of each table: they tell that something was
    altered, and in which table. Of a table with several files those are named that were written after the seal.
    """
    folders = _folders(warehouse, build)
    if files_hash(list_files(warehouse.root, folders.values())) == build.files_hash:
        return []
    tables = Release.load(build.release, warehouse).catalog
    found: list[str] = []
    for name, folder in folders.items():
        where = f"{name} {build.partition}"
        try:
            if not folder.is_dir():
                found.append(f"{where}: {folder} is missing")
            elif _content(engine, tables[name], folder, build) != _sealed(build, name):
                suspects = ", ".join(path.name for path in _suspects(folder, _sealed_at(ledger, build))) or "a file is missing"
                found.append(f"{where}: the rows in {folder} are not those that were sealed ({suspects})")
        except EngineError as error:
            found.append(f"{where}: {folder} can't be read: {error.message}")
    return found or [f"{build.stage} {build.partition}: files of build {build.build_id} were written anew, with the same rows"]


def sealed_hashes(warehouse: Warehouse, engine: DuckDBEngine, build: Build) -> dict[str, str]:
    """Content hash per table as it was sealed.

    A hash that another version of DuckDB made says nothing to ours: there the stored files stand for it, whose bytes were
    compared before.
    """
    tables = Release.load(build.release, warehouse).catalog
    folders = _folders(warehouse, build)
    return {
        name: _content(engine, tables[name], folders[name], build) if _is_foreign(recorded) else recorded
        for name, recorded in sorted(build.rows_hashes.items())
    }


def _folders(warehouse: Warehouse, build: Build) -> Mapping[str, Location]:
    return {table: warehouse.build_dir(table, build.partition, build.build_id) for table in sorted(build.rows_hashes)}


def _content(engine: DuckDBEngine, table: Table, folder: Location, build: Build) -> str:
    """The content hash of a table's files: of a month's table that of its export, if it has one."""
    with engine.session({}) as session:
        return content_hashes(session, {table: folder}, build.partition)[table.name]


def _sealed(build: Build, name: str) -> str | None:
    recorded = build.rows_hashes[name]
    return None if _is_foreign(recorded) else recorded


def _is_foreign(recorded: str) -> bool:
    """Whether a content hash was made by another version of DuckDB."""
    return "-duckdb" in recorded and not recorded.endswith(f"-duckdb{duckdb.__version__}")


def _sealed_at(ledger: Ledger, build: Build) -> float:
    record = next(ledger.records(kind="sealed", build_id=build.build_id))
    return datetime.fromisoformat(record.at).timestamp()


def _suspects(folder: Location, sealed_at: float) -> list[Location]:
    """Files that may hold what was altered: those written after the seal, else all that hold rows."""
    paths = files_of([folder])
    later = [path for path in paths if path.stat().st_mtime > sealed_at]
    return later or [path for path in paths if _has_rows(path)]


def _has_rows(path: Location) -> bool:
    try:
        with path.open("rb") as stream:
            return bool(pq.read_metadata(stream).num_rows)
    except (OSError, pa.ArrowInvalid):
        return True
