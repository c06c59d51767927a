"""One month: the facts that no restatement redoes, and a version of its pools, lines and royalties (rules §4–§8).

Open choice: of a restated month, the contracts' and the rate card's service of a product is that of the month-end
snapshot, as every other column of products.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .catalogue import Product, read_products
from .landing import Landing
from .lines import Line, Payers, ProductPlays, make_lines
from .plays import Bucketed
from .pools import MonthTotals, Pool, make_pools, make_provisional_pools, total_month
from .reference import RateRow
from .revenue import Recognised
from .rights import Rights, read_rights, read_rights_without_contracts
from .royalties import Royalty, make_royalties

Plays = Mapping[str, ProductPlays]
"""Qualified plays by product."""

NO_PLAYS: ProductPlays = {}
NO_PAYERS: Payers = {}


@dataclass(frozen=True)
class Days:
    """The input, and what its days came to: plays in buckets by landing day, revenue by day and product."""

    landing: Landing
    buckets: Mapping[date, Sequence[Bucketed]]
    recognised: Recognised


@dataclass(frozen=True)
class MonthFacts:
    """What stays as it is, whatever version of the month is computed."""

    days: Sequence[date]
    products: Mapping[str, Product]
    plays: Plays
    totals: MonthTotals
    payers: Mapping[str, Payers]


@dataclass(frozen=True)
class MonthVersion:
    """What one version of a month comes to."""

    pools: Sequence[Pool]
    lines: Sequence[Line]
    royalties: Sequence[Royalty]


def month_facts(settled: Days, days: Sequence[date], carry: Mapping[str, int]) -> MonthFacts:
    """The month's plays, revenue and payers, with the carry from the month before by product."""
    plays = _plays_landed(settled, days)
    totals = total_month(days, _count(plays), settled.recognised, carry)
    return MonthFacts(days, read_products(settled.landing, days[-1]), plays, totals, _payers(settled.recognised, days))


def make_version(facts: MonthFacts, rights: Rights, rate_card: Iterable[RateRow]) -> MonthVersion:
    """The month's pools by the rate card on its first day, their lines by these rights, their royalties."""
    pools = make_pools(facts.totals, facts.products, rate_card, facts.days[0])
    lines, royalties = [], []
    for pool in pools:
        product_id = pool.product_id
        plays, payers = facts.plays.get(product_id, NO_PLAYS), facts.payers.get(product_id, NO_PAYERS)
        of_pool = make_lines(pool, facts.products[product_id].service, plays, rights, payers)
        lines += of_pool
        royalties += make_royalties(pool, of_pool)
    return MonthVersion(pools, lines, royalties)


def first_version(settled: Days, facts: MonthFacts, rate_card: Iterable[RateRow]) -> MonthVersion:
    """The version that an ordinary run computes, from the month-end snapshot."""
    return make_version(facts, read_rights(settled.landing, facts.days[-1]), rate_card)


def provisional_lines(settled: Days, day: date, rate_card: Iterable[RateRow]) -> list[Line]:
    """Rules §9: the lines of one day by its own snapshot and rate card."""
    products = read_products(settled.landing, day)
    plays = _plays_landed(settled, [day])
    revenue = {
        product_id: settled.recognised[day, product_id] for product_id in products if (day, product_id) in settled.recognised
    }
    rights = read_rights_without_contracts(settled.landing, day)
    return [
        line
        for pool in make_provisional_pools(day, _count(plays), revenue, products, rate_card)
        for line in make_lines(pool, products[pool.product_id].service, plays.get(pool.product_id, NO_PLAYS), rights, NO_PAYERS)
    ]


def _plays_landed(settled: Days, days: Sequence[date]) -> Plays:
    plays: dict[str, dict[tuple[int, date], Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for day in days:
        for entry in settled.buckets[day]:
            if entry.bucket == "qualified" and entry.play:
                plays[entry.play.product_id][entry.play.track_id, day][entry.play.user_id] += 1
    return {product_id: dict(of_product) for product_id, of_product in plays.items()}


def _count(plays: Plays) -> dict[str, int]:
    """N by product."""
    return {product_id: sum(sum(by_user.values()) for by_user in of_product.values()) for product_id, of_product in plays.items()}


def _payers(recognised: Recognised, days: Sequence[date]) -> dict[str, Payers]:
    """r_u by product and user, over the whole month; negative and nothing are left out, both count as 0."""
    in_month = set(days)
    net: dict[str, Counter[int]] = defaultdict(Counter)
    for (day, product_id), revenue in recognised.items():
        if day in in_month:
            net[product_id].update(revenue.by_user)
    return {product_id: {user: amount for user, amount in by_user.items() if amount > 0} for product_id, by_user in net.items()}
