"""The files of an import: opened plain or gzipped, decoded as UTF-8, given a listener and a format."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from settlement.errors import BadInput

_GZIP: Final = b"\x1f\x8b"
_NO_LISTENER: Final = re.compile("listens|[0-9]{1,4}")  # folders within an export: listens/2024/1.jsonl


@dataclass(frozen=True)
class Source:
    """A file of a listening history: its content, and the listener where the rows name none."""

    path: Path
    listener: str
    text: str

    @property
    def name(self) -> str:
        """The file's name without folders and `.gz`: part of the stable keys of its rows."""
        return self.path.name.removesuffix(".gz")


def open_sources(files: Sequence[Path]) -> list[Source]:
    """Read the files. Those of one folder belong to one listener, named after the folder.

    Raises:
        BadInput: a file is given twice, is missing, empty, not UTF-8, or its gzip is damaged.
    """
    resolved = [path.resolve() for path in files]
    for place, path in enumerate(resolved):
        if path in resolved[:place]:
            raise BadInput(str(files[place]), "is given twice", hint="name each file once")
    names = _listeners([_home(path) for path in resolved])
    pairs = zip(files, resolved, strict=True)
    return [Source(path, names[_home(full)], _read(path)) for path, full in sorted(pairs, key=lambda pair: pair[1])]


def _home(path: Path) -> Path:
    folder = path.parent
    while _NO_LISTENER.fullmatch(folder.name):
        folder = folder.parent
    return folder


def _listeners(folders: Sequence[Path]) -> dict[Path, str]:
    """A name per folder: its own, with a number behind it where another folder has the same."""
    names: dict[Path, str] = {}
    for folder in sorted(set(folders)):
        name = folder.name or "listener"
        same = sum(other.name == folder.name for other in names)
        names[folder] = f"{name}#{same + 1}" if same else name
    return names


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(str(path), f"cannot be read: {error.strerror or error}") from error
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BadInput(str(path), f"gzip damaged or cut short: {error}", hint="ask for the file again") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(str(path), f"not UTF-8 at line {line}") from error
    if not text.strip():
        raise BadInput(str(path), "is empty")
    return text
