"""Landing folders: what has arrived, which files a folder holds, and their frozen names, sizes and hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypedDict

from settlement.errors import BadInput, NotArrived
from settlement.landing.contract import CATALOG, KINDS, SUCCESS, Kind, file_suffix
from settlement.landing.forms import epoch_day
from settlement.storage import Location, key_below, sha256_of

_FOLDER = re.compile(r"dt=([0-9]{4}-[0-9]{2}-[0-9]{2})")


class FrozenFile(TypedDict):
    """A landed file as the first ingest saw it; `name` is relative to the landing root."""

    name: str
    bytes: int
    sha256: str


Frozen = dict[Kind, list[FrozenFile]]


@dataclass(frozen=True)
class Landing:
    """A landing root: a folder, or a prefix of a bucket."""

    root: Location

    def folder(self, kind: Kind, day: str) -> Location:
        return self.root / kind / f"dt={day}"

    def arrived(self, kind: Kind, day: str) -> bool:
        return (self.folder(kind, day) / SUCCESS).exists()

    def kinds(self, day: str) -> list[Kind]:
        """The kinds that have arrived for a landing day."""
        return [kind for kind in KINDS if self.arrived(kind, day)]

    def days(self, kind: Kind) -> list[str]:
        """Every day whose folder of a kind has arrived, in order; looks into each."""
        return [day for day in self._folders(kind) if self.arrived(kind, day)]

    def first_day(self, kind: Kind) -> str | None:
        """The first day ever delivered of a kind; in a bucket one list and one look, however long the history is."""
        return next((day for day in self._folders(kind) if self.arrived(kind, day)), None)

    def _folders(self, kind: Kind) -> list[str]:
        found = (match[1] for folder in (self.root / kind).glob("dt=*") if (match := _FOLDER.fullmatch(folder.name)))
        return sorted(day for day in found if epoch_day(day) is not None)

    def require(self, kind: Kind, day: str) -> None:
        """Raises NotArrived unless the folder's marker is there."""
        if not self.arrived(kind, day):
            folder = self.folder(kind, day)
            state = "has no _SUCCESS yet" if folder.is_dir() else "does not exist"
            raise NotArrived(f"{kind}/dt={day} has not arrived: {folder} {state}", "wait for the delivery, then run again")

    def files(self, kind: Kind, day: str) -> list[Location]:
        """The data files of an arrived folder, by name; anything the contract doesn't know is refused."""
        self.require(kind, day)
        paths = sorted(p for p in self.folder(kind, day).iterdir() if not p.name.startswith(("_", ".")))
        for path in paths:
            known = path.name.endswith(file_suffix(kind)) and (kind != "catalog" or path.name.removesuffix(".csv.gz") in CATALOG)
            if not known or not path.is_file():
                raise BadInput(self.name(path), f"not a file of the contract: {kind} holds {_expected(kind)}")
        if kind == "catalog" and paths:
            missing = sorted(CATALOG.keys() - {p.name.removesuffix(".csv.gz") for p in paths})
            if missing:
                folder = self.folder(kind, day)
                raise BadInput(self.name(folder / f"{missing[0]}.csv.gz"), "missing: a catalogue snapshot is complete or empty")
        return paths

    def name(self, path: Location) -> str:
        """A file's name as people know it: relative to the landing root."""
        return key_below(self.root, path)

    def freeze(self, day: str) -> Frozen:
        """Name, size and SHA-256 of every file of the day's arrived folders."""
        return {kind: [self._frozen(path) for path in self.files(kind, day)] for kind in self.kinds(day)}

    def _frozen(self, path: Location) -> FrozenFile:
        return {"name": self.name(path), "bytes": path.stat().st_size, "sha256": sha256_of(path)}


def _expected(kind: Kind) -> str:
    if kind == "catalog":
        return ", ".join(f"{name}.csv.gz" for name in CATALOG)
    return f"*{file_suffix(kind)}"


def differences(before: Frozen, now: Frozen) -> list[str]:
    """Names of files of kinds frozen `before` that changed, came or went since."""
    changed: list[str] = []
    for kind, files in before.items():
        old = {f["name"]: f["sha256"] for f in files}
        new = {f["name"]: f["sha256"] for f in now.get(kind, [])}
        changed += sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return changed
