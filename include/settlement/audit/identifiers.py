"""Identifiers of the catalogue (data.md): a bad one is a warning that names the row, never a stop.

The engine passes over what is surely right, which is nearly everything; what is left is judged by `settlement.identifiers`
alone. So a catalogue of any size costs a scan, and the memory is the engine's.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from string import ascii_uppercase
from typing import Any, Final, NamedTuple

from settlement.audit.checks import SAMPLE_ROWS, Finding
from settlement.engines.duckdb import Session
from settlement.engines.files import literal
from settlement.identifiers import DPID, ISRC, ISWC, UPC, Scheme, is_isrc_prefix
from settlement.storage import Location, atomic_file

COLUMNS: Final = ("table", "key", "column", "value", "reason")
_BATCH: Final = 50_000


def _weighted(column: str, first: int, weights: tuple[int, ...]) -> str:
    """SQL: the sum of the digits from place `first` on (1 is the leftmost), each times its weight."""
    return " + ".join(f"{weight} * (ascii(substr({column}, {place}, 1)) - 48)" for place, weight in enumerate(weights, first))


def _sure_isrc(column: str) -> str:
    known = "|".join(a + b for a in ascii_uppercase for b in ascii_uppercase if is_isrc_prefix(a + b))
    return f"regexp_full_match({column}, '(?:{known})[A-Z0-9]{{3}}[0-9]{{7}}')"


def _sure_iswc(column: str) -> str:
    total = _weighted(column, 2, (*range(1, 10), 1))
    return f"regexp_full_match({column}, 'T[0-9]{{10}}') AND (1 + {total}) % 10 = 0"


def _sure_upc(column: str) -> str:
    total = _weighted(f"lpad({column}, 14, '0')", 1, (3, 1) * 7)
    return f"regexp_full_match({column}, '[0-9]{{8}}|[0-9]{{12,14}}') AND ({total}) % 10 = 0"


class _Kind(NamedTuple):
    """A column that holds identifiers; `sure` is SQL that is true only of good ones."""

    check: str
    table: str
    key: str
    column: str
    scheme: Scheme
    meaning: str
    sure: str


@cache
def _kinds() -> tuple[_Kind, ...]:
    return (
        _Kind("isrc_form", "ods.track", "track_id", "isrc", ISRC, "an ISRC has the form of one", _sure_isrc("isrc")),
        _Kind("iswc_check", "ods.track", "track_id", "iswc", ISWC, "the check digit of an ISWC is right", _sure_iswc("iswc")),
        _Kind("upc_check", "ods.album", "album_id", "upc", UPC, "the check digit of a UPC or EAN is right", _sure_upc("upc")),
        _Kind("dpid_check", "ods.partner", "partner_id", "dpid", DPID, "the check character of a DPID is right", "false"),
    )


class _Bad(NamedTuple):
    kind: _Kind
    key: int
    value: str
    reason: str


@dataclass
class _Tally:
    rows: int = 0
    sample: list[dict[str, Any]] = field(default_factory=list)

    def add(self, bad: _Bad) -> None:
        self.rows += 1
        if self.rows <= SAMPLE_ROWS:
            self.sample.append({bad.kind.key: bad.key, bad.kind.column: bad.value})


def check_identifiers(session: Session, day: str, target: Location) -> list[Finding]:
    """Warnings about the identifiers of a day's catalogue, one per table and kind; every bad row goes into `target`.

    Args:
        session: has ods.track, ods.album and ods.partner in view.
        day: the partition, `YYYY-MM-DD`.
        target: the CSV file of all bad rows (`COLUMNS`), written whole; it is not made when there is none.

    Raises:
        EngineError: a scan failed.
    """
    found = _found(session, day)
    first = next(found, None)
    if first is None:
        return []
    tallies: dict[_Kind, _Tally] = {}
    with atomic_file(target) as path, path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(COLUMNS)
        for bad in chain([first], found):
            rows.writerow((bad.kind.table, bad.key, bad.kind.column, bad.value, bad.reason))
            tallies.setdefault(bad.kind, _Tally()).add(bad)
    place = f"every row: {target.parent.name}/{target.name}"
    return [
        Finding(kind.table, kind.check, "warn", f"{kind.meaning} ({place})", tally.rows, tally.sample)
        for kind, tally in tallies.items()
    ]


def _found(session: Session, day: str) -> Iterator[_Bad]:
    """The bad rows of every kind, by key."""
    for kind in _kinds():
        cursor = session.run(
            f"SELECT {kind.key}, {kind.column} FROM {kind.table} "
            f"WHERE dt = {literal(day)} AND {kind.column} <> '' AND NOT ({kind.sure}) ORDER BY {kind.key}",
            f"check {kind.check} of {kind.table}",
        )
        while rows := cursor.fetchmany(_BATCH):
            for key, value in rows:
                if reason := kind.scheme.fault(value):
                    yield _Bad(kind, key, value, reason)
