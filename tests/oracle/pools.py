"""Rules §4: the pools of a month, per product and right type, and the negative carry.

Open choices:
- A leg that the row lacks is null, never the winner; a row with no leg at all, not marked `no_pool`, is bad input.
- The carry is kept per product, with or without a pool: `min(R, 0)` goes on to the next month.
- Of the first month asked for, what came in is 0. Months must follow each other.
- "Recognised revenue that the snapshot lacks" means any recognised part or row of the product in the month, even of 0.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .catalogue import RIGHT_TYPES, Product, RateRow, the_one_on
from .faults import BadInputError
from .revenue import UWON, Recognised


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
    for product_id, product in sorted(products.items()):
        for right_type in RIGHT_TYPES if product.service != "promo" else ():
            row = _rate_row(rate_card, product, right_type, first)
            if not row.no_pool:
                pools.append(_pool(totals, product_id, row))
    return pools


def _rate_row(rate_card: Iterable[RateRow], product: Product, right_type: str, first: date) -> RateRow:
    rows = [
        row
        for row in rate_card
        if row.service == product.service and row.right_type == right_type and row.cohort in ("all", product.cohort)
    ]
    return the_one_on(first, rows, f"rate card {product.service}, {product.cohort}, {right_type}")


def _pool(totals: MonthTotals, product_id: str, row: RateRow) -> Pool:
    plays, subscribers = totals.plays.get(product_id, 0), totals.subscribers.get(product_id, 0)
    revenue, carry = totals.revenue.get(product_id, 0), totals.carry.get(product_id, 0)
    pool = Pool(
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
    if not pool.legs:
        raise BadInputError(f"the rate card of {product_id}, {row.right_type} has no leg and is not no_pool")
    return pool
