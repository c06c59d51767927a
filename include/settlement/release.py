"""A release: the SQL and the reference rows of a run, frozen under the hash of their content."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from settlement import __version__, reference, tables
from settlement.pipeline import STAGES
from settlement.storage import fetch_folder, put_folder, rename, scratch_folder, sha256_of, sync_dir, sync_file
from settlement.tables import Catalog
from settlement.warehouse import Warehouse, hash_json, new_build_id

if TYPE_CHECKING:
    from upath import UPath

_PACKAGE = "package-version"


@dataclass(frozen=True, eq=False)
class Release:
    """What a run computes with; a later task of the run loads it again by its hash.

    `folder` is on a disk of this machine: the warehouse's own, or this machine's copy of what lies in its bucket.
    """

    hash: str
    folder: Path
    catalog: Catalog
    package: str

    @classmethod
    def freeze(cls, sql: Path, reference_rows: Path, warehouse: Warehouse, package: str = __version__) -> Release:
        """Validate the SQL tree and the reference data and keep a copy of both in the warehouse.

        `package` is the version that the release was made with, when an old one is frozen again.

        Raises:
            TableError, BadInput: what is wrong, by file and line or row.
        """
        digest = release_id(sql, reference_rows, package)
        folder = _folder_on_disk(digest, warehouse)
        if not folder.exists():
            rows = reference.read(reference_rows, tables.load(sql))  # nothing unsound is ever frozen
            aside = folder.with_name(f".{digest}.{new_build_id()}")
            try:
                _write(aside, sql, reference_rows, rows, package)
                if not folder.exists():
                    rename(aside, folder)
            except OSError:
                if not folder.exists():  # else another run froze the same content first
                    raise
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            sync_dir(folder.parent)
        place = warehouse.release_dir(digest)
        if not isinstance(place, Path) and not (place / _PACKAGE).exists():
            put_folder(folder, place, last=_PACKAGE)
        return cls.load(digest, warehouse)

    @classmethod
    def load(cls, digest: str, warehouse: Warehouse) -> Release:
        """A frozen release by its hash."""
        folder = _folder_on_disk(digest, warehouse)
        place = warehouse.release_dir(digest)
        if not isinstance(place, Path) and not folder.exists():
            _fetch(place, folder)
        return cls(digest, folder, _load_tables(folder / "sql"), (folder / _PACKAGE).read_text("utf-8"))

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
        return hash_json({"tables": contents, "reference": rows, "package": self.package})

    def reference_folder(self, table: str) -> Path:
        """Folder with the Parquet file of a `ref` table."""
        return self.folder / "ref" / table


def release_id(sql: Path, reference_rows: Path, package: str = __version__) -> str:
    """The hash of a release's content: of every file of its SQL tree and reference data, and of the package's version."""
    return hash_json({"sql": _contents(sql), "reference": _contents(reference_rows), "package": package})


def _folder_on_disk(digest: str, warehouse: Warehouse) -> Path:
    place = warehouse.release_dir(digest)
    return place if isinstance(place, Path) else scratch_folder() / "releases" / digest


def _fetch(place: UPath, folder: Path) -> None:
    """Copy a release from its bucket; another process may do the same."""
    aside = folder.with_name(f".{folder.name}.{new_build_id()}")
    try:
        fetch_folder(place, aside)
        if not folder.exists():
            rename(aside, folder)
    except OSError:
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(folder: Path, sql: Path, reference_rows: Path, rows: dict[str, pa.Table], package: str) -> None:
    shutil.copytree(sql, folder / "sql")
    shutil.copytree(reference_rows, folder / "reference")
    reference.write(rows, folder / "ref")
    (folder / _PACKAGE).write_text(package, "utf-8")
    for path in folder.rglob("*"):
        if path.is_file():
            sync_file(path)


@lru_cache(maxsize=8)
def _load_tables(folder: Path) -> Catalog:
    return tables.read(folder)  # it was validated before it was frozen, and never changes


def _contents(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
