"""Where things lie in a warehouse, and how files come into being: written aside, synced, renamed into place."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settlement.errors import SettlementError


@dataclass(frozen=True, order=True)
class Partition:
    """A partition of the ledger: a landing day (`YYYY-MM-DD`, version 0) or a month (`YYYY-MM`) and its version."""

    key: str
    version: int = 0

    @property
    def is_month(self) -> bool:
        return len(self.key) == 7

    @property
    def path(self) -> str:
        return f"month={self.key}/version={self.version}" if self.is_month else f"dt={self.key}"

    def __str__(self) -> str:
        return f"{self.key} version {self.version}" if self.is_month else self.key


@dataclass(frozen=True)
class Warehouse:
    """A warehouse on a local disk."""

    root: Path

    @classmethod
    def open(cls, root: Path) -> Warehouse:
        """The warehouse at `root`, made when it isn't there.

        Raises:
            SettlementError: the folder can't be written.
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            with atomic_file(root / ".writable") as path:
                path.write_bytes(b"")
            (root / ".writable").unlink(missing_ok=True)
        except OSError as error:
            raise SettlementError(f"warehouse {root} can't be written: {error.strerror}", "name a folder you may write") from None
        return cls(root.resolve())

    @property
    def ledger_url(self) -> str:
        return f"sqlite:///{self.root / 'ledger.db'}"

    @property
    def published(self) -> Path:
        return self.root / "published"

    def build_dir(self, table: str, partition: Partition, build_id: str) -> Path:
        """Folder of one build's files of a table; the last part `build=<id>` makes every build's location its own."""
        schema, name = table.split(".")
        return self.root / "tables" / schema / name / partition.path / f"build={build_id}"

    def verdict(self, build_id: str) -> Path:
        return self.root / "verdicts" / f"{build_id}.json"

    def release_dir(self, release: str) -> Path:
        return self.root / "releases" / release


def new_build_id() -> str:
    """An id nobody else has; nothing that is published may depend on it."""
    return secrets.token_hex(8)


def sync_dir(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield a path to write; it becomes `target` as a whole, durably, or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        yield aside
        sync_file(aside)
        rename(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def rename(source: Path, target: Path) -> None:
    """Move a finished file into place, durably."""
    source.replace(target)
    sync_dir(target.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_json(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def list_files(root: Path, folders: Iterable[Path]) -> list[dict[str, Any]]:
    """Key (relative to `root`), size and SHA-256 of every file below the folders, sorted by key."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [{"key": path.relative_to(root).as_posix(), "bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in paths]


def files_hash(files: Iterable[Mapping[str, Any]]) -> str:
    """Hash of keys, sizes and contents: binds a verdict to files."""
    return hash_json(sorted(([f["key"], f["bytes"], f["sha256"]] for f in files), key=lambda f: f[0]))
