"""The profiles as data: which records there are, in what order, and what each cell may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from settlement.reports.dsr.errors import CellError
from settlement.reports.dsr.names import first_day
from settlement.reports.dsr.text import Raw, clean, escape

Single = str | int | Decimal | bool
Value = Single | None | tuple[Single, ...]
"""What a cell holds: None where an optional one is empty, a tuple where it is repeated."""

_INTEGER: Final = re.compile("-?[0-9]{1,30}")
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_DURATION: Final = re.compile(r"PT(?=[0-9])([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}(\.[0-9]{1,9})?S)?")
_DATETIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})")
_DATE: Final = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
_LONGEST_DPID: Final = 40
_EMPTY: Final = "is empty, but has to have a value"


@dataclass(frozen=True)
class Cell:
    """A cell of a record: `read` turns one value's text into the value, or raises ValueError with the reason."""

    name: str
    kind: str
    optional: bool
    repeated: bool
    read: Callable[[str], Single]

    def parse(self, raw: Raw) -> Value:
        """The cell's value from its unescaped text.

        Raises:
            CellError: empty though mandatory, several values though single, or a value of the wrong form.
        """
        if not raw:
            if not self.optional:
                raise CellError(self.name, _EMPTY)
            return () if self.repeated else None
        if isinstance(raw, str):
            return (self._one(raw),) if self.repeated else self._one(raw)
        if not self.repeated:
            raise CellError(self.name, "takes one value, but has a | without a backslash")
        # Lists of one record run in step (names and their party ids): a missing entry keeps its place.
        return tuple(self._one(value) if value or self.kind in {"integer", "decimal"} else "" for value in raw)

    def render(self, value: object) -> str:
        """A value as the cell's text, escaped; a tuple gives a repeated cell's values, None or "" leaves it empty.

        Raises:
            CellError: several values though single, or a value of the wrong form.
        """
        if isinstance(value, tuple):
            if len(value) > 1 and not self.repeated:
                raise CellError(self.name, "takes one value")
            return "|".join(self.render(one) for one in value)
        text = "" if value is None else _text(value)
        if text:
            self._one(text)
        return escape(text)

    def _one(self, text: str) -> Single:
        try:
            return self.read(text)
        except ValueError as error:
            raise CellError(self.name, f"{text[:80]!r} {error}") from None


@dataclass(frozen=True)
class RecordType:
    """A record type: its name in the first cell, then its cells."""

    name: str
    cells: tuple[Cell, ...]

    def parse(self, line: list[Raw]) -> dict[str, Value]:
        """Values by cell from a line's cells, the record type among them.

        Raises:
            CellError: too few or too many cells, or a cell is off.
        """
        if len(line) != len(self.cells) + 1:
            raise CellError(self.name, f"has {len(line)} cells, the record has {len(self.cells) + 1}")
        return {cell.name: cell.parse(raw) for cell, raw in zip(self.cells, line[1:], strict=True)}

    def render(self, cells: Mapping[str, object]) -> str:
        """A line with its end; cells that aren't given stay empty.

        Raises:
            CellError: a cell is off, a mandatory one is empty, or there is no such cell.
        """
        texts = [""] * len(self.cells)
        for name, value in cells.items():
            if name not in self._places:
                raise CellError(name, f"is no cell of {self.name}")
            place = self._places[name]
            texts[place] = self.cells[place].render(value)
        for place in self._mandatory:
            if not texts[place]:
                raise CellError(self.cells[place].name, _EMPTY)
        return "\t".join([self.name, *texts]) + "\n"

    @cached_property
    def _places(self) -> dict[str, int]:
        return {cell.name: place for place, cell in enumerate(self.cells)}

    @cached_property
    def _mandatory(self) -> tuple[int, ...]:
        return tuple(place for place, cell in enumerate(self.cells) if not cell.optional)


@dataclass(frozen=True)
class Profile:
    """A profile of the standard; see profiles.yaml for what the fields mean."""

    key: str
    name: str
    version: str
    message_version: str
    summaries: frozenset[str]
    first: frozenset[str]
    last: frozenset[str]
    follows: Mapping[str, frozenset[str]]
    under: Mapping[str, str]
    records: Mapping[str, RecordType]


class _Set(BaseModel):
    model_config = ConfigDict(extra="forbid")
    values: list[str]
    partial: bool = False
    form: str = ""


