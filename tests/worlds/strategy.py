"""The strategy: a few byte strings, decoded into a world."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from .calendar_days import MONTHS, active_days
from .catalogues import draw_snapshots
from .dice import Dice
from .money import Scene, payment_event, revenue_event
from .play_lines import play_event
from .references import draw_in_app_rules, draw_rate_card, draw_service_rules
from .world import World, days_of

Landed = TypeVar("Landed")

_EVENT = st.binary(min_size=28, max_size=28)
_CATALOGUE_BYTES = 2048  # a hundred choices and more for each of up to sixteen catalogues


def worlds(most_plays: int = 64, most_payments: int = 20, *, two_months: bool = False) -> st.SearchStrategy[World]:
    """Worlds of one or two months, or always two, with up to that many plays and payments."""
    choices = [bytes([place]) for place, months in enumerate(MONTHS) if not two_months or len(months) == 2]
    return st.builds(
        build_world,
        setup=st.builds(bytes.__add__, st.sampled_from(choices), st.binary(min_size=7, max_size=7)),
        reference=st.binary(min_size=160, max_size=160),
        catalogue=st.binary(min_size=8, max_size=8),
        plays=st.lists(_EVENT, min_size=most_plays // 4, max_size=most_plays),
        payments=st.lists(_EVENT, min_size=most_payments // 4, max_size=most_payments),
        other_revenue=st.lists(_EVENT, min_size=2, max_size=8),
    )


def build_world(
    *,
    setup: bytes,
    reference: bytes,
    catalogue: bytes,
    plays: Sequence[bytes],
    payments: Sequence[bytes],
    other_revenue: Sequence[bytes],
) -> World:
    """The world that the bytes stand for; the same bytes always give the same world.

    `catalogue` is a seed: the choices behind the catalogues are too many to draw, to shrink and to show one by one.
    """
    dice = Dice(setup)
    months = dice.pick(MONTHS)
    days = active_days(months)
    last_days = [days_of(month)[-1] for month in months]
    second = [days_of(month)[0] for month in months[1:]]
    leaves = bool(second) and dice.one_in(2)
    even = dice.one_in(5)
    scene = Scene(days, last_days[0] if leaves else None, even)
    # Half of all plays land on one day, which comes last: there a user hears a track more often than a cap allows.
    play_days = [*days, *[dice.pick(days)] * len(days)]
    segments = [(first, first in last_days) for first in days]
    rules = Dice(reference)
    changes = days[1:]
    return World(
        months=months,
        plays=_events(plays, lambda event, landed: play_event(event, play_days, landed)),
        payments=_events(payments, lambda event, landed: payment_event(event, scene, landed)),
        other_revenue=_events(other_revenue, lambda event, landed: revenue_event(event, scene, landed)),
        snapshots=draw_snapshots(Dice(_stretched(catalogue)), segments, changes, second[0] if leaves else None),
        rate_card=draw_rate_card(rules, changes, ties=even),
        service_rules=draw_service_rules(rules, changes),
        in_app_rules=draw_in_app_rules(rules, changes),
        layout=dice.below(256),
    )


def other_rates(world: World, rates: bytes) -> World:
    """The same world under another rate card."""
    return replace(world, rate_card=draw_rate_card(Dice(rates), active_days(world.months)[1:], ties=False))


def _stretched(seed: bytes) -> bytes:
    """Many bytes from a few; of zeros zeros, which are the plainest choices."""
    return random.Random(seed).randbytes(_CATALOGUE_BYTES) if any(seed) else bytes(_CATALOGUE_BYTES)


def _events(drawn: Sequence[bytes], make: Callable[[Dice, Sequence[Landed]], Landed]) -> tuple[Landed, ...]:
    """An event per byte string; one of zeros is none, so that a failing world loses what it doesn't need."""
    landed: list[Landed] = []
    for data in drawn:
        if any(data):
            landed.append(make(Dice(data), landed))
    return tuple(landed)
