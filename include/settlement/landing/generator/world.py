"""Everything that a day's landing is made from: built alike in every process, from the options alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np

from settlement.landing.generator.calendar import Span
from settlement.landing.generator.charges import ChargeBook, Purchases
from settlement.landing.generator.mixing import Ints, Ranks, stream
from settlement.landing.generator.partners import Partners
from settlement.landing.generator.payments import Payments
from settlement.landing.generator.plan import DayPlan, plan_days
from settlement.landing.generator.population import Population, synthetic_population
from settlement.landing.generator.products import AD_FREE, PACK, SINGLE
from settlement.landing.generator.repertoire import durations, track_at_rank
from settlement.landing.generator.revenue import OtherRevenue
from settlement.landing.generator.service_rules import ServiceRules, read_service_rules

_AD_PLAYS_PCT = {True: 18, False: 8}  # of all plays, for AD_FREE and for the other ad-supported product
# Hours of the day in Korea, out of 1,024 plays: a trough before dawn, the morning commute, an evening peak.
_HOURS = (26, 15, 9, 6, 5, 8, 18, 40, 58, 48, 42, 44, 52, 48, 44, 45, 50, 62, 76, 78, 74, 70, 62, 44)


@dataclass(frozen=True)
class Options:
    """What to generate; every field decides the bytes. Counts are above 0, `partners` at least 5."""

    seed: int
    span: Span
    plays: int
    tracks: int
    partners: int
    users: int
    reference: Path
    user_centric_ppm: int = 250_000  # of the labels


@dataclass(frozen=True)
class World:
    """The world of one set of options."""

    options: Options
    rules: ServiceRules
    population: Population
    plan: dict[date, DayPlan]
    users: Ranks
    tracks: Ranks

    @classmethod
    def build(cls, options: Options) -> World:
        """Raises BadInput when the reference data cannot be read or has no rule for a day of the span."""
        rules = read_service_rules(options.reference)
        for day in options.span.days:
            rules.require(day)
        plans = plan_days(options.seed, options.span, options.plays, rules)
        return cls(
            options=options,
            rules=rules,
            population=synthetic_population(options.seed, options.users, options.span),
            plan={plan.day: plan for plan in plans},
            users=Ranks.zipf(options.users, 1 + options.users // 8),
            tracks=Ranks.zipf(options.tracks, 1),
        )

    @property
    def seed(self) -> int:
        return self.options.seed

    @cached_property
    def track_at(self) -> Ints:
        """The recording (index) at each popularity rank."""
        return track_at_rank(self.seed, np.arange(self.options.tracks, dtype=np.int64), self.options.tracks)

    @cached_property
    def durations(self) -> Ints:
        """Length of each recording, in ms."""
        return durations(self.seed, self.options.tracks)

    @cached_property
    def hour_table(self) -> Ints:
        """The hour of each of 1,024 equally likely draws."""
        return np.repeat(np.arange(24, dtype=np.int64), _HOURS)

    @property
    def partners(self) -> Partners:
        return Partners(self.seed, self.options.span, self.options.partners, self.options.user_centric_ppm)

    @cached_property
    def payments(self) -> Payments:
        return Payments(ChargeBook(self.seed, self.options.span, self.population, self.downloads))

    @cached_property
    def other_revenue(self) -> OtherRevenue:
        return OtherRevenue(self.seed, self.options.span, self._ad_plays)

    def downloads(self, day: date) -> Purchases:
        """The downloads of a day: the plays and the payments of download products are both made from them."""
        rng = stream(self.seed, "downloads", day.toordinal())
        count = self.plan[day].kinds["download"]
        user = self.users.sample(rng, count)
        product = np.where(rng.integers(0, 10, count) < 3, PACK, SINGLE)
        return Purchases(user, product, self.seconds(rng.integers(0, 2**32, count)))

    def seconds(self, bits: Ints) -> Ints:
        """Seconds of the day in its rhythm, from 32 random bits each."""
        hour = self.hour_table[bits & 0x3FF]
        return np.asarray(hour * 3_600 + ((bits >> 10) * 3_600 >> 22))

    def _ad_plays(self, day: date, product: int) -> int:
        return self.plan[day].plays * _AD_PLAYS_PCT[product == AD_FREE] // 100
