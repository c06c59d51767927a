"""What lies in the landing folders and the reference folder, as lines and rows (data.md "Landing").

Open choices:
- What stands behind a file's last LF is a line of its own if it isn't empty; it has no LF, so a CR at its end stays
  (and is whitespace to JSON).
- "Over 1 MiB" is measured on the line without its LF and the one CR that is dropped.
- The raw line of a CSV row starts where the record starts and keeps quotes, and line breaks inside quotes, as they are.
- A file of any other name in a folder is ignored.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from .faults import BadInputError

Folders = Mapping[str, Mapping[str, bytes]]
"""Landing folders by path below the root (`plays/dt=2024-02-01`): file name → the file's bytes."""


@dataclass(frozen=True)
class CsvRow:
    """One CSV record: its bytes as they stand in the file, and its fields by column name."""

    raw: bytes
    fields: Mapping[str, str]


def read_tree(root: Path) -> dict[str, dict[str, bytes]]:
    """All landing folders below the root, read whole."""
    return {
        f"{folder.parent.name}/{folder.name}": {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in sorted(root.glob("*/dt=*"))
    }


class Landing:
    """The landing root: which days have arrived, and what is in them."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._snapshot_rows: dict[bytes, list[Mapping[str, str]]] = {}

    def days(self, kind: str) -> list[date]:
        """The days delivered for `plays`, `payments`, `other_revenue` or `catalog`, in order."""
        start = f"{kind}/dt="
        return sorted(date.fromisoformat(path.removeprefix(start)) for path in self._folders if path.startswith(start))

    def play_lines(self, day: date) -> Iterator[bytes]:
        """The lines of a day's plays, without LF and the one CR before it."""
        for data in self._files("plays", day, ".jsonl.gz"):
            *ended, last = data.split(b"\n")
            yield from (line.removesuffix(b"\r") for line in ended)
            if last:
                yield last

    def rows(self, kind: str, day: date) -> list[CsvRow]:
        """The rows of a day's `payments` or `other_revenue`."""
        return [row for data in self._files(kind, day, ".csv.gz") for row in csv_rows(data)]

    def snapshot(self, table: str, day: date) -> list[Mapping[str, str]]:
        """The rows of one table of a day's catalogue; most days bring the file of the day before, which is parsed once."""
        rows: list[Mapping[str, str]] = []
        for packed in self._packed_files("catalog", day, f"{table}.csv.gz"):
            if packed not in self._snapshot_rows:
                self._snapshot_rows[packed] = [row.fields for row in csv_rows(gzip.decompress(packed))]
            rows += self._snapshot_rows[packed]
        return rows

    def _files(self, kind: str, day: date, name_end: str) -> list[bytes]:
        return [gzip.decompress(packed) for packed in self._packed_files(kind, day, name_end)]

    def _packed_files(self, kind: str, day: date, name_end: str) -> list[bytes]:
        folder = self._folders.get(f"{kind}/dt={day}", {})
        if "_SUCCESS" not in folder:
            raise BadInputError(f"{kind}/dt={day} has not arrived")
        return [data for name, data in folder.items() if name.endswith(name_end)]


def csv_rows(data: bytes) -> list[CsvRow]:
    """The records of an RFC 4180 file behind its header."""
    records = _records(data)
    if not records:
        raise BadInputError("a CSV file without a header")
    header = _fields(records[0])
    return [CsvRow(raw, dict(zip(header, _fields(raw), strict=True))) for raw in records[1:]]


def _fields(record: bytes) -> list[str]:
    return next(csv.reader([record.decode("utf-8")], strict=True))


def _records(data: bytes) -> list[bytes]:
    """Cuts at each LF that is outside quotes; a record loses that LF and the one CR before it."""
    records, start, quoted = [], 0, False
    for position, byte in enumerate(data):
        if byte == ord('"'):
            quoted = not quoted
        elif byte == ord("\n") and not quoted:
            records.append(data[start:position].removesuffix(b"\r"))
            start = position + 1
    if start < len(data):
        records.append(data[start:])
    return records
