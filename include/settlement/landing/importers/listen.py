"""A play of a listening history, whatever export it comes from, and the checks that every format needs."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Final, NamedTuple

from settlement.errors import BadInput
from settlement.landing.forms import ID, MAX_PLAY_MS

_ID: Final = re.compile(ID)
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?Z?")


class Listen(NamedTuple):
    """One play. `key` is the stable key of its row within the listener's history; the end is ms since 1970 UTC.

    `album`, `device`, `country` are empty and `offline` is None where the export has none; `duration_ms` is 0.
    """

    listener: str
    key: str
    artist: str
    track: str
    ended_ms: int
    ms_played: int
    album: str = ""
    duration_ms: int = 0
    device: str = ""
    country: str = ""
    offline: bool | None = None

    @property
    def play_id(self) -> str:
        """Listener and key where that has the form of a play id, else their hash."""
        plain = f"{self.listener}:{self.key}"
        if _ID.fullmatch(plain):
            return plain
        return "h:" + hashlib.sha256(f"{self.listener}\x1f{self.key}".encode()).hexdigest()[:40]


class Place(NamedTuple):
    """Where a row stands: the file's name and the row's number (1 = the first)."""

    file: str
    row: int

    def bad(self, reason: str) -> BadInput:
        """The error that says so."""
        return BadInput(self.file, reason, row=self.row)


def text_of(value: object, field: str, place: Place) -> str:
    """A text that isn't empty; raises BadInput otherwise."""
    if not isinstance(value, str) or not value:
        raise place.bad(f"{field} is {value!r}: must be a text")
    return value


def ms_of(value: object, field: str, place: Place) -> int:
    """Milliseconds listened, 0 to a day, as a number or digits; raises BadInput otherwise."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PLAY_MS:
        raise place.bad(f"{field} is {value!r}: must be whole milliseconds from 0 to {MAX_PLAY_MS}")
    return value


def utc_ms_of(value: object, field: str, place: Place) -> int:
    """An instant `YYYY-MM-DD hh:mm[:ss]` in UTC, as ms since 1970; raises BadInput otherwise."""
    text = text_of(value, field, place)
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError
        instant = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise place.bad(f"{field} is {text!r}: must be YYYY-MM-DD hh:mm[:ss] in UTC") from None
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
