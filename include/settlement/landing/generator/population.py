"""Who listens and what they pay for: parallel vectors, one element per user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from settlement.landing.generator.calendar import Span
from settlement.landing.generator.mixing import Ints, chance, choose, mix, modulo
from settlement.landing.generator.products import AD_FREE, CHOSEN, PRODUCTS

CHANNELS: Final = np.array(["web", "app_store", "play_store", "telco", "voucher"], dtype=object)
VOUCHER: Final = 4
CHANNEL_WEIGHTS: Final = (46, 16, 22, 11, 5)
_NEVER: Final = 9_999_999  # an ordinal no date has
_LAST_RENEWAL_DAY: Final = 28  # every month has it


@dataclass(frozen=True)
class Population:
    """Users 0 … n − 1. `product` indexes PRODUCTS; days are ordinals; `subscription_id` 0 is a free listener.

    A subscription begins on `joined` (before the span: its period is already running), renews on `renewal_day` (1 … 28)
    of each month, and does so for the last time before `left`.
    """

    user_id: Ints
    subscription_id: Ints
    product: Ints
    renewal_day: Ints
    channel: Ints
    joined: Ints
    left: Ints

    def __len__(self) -> int:
        return len(self.user_id)

    def subscribed(self, user: Ints, day: int) -> NDArray[np.bool_]:
        """Which of the users have their product on a day (an ordinal), rather than listening for free."""
        return np.asarray((self.joined[user] <= day) & (day < self.left[user]))

    def played_under(self, user: Ints, day: int) -> tuple[Ints, Ints]:
        """Product and subscription id (0: none) under which the users play on a day."""
        active = self.subscribed(user, day)
        product = np.where(active, self.product[user], AD_FREE)
        return product, np.where(active, self.subscription_id[user], 0)


def synthetic_population(seed: int, users: int, span: Span) -> Population:
    """Users with running numbers (some at the 18 digits an id may have), of whom some join or leave within the span."""
    index = np.arange(users, dtype=np.int64)
    user_id = 1_000_001 + index + np.where(index % 97 == 96, 9 * 10**17, 0)
    settled = subscribers(seed, user_id)
    month = modulo(mix(seed, "join.month", user_id), len(span.months))
    starts = np.array([day.toordinal() for day in span.months], dtype=np.int64)
    renewal = starts[month] + settled.renewal_day - 1
    late_joiner = chance(seed, "joins", user_id, 80_000)
    leaver = chance(seed, "leaves", user_id, 50_000) & ~late_joiner
    return Population(
        settled.user_id,
        settled.subscription_id,
        settled.product,
        settled.renewal_day,
        settled.channel,
        joined=np.where(late_joiner, renewal, 0),
        left=np.where(leaver, renewal, _NEVER),
    )


def subscribers(seed: int, user_id: Ints) -> Population:
    """The users with a product each (the first few have one of every kind), subscribed since before any span."""
    users = len(user_id)
    product = choose(seed, "product", user_id, CHOSEN)
    one_of_each = min(users, len(CHOSEN))
    product[:one_of_each] = np.arange(one_of_each)
    paying = np.array([p.service in ("sub_stream", "promo") for p in PRODUCTS])[product]
    number = 5 * 10**15 + modulo(mix(seed, "subscription", user_id), 10**12) * 1_000 + user_id % 1_000
    return Population(
        user_id=user_id,
        subscription_id=np.where(paying, number, 0),
        product=product,
        renewal_day=1 + modulo(mix(seed, "renewal", user_id), _LAST_RENEWAL_DAY),
        channel=choose(seed, "channel", user_id, CHANNEL_WEIGHTS),
        joined=np.zeros(users, dtype=np.int64),
        left=np.full(users, _NEVER, dtype=np.int64),
    )
