"""A release: the SQL and the reference rows of a run, frozen under the hash of their content."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import pyarrow as pa

from settlement import __version__, reference, tables
from settlement.pipeline import STAGES
from settlement.tables import Catalog
from settlement.warehouse import Warehouse, hash_json, new_build_id, rename, sha256_of, sync_dir, sync_file


@dataclass(frozen=True, eq=False)
class Release:
    """What a run computes with; a later task of the run loads it again by its hash."""

    hash: str
    folder: Path
    catalog: Catalog

    @classmethod
    def freeze(cls, sql: Path, reference_rows: Path, warehouse: Warehouse) -> Release:
        """Validate the SQL tree and the reference data and keep a copy of both in the warehouse.

        Raises:
            TableError, BadInput: what is wrong, by file and line or row.
        """
        digest = hash_json({"sql": _contents(sql), "reference": _contents(reference_rows), "package": __version__})
        folder = warehouse.release_dir(digest)
        if not folder.exists():
            rows = reference.read(reference_rows, tables.load(sql))  # nothing unsound is ever frozen
            aside = folder.with_name(f".{digest}.{new_build_id()}")
            try:
                _write(aside, sql, reference_rows, rows)
                if not folder.exists():
                    rename(aside, folder)
            except OSError:
                if not folder.exists():  # else another run froze the same content first
                    raise
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            sync_dir(folder.parent)
        return cls.load(digest, warehouse)

    @classmethod
    def load(cls, digest: str, warehouse: Warehouse) -> Release:
        """A frozen release by its hash."""
        folder = warehouse.release_dir(digest)
        return cls(digest, folder, _load_tables(folder / "sql"))

    @cached_property
    def rules_hash(self) -> str:
        """Hash of every SQL file and reference row."""
        return hash_json({"sql": _contents(self.folder / "sql"), "reference": _contents(self.folder / "reference")})

    @cached_property
    def stage_hashes(self) -> dict[str, str]:
        """Hash of what each stage computes with: its tables' files, the reference rows they read, the package."""
        return {stage.name: self._stage_hash(stage.name) for stage in STAGES}

    def _stage_hash(self, stage: str) -> str:
        members = self.catalog.of_stage(stage)
        reads = sorted({name for table in members for name in table.inputs if name.startswith("ref.")})
        contents = {table.name: _contents(table.folder) for table in members}
        rows = {name: sha256_of(self.reference_folder(name) / "part-00000.parquet") for name in reads}
        return hash_json({"tables": contents, "reference": rows, "package": __version__})

    def reference_folder(self, table: str) -> Path:
        """Folder with the Parquet file of a `ref` table."""
        return self.folder / "ref" / table


def _write(folder: Path, sql: Path, reference_rows: Path, rows: dict[str, pa.Table]) -> None:
    shutil.copytree(sql, folder / "sql")
    shutil.copytree(reference_rows, folder / "reference")
    reference.write(rows, folder / "ref")
    for path in folder.rglob("*"):
        if path.is_file():
            sync_file(path)


@lru_cache(maxsize=8)
def _load_tables(folder: Path) -> Catalog:
    return tables.load(folder)  # a frozen folder never changes


def _contents(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
