"""How many plays of which kind land on which day: whole numbers, fixed before the first line is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from settlement.landing.generator.calendar import Span
from settlement.landing.generator.mixing import MILLION, draw, spread
from settlement.landing.generator.service_rules import ServiceRules
from settlement.landing.writers import play_files

# Plays of each kind per million, in the order in which they lie in a block; the rest qualifies.
KINDS: Final = {
    "download": 12_000,
    "too_short": 10_000,
    "abuse_flag": 7_000,
    "unknown_product": 5_000,
    "too_late": 5_000,
    "future": 3_500,
    "malformed": 6_500,
    "duplicate": 5_000,
}
_ECHO_PPM: Final = 4_000
_MAX_ECHOES: Final = 20_000  # a day's echoes are held in memory
ECHO_DELAYS: Final = (1, 3, 30, 31)  # the look-back ends at 30: a copy after 31 days is new, and too late
_OVER_CAP_PPM: Final = 4_000
_WEEK: Final = (100, 100, 100, 102, 110, 118, 112)
_BLOCK: Final = 50_000  # plays made at once


@dataclass(frozen=True)
class DayPlan:
    """One landing day.

    `plays` lines in all = `kinds` (with "normal") + `echoes` (delivered again on a later day) + `arrivals` (echoes of
    earlier days) + `cap_groups` × `cap_group` (one user's plays of one track: the cap's number and some more).
    """

    day: date
    plays: int
    kinds: dict[str, int]
    malformed_before: int
    echoes: int
    arrivals: int
    cap_groups: int
    cap_group: int

    @property
    def files(self) -> int:
        """Number of files of the day's folder."""
        return play_files(self.plays)

    @property
    def blocks(self) -> int:
        """Number of blocks, at least one a file; block b goes to file b × files // blocks."""
        return max(self.files, -(-self.plays // _BLOCK))


def slice_of(total: int, block: int, blocks: int) -> range:
    """The part of 0 … total − 1 that goes to one block."""
    return range(total * block // blocks, total * (block + 1) // blocks)


def echoes_after(day: date, echoes: int, delay: int) -> range:
    """The numbers, out of the day's echoes, of those that are delivered again after `delay` days (of ECHO_DELAYS)."""
    return range((ECHO_DELAYS.index(delay) - day.toordinal()) % len(ECHO_DELAYS), echoes, len(ECHO_DELAYS))


def plan_days(seed: int, span: Span, plays: int, rules: ServiceRules) -> list[DayPlan]:
    """The plan of every day of the span; plays sum to the total."""
    days = span.days
    groups, sizes = _cap_groups(span, plays, rules)
    weights = [_WEEK[day.weekday()] * (95 + draw(seed, "weight", day.toordinal()) % 11) for day in days]
    rest = spread(plays - sum(g * s for g, s in zip(groups, sizes, strict=True)), weights)
    echoes = [min(n, _MAX_ECHOES, rest[at] // 8) for at, n in enumerate(_shares(rest, _ECHO_PPM, 0))]
    kinds = {kind: _shares(rest, ppm, 7 * place + 3) for place, (kind, ppm) in enumerate(KINDS.items())}
    plans, malformed = [], 0
    for at, day in enumerate(days):
        room = rest[at] - echoes[at]
        arrivals = min(_arriving(days, echoes, at), room)
        room -= arrivals
        planned: dict[str, int] = {}
        for kind, counts in kinds.items():
            planned[kind] = min(counts[at], room)
            room -= planned[kind]
        total = rest[at] + groups[at] * sizes[at]
        plans.append(DayPlan(day, total, {"normal": room, **planned}, malformed, echoes[at], arrivals, groups[at], sizes[at]))
        malformed += planned["malformed"]
    return plans


def _shares(plays: list[int], ppm: int, phase: int) -> list[int]:
    """ppm of a million plays, day by day: what a day is too small for falls to a later one. Phases keep kinds apart."""
    shares, before, seen = [], 0, 0
    for count in plays:
        seen += count
        reached = (seen * ppm + phase * MILLION // 64) // MILLION
        shares.append(reached - before)
        before = reached
    return shares


def _arriving(days: tuple[date, ...], echoes: list[int], at: int) -> int:
    return sum(len(echoes_after(days[at - ago], echoes[at - ago], ago)) for ago in ECHO_DELAYS if ago <= at)


def _cap_groups(span: Span, plays: int, rules: ServiceRules) -> tuple[list[int], list[int]]:
    """Groups and group size per day; none where nothing is capped, or the cap is out of reach for so few plays."""
    caps = [rules.tightest_cap(day) for day in span.days]
    sizes = [0 if rule is None or rule.cap is None else rule.cap + _beyond(rule.cap) for rule in caps]
    capped = [at for at, size in enumerate(sizes) if size]
    groups = [0] * len(sizes)
    if capped:
        largest = max(sizes)
        wanted = max(1, plays * _OVER_CAP_PPM // MILLION // _beyond(largest))
        wanted = min(wanted, plays // (2 * largest))
        for number in range(wanted):
            groups[capped[(2 * number + 1) * len(capped) // (2 * wanted)]] += 1
    return groups, sizes


def _beyond(cap: int) -> int:
    return max(2, min(cap // 4, 25))
