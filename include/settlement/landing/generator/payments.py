"""The payments that land on a day: in time or late, refunded, delivered twice, and a few refunds of unknown charges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from settlement.landing.contract import PAYMENTS
from settlement.landing.generator.charges import ChargeBook, Charges, payment_ids
from settlement.landing.generator.clock import instants
from settlement.landing.generator.mixing import Hashes, Ints, draw, mix, modulo
from settlement.landing.generator.population import CHANNELS
from settlement.landing.generator.products import ALL_IDS
from settlement.landing.writers import landing_folder, mark_arrived, write_csv

_HEADER: Final = list(PAYMENTS.columns)
_MAX_LATE: Final = 5  # days between payment and delivery
_AGAIN_AFTER: Final = (0, 1, 6)  # days between the first delivery and the second
_REFUND_AFTER: Final = (3, 8, 12)  # days between payment and refund
_LOOK_BACK: Final = 12
_WANTED: Final = 8_000_000  # ppm × charges that a small population should have of each kind

Row = tuple[object, ...]


@dataclass(frozen=True)
class Payments:
    """Payments by landing day, from the charges by payment day."""

    book: ChargeBook

    def write(self, root: Path, day: date) -> int:
        """Write the day's folder (second deliveries in a file of their own); returns the number of rows."""
        folder = landing_folder(root, "payments", day)
        rows = write_csv(folder / "part-00000.csv.gz", _HEADER, self.rows(day))
        again = self.deliveries_again(day)
        if again:
            rows += write_csv(folder / "part-00001.csv.gz", _HEADER, again)
        mark_arrived(folder)
        return rows

    def rows(self, day: date) -> Iterator[Row]:
        """First deliveries and refunds that land on a day."""
        for ago, prefix, charges in self._recent(day):
            yield from self._charged(prefix, charges.take(self._late(prefix, charges) == ago), day, ago)
            yield from self._refunded(prefix, charges.take(self._refunded_after(prefix, charges) == ago), day)
        if draw(self.book.seed, "orphan", day.toordinal()) % 9 == 0 or day == self.book.span.first + timedelta(days=9):
            yield self._orphan(day)

    def deliveries_again(self, day: date) -> list[Row]:
        """Second deliveries that land on a day: the very rows of the first."""
        rows: list[Row] = []
        for ago, prefix, charges in self._recent(day):
            hashes = self._hashes("again", prefix, charges)
            after = np.array(_AGAIN_AFTER)[modulo(hashes >> np.uint64(32), len(_AGAIN_AFTER))]
            which = self._few(hashes, 8_000) & (self._late(prefix, charges) + after == ago)
            rows += self._charged(prefix, charges.take(which), day, ago)
        return rows

    def _recent(self, day: date) -> Iterator[tuple[int, str, Charges]]:
        for ago in range(_LOOK_BACK + 1):
            for prefix, charges in self.book.paid_on(day - timedelta(days=ago)):
                if len(charges):
                    yield ago, prefix, charges

    def _hashes(self, purpose: str, prefix: str, charges: Charges) -> Hashes:
        return mix(self.book.seed, f"payment.{purpose}.{prefix}", charges.key)

    def _few(self, hashes: Hashes, ppm: int) -> NDArray[np.bool_]:
        """True for ppm of a million hashes, or more often in a small population: every kind should be seen there."""
        often = max(ppm, min(200_000, _WANTED // max(1, len(self.book.population))))
        return modulo(hashes, 1_000_000) < often

    def _late(self, prefix: str, charges: Charges) -> Ints:
        hashes = self._hashes("late", prefix, charges)
        return np.where(self._few(hashes, 20_000), 1 + modulo(hashes >> np.uint64(32), _MAX_LATE), 0)

    def _refunded_after(self, prefix: str, charges: Charges) -> Ints:
        hashes = self._hashes("refund", prefix, charges)
        after = np.array(_REFUND_AFTER)[modulo(hashes >> np.uint64(32), len(_REFUND_AFTER))]
        return np.where(self._few(hashes, 15_000), after, -1)

    def _charged(self, prefix: str, charges: Charges, day: date, ago: int) -> Iterator[Row]:
        for piece in charges.pieces():
            paid = np.full(len(piece), day.toordinal() - ago)
            yield from self._render(payment_ids(prefix, piece), "charge", None, piece, paid)

    def _refunded(self, prefix: str, charges: Charges, day: date) -> Iterator[Row]:
        """The days from the refund on are given back, and their part of the amounts; nothing when they are over."""
        today = day.toordinal()
        charges = charges.take(charges.end >= today)
        days, back = charges.end - charges.start + 1, charges.end - np.maximum(charges.start, today) + 1
        given_back = Charges(
            key=charges.key,
            user=charges.user,
            subscription=charges.subscription,
            product=charges.product,
            channel=charges.channel,
            second=charges.second,
            gross=charges.gross * back // days,
            web=charges.web * back // days,
            start=charges.end - back + 1,
            end=charges.end,
        )
        ids = payment_ids(prefix, charges)
        return self._render([f"r{one}" for one in ids], "refund", ids, given_back, np.full(len(charges), today))

    def _render(self, ids: list[str], kind: str, refund_of: list[str] | None, charges: Charges, paid_day: Ints) -> Iterator[Row]:
        people = self.book.population
        subscription = charges.subscription.astype(object)
        subscription[charges.subscription == 0] = ""
        return zip(
            ids,
            [kind] * len(ids),
            refund_of or [""] * len(ids),
            people.user_id[charges.user].tolist(),
            subscription.tolist(),
            ALL_IDS[charges.product].tolist(),
            CHANNELS[charges.channel].tolist(),
            self._paid_at(paid_day, charges),
            charges.gross.tolist(),
            charges.web.tolist(),
            _iso(charges.start),
            _iso(charges.end),
            strict=True,
        )

    def _paid_at(self, day: Ints, charges: Charges) -> list[str]:
        return instants(day, charges.second, modulo(mix(self.book.seed, "paid.writing", charges.key), 2**18))

    def _orphan(self, day: date) -> Row:
        """A refund whose charge nobody knows: it is counted by its own data, with a warning."""
        user = self.book.population.user_id[0].item()
        today = day.isoformat()
        lost = f"lost-{day:%Y%m%d}"
        paid_at = f"{today}T12:00:00+09:00"
        return f"r{lost}", "refund", lost, user, "", ALL_IDS[0], "web", paid_at, 790, 790, today, today


def _iso(ordinals: Ints) -> list[str]:
    texts = {ordinal: date.fromordinal(ordinal).isoformat() for ordinal in np.unique(ordinals).tolist()}
    return [texts[ordinal] for ordinal in ordinals.tolist()]
