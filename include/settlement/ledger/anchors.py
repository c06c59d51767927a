"""Anchors: the ledger's head, written outside its database, so that a chain cut off or rewritten as a whole is found.

The database can only say whether its records follow from one another; whoever replaces it as a whole replaces that answer
too. An anchor is a small file that was written once, after a record was committed, and holds that record's hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from settlement.errors import SettlementError
from settlement.ledger.schema import record
from settlement.storage import Location, atomic_file, files_below, sync_dir
from settlement.warehouse import canonical_json

_NAME = re.compile("([0-9]{8,})-[0-9a-f]{16}\\.json")
# Each record of these kinds gets an anchor: from then on somebody outside may rely on it.
ANCHORED = frozenset({"published", "approved", "posted", "closed"})


@dataclass(frozen=True, order=True)
class Anchor:
    """The chain's head after a record: the record's number, hash and time (UTC), and how many records the chain had."""

    seq: int
    hash: str
    at: str
    count: int

    @property
    def name(self) -> str:
        """Path in the folder of anchors: a folder a day, names in the order of the records."""
        return f"{self.at[:10]}/{self.seq:08d}-{self.hash[:16]}.json"


@dataclass(frozen=True)
class Anchors:
    """A folder of anchors to which files are only ever added."""

    folder: Location

    def newest(self) -> int:
        """Number of the newest record that has an anchor; 0 when none has."""
        days: list[Location] = [*self.folder.glob("????-??-??")]
        for day in sorted(days, key=str, reverse=True):
            numbers = [int(found[1]) for path in day.iterdir() if (found := _NAME.fullmatch(path.name))]
            if numbers:
                return max(numbers)
        return 0

    def write(self, anchor: Anchor) -> None:
        """Write an anchor, whole, once and read-only.

        Raises:
            SettlementError: a file of its name holds something else.
            OSError: the folder can't be written.
        """
        target = self.folder / anchor.name
        text = canonical_json(asdict(anchor))
        if target.exists():
            if target.read_text("utf-8") != text:
                raise SettlementError(f"anchor {target} holds something else", "verify the ledger")
            return
        is_new_day = not target.parent.exists()
        with atomic_file(target) as path:
            path.write_text(text, "utf-8")
            path.chmod(0o444)
        if is_new_day and isinstance(self.folder, Path):
            for folder in (self.folder, self.folder.parent):
                sync_dir(folder)

    def read(self) -> tuple[list[Anchor], list[str]]:
        """Every anchor in the order of the records, and a sentence for every file that is none or doesn't fit its name."""
        found: list[Anchor] = []
        problems: list[str] = []
        for path in sorted(files_below(self.folder), key=str):
            if path.name.startswith("."):
                continue
            anchor = _parse(path)
            if anchor is None or self.folder / anchor.name != path:
                problems.append(f"anchor {path} was edited: it isn't what its name says")
            else:
                found.append(anchor)
        return sorted(found), problems


def _parse(path: Location) -> Anchor | None:
    try:
        anchor = Anchor(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    is_typed = isinstance(anchor.seq, int) and isinstance(anchor.hash, str) and isinstance(anchor.at, str)
    return anchor if is_typed and isinstance(anchor.count, int) else None


def last_seq(connection: Connection) -> int:
    """Number of the newest record; 0 in an empty chain."""
    return connection.execute(select(func.max(record.c.seq))).scalar() or 0


def has_anchored(connection: Connection, after: int) -> bool:
    """Whether a record that gets an anchor stands after the record of that number."""
    query = select(record.c.seq).where(record.c.seq > after, record.c.kind.in_(sorted(ANCHORED)))
    return connection.execute(query.limit(1)).first() is not None


def due(connection: Connection, newest: int) -> Iterator[Anchor]:
    """The anchors to write after the newest one there is, oldest first, and that of the chain's last record.

    Oldest first: whatever stops the writing leaves no gap, so a gap is a file that somebody took away.
    """
    last = last_seq(connection)
    query = select(record.c.seq, record.c.hash, record.c.at, record.c.kind).where(record.c.seq > newest)
    for row in connection.execute(query.order_by(record.c.seq)).all():
        if row.kind in ANCHORED or row.seq == last:
            counted = select(func.count()).select_from(record).where(record.c.seq <= row.seq)
            yield Anchor(row.seq, row.hash, row.at, connection.execute(counted).scalar_one())
