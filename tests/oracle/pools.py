"""Rules §4: the pools of a month, per product and right type, and the negative carry; §9: those of a day.

Open choices:
- A leg that the row lacks is null, never the winner; a row with no leg at all, not marked `no_pool`, is bad input.
- The carry is kept per product, with or without a pool: `min(R, 0)` goes on to the next month.
- Of the first month asked for, what came in is 0. Months must follow each other.
- "Recognised revenue that the snapshot lacks" means any recognised part or row of the product in the month, even of 0.
- A day: a product without a rate-card row of that day, or with a row whose only leg is `sub_leg`, has no provisional
  pool, nor has revenue of a product that the day's snapshot lacks. R of a day counts as 0 where it is negative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from .catalogue import RIGHT_TYPES, Product
from .dated import one_at_most
from .faults import BadInputError
from .reference import RateRow
from .revenue import UWON, DayRevenue, Recognised


@dataclass(frozen=True)
class Pool:
    """One row of the pool table; money in uwon, `pool_krw` in whole won."""

    product_id: str
    right_type: str
    qualified_plays: int
    subscribers: int
    revenue: int
    carry: int
    unit_leg: int | None
    sub_leg: int | None
    rev_leg: int | None

    @property
    def legs(self) -> list[tuple[str, int]]:
        """The legs the row has, in the order in which they win ties."""
        legs = (("unit_leg", self.unit_leg), ("sub_leg", self.sub_leg), ("rev_leg", self.rev_leg))
        return [(name, leg) for name, leg in legs if leg is not None]

    @property
    def winner(self) -> str:
        """The name of the largest leg."""
        return next(name for name, leg in self.legs if leg == self.pool_uwon)

    @property
    def pool_uwon(self) -> int:
        """The largest leg."""
        return max(leg for _, leg in self.legs)

    @property
    def pool_krw(self) -> int:
        """The pool in whole won, half up."""
        return (self.pool_uwon + 500_000) // UWON


@dataclass(frozen=True)
class MonthTotals:
    """N, S and R of the month by product, R with the carry in it; and the carry that came in."""

    plays: Mapping[str, int]
    subscribers: Mapping[str, int]
    revenue: Mapping[str, int]
    carry: Mapping[str, int]

    def carry_out(self) -> dict[str, int]:
        """What goes on to the next month, by product: each below 0."""
        return {product_id: revenue for product_id, revenue in self.revenue.items() if revenue < 0}


def total_month(days: Sequence[date], plays: Mapping[str, int], recognised: Recognised, carry: Mapping[str, int]) -> MonthTotals:
    """The month's totals; `plays` are its qualified plays by product."""
    revenue = Counter(carry)
    paying: dict[str, set[str]] = {}
    in_month = set(days)
    for (day, product_id), entry in recognised.items():
        if day in in_month:
            revenue[product_id] += entry.recognised
            paying.setdefault(product_id, set()).update(entry.paying())
    subscribers = {product_id: len(subscriptions) for product_id, subscriptions in paying.items()}
    return MonthTotals(plays, subscribers, revenue, carry)


def make_pools(totals: MonthTotals, products: Mapping[str, Product], rate_card: Iterable[RateRow], first: date) -> list[Pool]:
    """The pools of every product of the month-end snapshot; `first` is the month's first day."""
    for product_id in {*totals.plays, *totals.subscribers} - set(products):
        raise BadInputError(f"product {product_id} has plays or revenue and is not in the month-end snapshot")
    pools = []
    for product_id, right_type, row in _with_rate_rows(products, rate_card, first):
        if row is None:
            raise BadInputError(f"0 rows of {_named(products[product_id], right_type)} on {first}")
        if not row.no_pool:
            pools.append(_pool(totals, product_id, row))
            if not pools[-1].legs:
                raise BadInputError(f"the rate card of {product_id}, {right_type} has no leg and is not no_pool")
    return pools


def make_provisional_pools(
    day: date,
    plays: Mapping[str, int],
    revenue: Mapping[str, DayRevenue],
    products: Mapping[str, Product],
    rate_card: Iterable[RateRow],
) -> list[Pool]:
    """The pools of one day by its plays, revenue and snapshot, without `sub_leg` and carry."""
    recognised = {product_id: of_product.recognised for product_id, of_product in revenue.items()}
    totals = MonthTotals(plays, {}, recognised, {})
    rows = _with_rate_rows(products, rate_card, day)
    pools = (
        replace(_pool(totals, product_id, row), sub_leg=None)
        for product_id, _, row in rows
        if row is not None and not row.no_pool
    )
    return [pool for pool in pools if pool.legs]


def _with_rate_rows(
    products: Mapping[str, Product], rate_card: Iterable[RateRow], day: date
) -> Iterator[tuple[str, str, RateRow | None]]:
    """Each product that may have a pool with each right type and the row of the day, None where there is none."""
    for product_id, product in sorted(products.items()):
        for right_type in RIGHT_TYPES if product.service != "promo" else ():
            rows = [
                row
                for row in rate_card
                if row.service == product.service and row.right_type == right_type and row.cohort in ("all", product.cohort)
            ]
            yield product_id, right_type, one_at_most(day, rows, _named(product, right_type))


def _named(product: Product, right_type: str) -> str:
    return f"rate card {product.service}, {product.cohort}, {right_type}"


def _pool(totals: MonthTotals, product_id: str, row: RateRow) -> Pool:
    plays, subscribers = totals.plays.get(product_id, 0), totals.subscribers.get(product_id, 0)
    revenue, carry = totals.revenue.get(product_id, 0), totals.carry.get(product_id, 0)
    return Pool(
        product_id,
        row.right_type,
        plays,
        subscribers,
        revenue,
        carry,
        None if row.unit_price_uwon is None else row.unit_price_uwon * plays,
        None if row.per_subscriber_krw is None else row.per_subscriber_krw * UWON * subscribers,
        None if row.revenue_rate_ppm is None else max(revenue, 0) * row.revenue_rate_ppm // 1_000_000,
    )
