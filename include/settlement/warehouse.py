"""Where things lie in a warehouse, and the hashes that name and bind them."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from settlement.errors import SettlementError, StorageError
from settlement.storage import Location, atomic_file, location, scratch_folder


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
    """A warehouse in a folder of this machine or under a prefix of a bucket.

    `base` is a warehouse below it whose builds and releases can be read, never written: a throw-away layer over a real one.
    """

    root: Location
    base: Location | None = None

    @classmethod
    def open(cls, place: str | PathLike[str] | Location) -> Warehouse:
        """The warehouse at a place, made when it isn't there.

        Raises:
            SettlementError: it can't be written; in a bucket: it isn't there, or these credentials may not.
        """
        root = location(place)
        probe = root / f".writable-{new_build_id()}"
        try:
            with atomic_file(probe) as path:
                path.write_bytes(b"")
            probe.unlink(missing_ok=True)
        except StorageError as error:
            raise type(error)(f"warehouse {root} can't be written: {error.message}", error.hint) from None
        except OSError as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SettlementError(f"warehouse {root} can't be written: {reason}", "name a place you may write") from None
        return cls(root.resolve())

    @property
    def ledger_url(self) -> str:
        """Address of the ledger beside the tables.

        Raises:
            SettlementError: a bucket can't hold a database.
        """
        if not isinstance(self.root, Path):
            hint = "set SETTLEMENT_LEDGER_URL to the PostgreSQL database that holds it"
            raise SettlementError(f"warehouse {self.root} is in a bucket, where its ledger can't be", hint)
        return f"sqlite:///{self.root / 'ledger.db'}"

    @property
    def local(self) -> Path:
        """A folder of this machine for locks and spilled data: the warehouse's own, or this machine's scratch folder."""
        return self.root if isinstance(self.root, Path) else scratch_folder()

    @property
    def published(self) -> Location:
        return self.root / "published"

    def build_dir(self, table: str, partition: Partition, build_id: str) -> Location:
        """Folder of one build's files of a table; the last part `build=<id>` makes every build's location its own."""
        return self._place(f"{_folder(table)}/{partition.path}/build={build_id}")

    def table_dir(self, table: str) -> Location:
        """Folder of all that was ever built of a table: its name for lineage."""
        return self.root / _folder(table)

    def reference_dir(self, table: str, release: str) -> Location:
        """Folder of a reference table's rows as a release froze them, for engines that read the warehouse itself."""
        return self._place(f"{_folder(table)}/build={release}")

    def verdict(self, build_id: str) -> Location:
        return self._place(f"verdicts/{build_id}.json")

    def release_dir(self, release: str) -> Location:
        return self._place(f"releases/{release}")

    def _place(self, below: str) -> Location:
        """Where something lies or will lie: in the base only what is there already."""
        own = self.root / below
        return self.base / below if self.base and not own.exists() and (self.base / below).exists() else own


def _folder(table: str) -> str:
    schema, name = table.split(".")
    return f"tables/{schema}/{name}"


def new_build_id() -> str:
    """An id nobody else has; nothing that is published may depend on it."""
    return secrets.token_hex(8)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_json(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()


def files_hash(files: Iterable[Mapping[str, Any]]) -> str:
    """Hash of keys, sizes and contents: binds a verdict to files."""
    return hash_json(sorted(([f["key"], f["bytes"], f["sha256"]] for f in files), key=lambda f: f[0]))
