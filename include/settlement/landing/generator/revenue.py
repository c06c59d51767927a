"""Other revenue by landing day: what advertisers pay for the ad-supported products, corrections, second deliveries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from settlement.landing.contract import OTHER_REVENUE
from settlement.landing.generator.calendar import Span
from settlement.landing.generator.hostile import hostile
from settlement.landing.generator.mixing import draw
from settlement.landing.generator.products import AD_FREE, AD_RADIO, PRODUCTS
from settlement.landing.writers import landing_folder, mark_arrived, write_csv

# Advertising per play: above the unit price of 4.56 won ÷ 65 % for one product, below it for the other.
_KRW_PER_PLAY: Final = {AD_FREE: 9, AD_RADIO: 4}

Row = tuple[str, str, int, str]


@dataclass(frozen=True)
class OtherRevenue:
    """`ad_plays(day, product)` says how many plays an ad-supported product (an index) had on a day, about."""

    seed: int
    span: Span
    ad_plays: Callable[[date, int], int]

    def write(self, root: Path, day: date) -> int:
        """Write the day's folder; returns the number of rows."""
        folder = landing_folder(root, "other_revenue", day)
        rows = write_csv(folder / "part-00000.csv.gz", list(OTHER_REVENUE.columns), self.rows(day))
        mark_arrived(folder)
        return rows

    def rows(self, day: date) -> list[Row]:
        """Two rows a product and day, about weekly a correction downwards, now and then a row of the day before."""
        rows = self._first_deliveries(day)
        before = day - timedelta(days=1)
        if before in self.span and draw(self.seed, "revenue.again", day.toordinal()) % 6 == 0:
            rows.append(self._first_deliveries(before)[0])
        return rows

    def _first_deliveries(self, day: date) -> list[Row]:
        number = draw(self.seed, "revenue", day.toordinal())
        rows: list[Row] = []
        for product, krw in _KRW_PER_PLAY.items():
            amount = self.ad_plays(day, product) * krw * (90 + number % 21) // 100
            for part, share in enumerate((amount * 2 // 3, amount - amount * 2 // 3)):
                memo = hostile(f"광고 정산 {day.month}월 {day.day}일", day.toordinal() + 2 * product + part)
                rows.append((f"ad-{day:%Y%m%d}-{product}-{part}", PRODUCTS[product].product_id, share, memo))
        if number % 7 == 0 or day.day == 12:
            rows.append((f"fix-{day:%Y%m%d}", PRODUCTS[AD_FREE].product_id, -(1 + number % 500), "정정, 과다 청구분"))
        return rows