class _Profile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    version: str
    message_version: str
    summaries: list[str]
    first: list[str]
    last: list[str]
    follows: dict[str, list[str]]
    under: dict[str, str] = {}
    records: dict[str, dict[str, str]] = {}


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    patterns: dict[str, str]
    sets: dict[str, _Set]
    profiles: dict[str, _Profile]
    records: dict[str, dict[str, str]]


@cache
def profiles() -> Mapping[str, Profile]:
    """The profiles by key: `usage` (Basic Audio 1.2) and `royalty` (Royalty Reporting 1.0.1)."""
    return {key: _profile(key, profile, _file(), _kinds()) for key, profile in _file().profiles.items()}


@cache
def _file() -> _File:
    return _File.model_validate(yaml.safe_load((Path(__file__).parent / "profiles.yaml").read_text("utf-8")))


def is_dpid(text: str) -> bool:
    """Whether text has the form of a DDEX Party Identifier, as cells ask for it, and a length that file names bear."""
    return fits("dpid", text) and len(text) <= _LONGEST_DPID


def fits(kind: str, text: str) -> bool:
    """Whether text is a value of a kind of cell, such as `isrc`."""
    try:
        _kinds()[kind](text)
    except ValueError:
        return False
    return True


def _profile(key: str, profile: _Profile, file: _File, readers: Mapping[str, Callable[[str], Single]]) -> Profile:
    names = ["HEAD", *profile.summaries, *profile.follows, "FOOT"]
    cells = {name: profile.records.get(name) or file.records[name] for name in names}
    return Profile(
        key,
        profile.name,
        profile.version,
        profile.message_version,
        frozenset(profile.summaries),
        frozenset(profile.first),
        frozenset(profile.last),
        {name: frozenset(following) for name, following in profile.follows.items()},
        profile.under,
        {name: RecordType(name, tuple(_cell(cell, text, readers) for cell, text in cells[name].items())) for name in names},
    )


def _cell(name: str, text: str, readers: Mapping[str, Callable[[str], Single]]) -> Cell:
    kind, *words = text.split()
    if unknown := set(words) - {"optional", "repeated"}:
        raise ValueError(f"profiles.yaml: {name} has the unknown word {min(unknown)}")
    return Cell(name, kind, "optional" in words, "repeated" in words, readers[kind])


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(str(value))


@cache
def _kinds() -> Mapping[str, Callable[[str], Single]]:
    """Kind of cell → its reading function, which raises ValueError with the reason."""
    file = _file()
    readers: dict[str, Callable[[str], Single]] = {
        "string": lambda text: text,
        "integer": lambda text: int(_formed(_INTEGER, text, "is no integer")),
        "decimal": lambda text: Decimal(_formed(_DECIMAL, text, "is no decimal number")),
        "boolean": _boolean,
        "duration": lambda text: _formed(_DURATION, text, "is no duration (PT3M20S)"),
        "datetime": _datetime,
        "date": _date,
    }
    for name, form in file.patterns.items():
        readers[name] = _pattern(re.compile(form), f"is not of the form {form}")
    for name, allowed in file.sets.items():
        readers[name] = _allowed(name, allowed)
    return readers


def _pattern(form: re.Pattern[str], reason: str) -> Callable[[str], Single]:
    return lambda text: _formed(form, text, reason)


def _allowed(name: str, allowed: _Set) -> Callable[[str], Single]:
    values = frozenset(allowed.values)
    form = re.compile(allowed.form) if allowed.partial else None

    def read(text: str) -> Single:
        if text in values or (form is not None and form.fullmatch(text)):
            return text
        raise ValueError(f"is not an allowed value of {name}")

    return read


def _formed(form: re.Pattern[str], text: str, reason: str) -> str:
    if form.fullmatch(text) is None:
        raise ValueError(reason)
    return text


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("is neither true nor false")
    return text == "true"


def _datetime(text: str) -> str:
    reason = "is no time with an offset (2026-03-31T23:59:59+09:00)"
    try:
        datetime.fromisoformat(_formed(_DATETIME, text, reason))
    except ValueError:
        raise ValueError(reason) from None
    return text


def _date(text: str) -> str:
    try:
        first_day(_formed(_DATE, text, ""))
    except ValueError:
        raise ValueError("is no date (YYYY, YYYY-MM or YYYY-MM-DD)") from None
    return text
