"""Plays as vectors: ordinary listening first, then each planned defect in its own slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

import numpy as np

from settlement.landing.generator.charges import Purchases
from settlement.landing.generator.mixing import Ints
from settlement.landing.generator.products import PRODUCTS, SERVICES, SINGLE, UNKNOWN_IDS
from settlement.landing.generator.repertoire import FIRST_TRACK_ID
from settlement.landing.generator.world import World

# Text of `flags`: the first three say nothing, the others flag the play.
FLAGS: Final = np.array(
    ["[]", "null", "[ ]", '["bot"]', '["mute","loop"]', '["\\ubd07"]', '"bot"', "{}", "false", "0", "[null]"],
    dtype=object,
)
_FLAGGED: Final = 3
# How a line is written (rendering.STYLES), for 256 clients.
_STYLES: Final = np.repeat(np.arange(5, dtype=np.int64), (214, 16, 12, 6, 8))
_KEEPS_ALL: Final = 3  # the styles below this number keep every field


@dataclass
class Columns:
    """Plays as parallel vectors of integers.

    `serial` makes the play id; `user` and `track` are ids; `subscription` 0 is none; `product` indexes
    products.ALL_IDS; `day` is the ordinal of the Korean date, `second` the second of that day; `writing` chooses how
    the instant is written; `bits` chooses device and country; `flags` indexes FLAGS; `style` indexes rendering.STYLES.
    """

    serial: Ints
    user: Ints
    subscription: Ints
    product: Ints
    track: Ints
    day: Ints
    second: Ints
    writing: Ints
    ms: Ints
    bits: Ints
    offline: Ints
    flags: Ints
    style: Ints

    def __len__(self) -> int:
        return len(self.serial)

    def take(self, which: Ints | slice) -> Columns:
        """The plays at the given places."""
        return Columns(**{column.name: getattr(self, column.name)[which] for column in fields(self)})

    def put(self, to: slice, source: Columns) -> None:
        """Overwrite plays with others, whole."""
        for column in fields(self):
            getattr(self, column.name)[to] = getattr(source, column.name)


def listening(world: World, day: date, rng: np.random.Generator, first_serial: int, count: int) -> Columns:
    """Plays that qualify: popular tracks more often, evenings more than nights, some from days before, offline."""
    bits = rng.integers(0, 2**62, (3, count))
    user = world.users.sample(rng, count)
    track = world.track_at[world.tracks.sample(rng, count)]
    product, subscription = world.population.played_under(user, day.toordinal())
    late = bits[0] & 0xFFFF
    offline = (late < 2_000).astype(np.int64)  # about 3 %
    return Columns(
        serial=np.arange(first_serial, first_serial + count, dtype=np.int64),
        user=world.population.user_id[user],
        subscription=subscription,
        product=product,
        track=FIRST_TRACK_ID + track,
        day=day.toordinal() - np.where(offline == 1, late % 31, 0),
        second=world.seconds((bits[0] >> 16) & 0xFFFFFFFF),
        writing=bits[1] & 0x3FFFF,
        ms=_listened(world.durations[track], bits[1] >> 18, world.rules.min_play_ms(day)),
        bits=bits[2] & 0xFFFF,
        offline=offline,
        flags=np.where((bits[2] >> 16) & 0xFF == 1, 1 + ((bits[2] >> 24) & 1), 0),
        style=_STYLES[(bits[2] >> 25) & 0xFF],
    )


def _listened(duration: Ints, bits: Ints, at_least: int) -> Ints:
    """Three of four plays are whole; the others stop somewhere, but not before the minimum."""
    whole = np.maximum(duration, at_least)
    part = at_least + ((whole - at_least) * ((bits >> 2) & 0xFFFF) >> 16)
    return np.where(bits & 3, whole, part)


@dataclass(frozen=True)
class Defects:
    """Turns slices of ordinary plays into the planned kinds; the bucket of each is certain, whatever the draws."""

    world: World
    day: date
    rng: np.random.Generator

    @property
    def _today(self) -> int:
        return self.day.toordinal()

    def apply(self, plays: Columns, slices: Mapping[str, slice], downloads: Purchases) -> None:
        """Change the plays of each slice, in place. `downloads` has an element per play of the slice "download"."""
        self._download(plays, slices["download"], downloads)
        self._too_short(plays, slices["too_short"])
        self._abuse(plays, slices["abuse_flag"])
        self._unknown(plays, slices["unknown_product"])
        self._too_late(plays, slices["too_late"])
        self._future(plays, slices["future"])
        plays.style[slices["malformed"]] = 0
        self._duplicate(plays, slices["duplicate"], slices["normal"])

    def over_cap(self, plays: Columns, which: slice, group: int) -> None:
        """Groups of plays of one user and track on this day, under products of the service with the smallest cap."""
        rule = self.world.rules.tightest_cap(self.day)
        count = which.stop - which.start
        if not count or rule is None:
            return
        people, products = self.world.population, np.flatnonzero(np.isin(SERVICES, [rule.service]))
        there = people.subscribed(np.arange(len(people)), self._today)
        fitting = np.flatnonzero(np.isin(people.product, products) & there)
        groups = count // group
        if len(fitting):
            user = np.repeat(fitting[self.rng.integers(0, len(fitting), groups)], group)
            plays.product[which], plays.subscription[which] = people.product[user], people.subscription_id[user]
        else:
            user = np.repeat(self.rng.integers(0, len(people), groups), group)
            plays.product[which], plays.subscription[which] = products[0], 0
        plays.user[which] = people.user_id[user]
        plays.track[which] = np.repeat(plays.track[which][::group], group)
        plays.day[which], plays.offline[which] = self._today, 0

    def _download(self, plays: Columns, which: slice, downloads: Purchases) -> None:
        people = self.world.population
        plays.user[which], plays.subscription[which] = people.user_id[downloads.user], 0
        plays.product[which], plays.second[which] = downloads.product, downloads.second
        plays.day[which], plays.offline[which] = self._today, 0
        # A download has no minimum length where the rule says 0.
        if self.world.rules.on(self.day)[PRODUCTS[SINGLE].service].min_play_ms == 0:
            plays.ms[which] = np.where(plays.bits[which] % 3 == 0, 0, plays.ms[which])

    def _too_short(self, plays: Columns, which: slice) -> None:
        minimum = np.array([self.world.rules.on(self.day)[service].min_play_ms for service in SERVICES])
        least = minimum[plays.product[which]]
        # A product without a minimum has no short plays: those are played under the first product instead.
        plays.product[which] = np.where(least > 0, plays.product[which], 0)
        least = np.maximum(np.where(least > 0, least, minimum[0]), 1)
        drawn = plays.bits[which] * least >> 16
        plays.ms[which] = np.where(plays.bits[which] % 4 == 0, least - 1, drawn)  # the edge often

    def _abuse(self, plays: Columns, which: slice) -> None:
        plays.flags[which] = _FLAGGED + self.rng.integers(0, len(FLAGS) - _FLAGGED, which.stop - which.start)
        plays.style[which] %= _KEEPS_ALL

    def _unknown(self, plays: Columns, which: slice) -> None:
        count = which.stop - which.start
        plays.product[which] = len(PRODUCTS) + self.rng.integers(0, len(UNKNOWN_IDS), count)
        self._worse(plays, which)

    def _too_late(self, plays: Columns, which: slice) -> None:
        plays.day[which] = self._today - 31 - self.rng.integers(0, 4, which.stop - which.start) ** 2
        plays.offline[which] = 1
        self._worse(plays, which)

    def _future(self, plays: Columns, which: slice) -> None:
        plays.day[which] = self._today + 1 + self.rng.integers(0, 3, which.stop - which.start)
        self._worse(plays, which)

    def _worse(self, plays: Columns, which: slice) -> None:
        """A fifth has another defect besides, of a later bucket: the order of the buckets must decide."""
        worse = plays.bits[which] % 5 == 0
        plays.flags[which] = np.where(worse, _FLAGGED, plays.flags[which])
        plays.ms[which] = np.where(worse, 0, plays.ms[which])

    def _duplicate(self, plays: Columns, which: slice, normal: slice) -> None:
        """Copies of ordinary plays of the block: exact, written otherwise, or a little later."""
        count = which.stop - which.start
        if normal.stop == normal.start or not count:
            return
        source = plays.take(self.rng.integers(normal.start, normal.stop, count))
        kind = self.rng.integers(0, 3, count)
        source.style = np.where(kind == 1, (source.style + 1) % _KEEPS_ALL, source.style)
        source.second = np.where(kind == 2, np.minimum(source.second + 1 + source.bits % 300, 86_399), source.second)
        plays.put(which, source)
