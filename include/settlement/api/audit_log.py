"""The API's own log of who asked what: a file that is only appended to, each line hashed with the one before.

It is beside the settlement's ledger, not in it: readers are many, and what they do moves no money. The chain has the ledger's
form (`settlement.ledger.records.chain_hash`). A line is on disk before the rows that it speaks of are sent.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from settlement.api.problems import Busy
from settlement.ledger.records import GENESIS, chain_hash
from settlement.warehouse import canonical_json

_FILE = "requests.jsonl"
_BLOCK = 65_536
_LATER = 30


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: how many lines hold, the hash of the last, and the number of the first that doesn't (None: all do)."""

    lines: int
    last: str
    broken: int | None


class AuditLog:
    """Appends lines; several servers of one machine may share a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / _FILE
        self._lock = Lock()

    def append(self, kind: str, facts: Mapping[str, Any]) -> str:
        """Append one line durably; returns its hash.

        Args:
            kind: `allowed`, `refused`, `finished`.
            facts: what the line says beside; no tokens.

        Raises:
            Busy: it can't be written: nothing is answered without it.
        """
        try:
            with self._lock, self.path.open("a+b") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX)
                return self._append(stream, kind, facts)
        except OSError as error:
            reason = f"the audit log can't be written: {error.strerror or error}"
            raise Busy(reason, "free space or make it writable; nothing is answered without it", _LATER) from None

    def _append(self, stream: BinaryIO, kind: str, facts: Mapping[str, Any]) -> str:
        last = _last_line(stream)
        if last is None or not last.endswith(b"\n"):
            # A line that was cut off by a crash stays where it is; the chain goes on behind it and says so.
            stream.write(b"\n" if last else b"")
            facts = {**facts, "after_a_torn_line": True} if last else facts
        previous = _hash_before(stream) if last else GENESIS
        fields = {"at": datetime.now(UTC).isoformat(timespec="microseconds"), "kind": kind, **facts}
        hashed = chain_hash(previous, fields)
        stream.write((canonical_json({**fields, "prev_hash": previous, "hash": hashed}) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())
        return hashed


def verify(path: Path) -> Verdict:
    """Read a log from its beginning; a torn line is passed over when the next one says that it is there."""
    previous, lines, torn = GENESIS, 0, False
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            entry = _parsed(line)
            if entry is None:
                if torn:
                    return Verdict(lines, previous, number)
                torn = True
                continue
            fields = {name: value for name, value in entry.items() if name not in ("prev_hash", "hash")}
            holds = entry.get("prev_hash") == previous and entry.get("hash") == chain_hash(previous, fields)
            if not holds or torn != bool(entry.get("after_a_torn_line")):
                return Verdict(lines, previous, number)
            previous, lines, torn = str(entry["hash"]), lines + 1, False
    return Verdict(lines, previous, None)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _last_line(stream: BinaryIO) -> bytes | None:
    lines = _tail(stream)
    return lines[-1] if lines else None


def _hash_before(stream: BinaryIO) -> str:
    """The hash of the last line that is whole."""
    for line in reversed(_tail(stream)):
        entry = _parsed(line)
        if entry is not None and "hash" in entry:
            return str(entry["hash"])
    return GENESIS


def _tail(stream: BinaryIO) -> list[bytes]:
    """The last lines, at least two where there are two: read from the end, in growing blocks."""
    stream.flush()
    size = stream.seek(0, os.SEEK_END)
    block = _BLOCK
    while True:
        start = max(0, size - block)
        stream.seek(start)
        lines = stream.read().splitlines(keepends=True)
        if start == 0 or len(lines) > 3:
            return lines if start == 0 else lines[1:]
        block *= 4
