"""A history of years becomes a month of many listeners: each window of a month's length is a listener of its own.

Days move by whole days, so that a play keeps its time of day in Korea, and no play is lost or doubled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from settlement.errors import SettlementError
from settlement.landing.generator.calendar import Span
from settlement.landing.importers.listen import Listen

_KST_MS: Final = 9 * 3_600_000
_DAY_MS: Final = 86_400_000


class Placed(NamedTuple):
    """A play in the chosen month: whose, on which day it ended (an ordinal), at which ms of that day in Korea."""

    user_id: int
    day: int
    ended_ms: int
    listen: Listen


def place_in_month(listens: Sequence[Listen], month: Span) -> list[Placed]:
    """Every play at its place, ordered by day, end and play id.

    A listener's windows count from the Korean date of the first play; window w, day d becomes day d of the month.
    """
    length = len(month.days)
    first: dict[str, int] = {}
    for listen in listens:
        day = _korean_day(listen)
        first[listen.listener] = min(day, first.get(listen.listener, day))
    users: dict[tuple[str, int], int] = {}
    placed = []
    for listen in listens:
        window, day = divmod(_korean_day(listen) - first[listen.listener], length)
        user_id = users.setdefault((listen.listener, window), _user_id(listen.listener, window))
        at = (listen.ended_ms + _KST_MS) % _DAY_MS
        placed.append(Placed(user_id, month.first.toordinal() + day, at, listen))
    if len(set(users.values())) < len(users):
        raise SettlementError("two listeners got the same user id", "rename one of the folders or users")
    return sorted(placed, key=lambda play: (play.day, play.ended_ms, play.listen.play_id))


def started_at(play: Placed) -> str:
    """Begin of the play: its end less what was listened, with the offset of Korea."""
    days, ms = divmod(play.ended_ms - play.listen.ms_played, _DAY_MS)
    seconds, fraction = divmod(ms, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    day = date.fromordinal(play.day + days).isoformat()
    return f"{day}T{hour:02d}:{minute:02d}:{second:02d}.{fraction:03d}+09:00"


def _korean_day(listen: Listen) -> int:
    return (listen.ended_ms + _KST_MS) // _DAY_MS


def _user_id(listener: str, window: int) -> int:
    """17 digits from listener and window alone: the same in every import."""
    digest = hashlib.sha256(f"{listener}\x1f{window}".encode()).digest()
    return 10**16 + int.from_bytes(digest[:8], "big") % (9 * 10**16)
