"""What users pay: opening balances, renewals and purchases of one day, each computed without knowing the day before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from settlement.landing.generator.calendar import Span, month_days
from settlement.landing.generator.hostile import hostile
from settlement.landing.generator.mixing import Ints, choose, mix, modulo
from settlement.landing.generator.population import CHANNEL_WEIGHTS, VOUCHER, Population
from settlement.landing.generator.products import PACK, PRICES

# Percent of the list price, by channel (web, app_store, play_store, telco, voucher).
_GROSS_PCT: Final = np.array([100, 130, 118, 100, 100], dtype=np.int64)
_WEB_PCT: Final = np.array([100, 100, 100, 95, 90], dtype=np.int64)
_VOUCHER_DAYS: Final = 365
_VOUCHER_MONTHS: Final = 10  # a year's voucher costs ten months
_PACK_DAYS: Final = 30
_PACK_TRACKS: Final = 12  # downloads that share one bought pack
_HOSTILE_EVERY: Final = 400
_PIECE: Final = 20_000


@dataclass(frozen=True)
class Purchases:
    """One-off purchases of a day: the user (index), the product (index) and the second of the day of each download."""

    user: Ints
    product: Ints
    second: Ints

    @classmethod
    def none(cls) -> Purchases:
        empty = np.zeros(0, dtype=np.int64)
        return cls(empty, empty, empty)


@dataclass(frozen=True)
class Charges:
    """Charges paid on one day, as parallel vectors; `key` makes the payment id, days are ordinals, amounts won."""

    key: Ints
    user: Ints
    subscription: Ints
    product: Ints
    channel: Ints
    second: Ints
    gross: Ints
    web: Ints
    start: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.key)

    def take(self, which: NDArray[np.bool_] | slice) -> Charges:
        """The charges for which `which` is true, or a slice of them."""
        return Charges(**{column.name: getattr(self, column.name)[which] for column in fields(self)})

    def pieces(self) -> Iterator[Charges]:
        """The charges, some thousands at a time: enough for vectors, and few enough to hold as text."""
        for first in range(0, len(self), _PIECE):
            yield self.take(slice(first, first + _PIECE))


@dataclass(frozen=True)
class ChargeBook:
    """Every charge of a span, by the day on which it is paid."""

    seed: int
    span: Span
    population: Population
    purchases: Callable[[date], Purchases]

    def paid_on(self, day: date) -> list[tuple[str, Charges]]:
        """The charges paid on a day, with the prefix of their ids: `o` opening, `c` renewal, `d` purchase."""
        if day not in self.span:
            return []
        groups = [(f"c{day:%Y%m%d}-", self._renewals(day)), (f"d{day:%Y%m%d}-", self._purchases(day))]
        if day == self.span.first:
            groups.insert(0, (f"o{day:%Y%m%d}-", self._openings(day)))
        return groups

    def _renewals(self, day: date) -> Charges:
        people, today = self.population, day.toordinal()
        due = (people.subscription_id > 0) & (people.renewal_day == day.day)
        due &= (people.joined <= today) & (today < people.left)
        due &= (people.channel != VOUCHER) | (people.joined == today)
        user = np.flatnonzero(due).astype(np.int64)
        yearly = people.channel[user] == VOUCHER
        days = np.where(yearly, _VOUCHER_DAYS, month_days(day))
        return self._subscribed(day, user, np.full(len(user), today), days, np.where(yearly, _VOUCHER_MONTHS, 1))

    def _openings(self, day: date) -> Charges:
        """Paid on the first day for what is left of the running period; a voucher is opened for its whole year."""
        people, today = self.population, day.toordinal()
        running = (people.subscription_id > 0) & (people.joined < today)
        running &= (people.renewal_day > 1) | (people.channel == VOUCHER)
        user = np.flatnonzero(running).astype(np.int64)
        yearly = people.channel[user] == VOUCHER
        days = np.where(yearly, _VOUCHER_DAYS, people.renewal_day[user] - 1)
        whole = self._subscribed(day, user, np.full(len(user), today), days, np.where(yearly, _VOUCHER_MONTHS, 1))
        period = month_days(date.fromordinal(today - 1))
        part, of = np.where(yearly, 1, days), np.where(yearly, 1, period)
        prorated = {"gross": whole.gross * part // of, "web": whole.web * part // of}
        return Charges(**{name.name: prorated.get(name.name, getattr(whole, name.name)) for name in fields(Charges)})

    def _subscribed(self, day: date, user: Ints, start: Ints, days: Ints, months: Ints) -> Charges:
        people = self.population
        price, channel = PRICES[people.product[user]] * months, people.channel[user]
        return Charges(
            key=user,
            user=user,
            subscription=people.subscription_id[user],
            product=people.product[user],
            channel=channel,
            second=modulo(mix(self.seed, f"paid.second.{day}", user), 86_400),
            gross=price * _GROSS_PCT[channel] // 100,
            web=price * _WEB_PCT[channel] // 100,
            start=start,
            end=start + days - 1,
        )

    def _purchases(self, day: date) -> Charges:
        """A single is paid for by each download, a pack by one in twelve; neither has a subscription."""
        bought, today = self.purchases(day), day.toordinal()
        key = np.arange(len(bought.user), dtype=np.int64)
        paid = (bought.product != PACK) | (key % _PACK_TRACKS == 0)
        channel = choose(self.seed, f"purchase.channel.{day}", key, CHANNEL_WEIGHTS[:-1])
        price = PRICES[bought.product]
        return Charges(
            key=key,
            user=bought.user,
            subscription=np.zeros(len(key), dtype=np.int64),
            product=bought.product,
            channel=channel,
            second=bought.second,
            gross=price * _GROSS_PCT[channel] // 100,
            web=price * _WEB_PCT[channel] // 100,
            start=np.full(len(key), today),
            end=today + np.where(bought.product == PACK, _PACK_DAYS, 1) - 1,
        ).take(paid)


def payment_ids(prefix: str, charges: Charges) -> list[str]:
    """The payment id of each charge: any text, so that some hold commas, quotes and line breaks."""
    return [
        f"{prefix}{key}/{hostile('영수증', key // _HOSTILE_EVERY)}" if key % _HOSTILE_EVERY == 7 else f"{prefix}{key}"
        for key in charges.key.tolist()
    ]
