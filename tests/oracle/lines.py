"""Rules §5 and §6: the lines of a pool, pro rata, user-centric or both, and what an all-pro-rata month would give.

Open choices:
- `plays` of an `unmatched` line: plays on days on which some share of the track was missing.
- `rounding` and `no_plays` lines have `plays` and `weight` 0; a `no_plays` line has `track_id` 0 and is written even
  if the pool is 0. Royalty and unmatched lines of 0 are written too.
- `weight` of a line is that of both groups together.
- What is lost by flooring a payer's pool is rounding, no part of `Rem`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from .pools import Pool
from .revenue import UWON
from .rights import SUSPENSE, Rights

NO_TRACK = 0

ProductPlays = Mapping[tuple[int, date], Mapping[int, int]]
"""Qualified plays of one product by (track, landing day), then by user."""

Payers = Mapping[int, int]
"""Net recognised revenue of one product and month by user, in uwon, each above 0."""

Key = tuple[int, int]
"""(track, partner): what a line is of, within product and right type."""


@dataclass(frozen=True)
class Line:
    """One settlement line; amount and shadow in uwon."""

    product_id: str
    track_id: int
    right_type: str
    partner_id: int
    kind: str
    plays: int
    weight: int
    amount_uwon: int
    pro_rata_uwon: int


@dataclass(frozen=True)
class Weights:
    """Plays and weights by line; the user-centric weights also by user."""

    plays: Counter[Key] = field(default_factory=Counter)
    pro_rata: Counter[Key] = field(default_factory=Counter)
    user_centric: Counter[Key] = field(default_factory=Counter)
    by_user: dict[int, Counter[Key]] = field(default_factory=lambda: defaultdict(Counter))


def make_lines(pool: Pool, service: str, plays: ProductPlays, rights: Rights, payers: Payers) -> list[Line]:
    """All lines of one pool; their amounts and their shadows sum to it."""
    whole = pool.pool_krw * UWON
    if pool.qualified_plays == 0:
        return [_suspended(pool, "no_plays", whole, whole)]
    weights = _weigh(pool.right_type, service, plays, rights)
    both = weights.pro_rata + weights.user_centric
    whole_user_centric = whole * weights.user_centric.total() // both.total()
    amounts = _spread(whole - whole_user_centric, weights.pro_rata)
    amounts += _spread_by_payers(whole_user_centric, weights, payers)
    shadows = _spread(whole, both)
    lines = [
        Line(
            pool.product_id,
            track_id,
            pool.right_type,
            partner_id,
            "unmatched" if partner_id == SUSPENSE else "royalty",
            weights.plays[track_id, partner_id],
            weight,
            amounts[track_id, partner_id],
            shadows[track_id, partner_id],
        )
        for (track_id, partner_id), weight in both.items()
    ]
    left, shadow_left = whole - amounts.total(), whole - shadows.total()
    return [*lines, _suspended(pool, "rounding", left, shadow_left)] if left or shadow_left else lines


def _suspended(pool: Pool, kind: str, amount_uwon: int, pro_rata_uwon: int) -> Line:
    return Line(pool.product_id, NO_TRACK, pool.right_type, SUSPENSE, kind, 0, 0, amount_uwon, pro_rata_uwon)


def _weigh(right_type: str, service: str, plays: ProductPlays, rights: Rights) -> Weights:
    """Every day's plays times the shares of that day, by the method of that day."""
    weights = Weights()
    for (track_id, day), by_user in plays.items():
        count = sum(by_user.values())
        for holder in rights.on(day, track_id, right_type, service):
            key = track_id, holder.partner_id
            weights.plays[key] += count
            if not holder.user_centric:
                weights.pro_rata[key] += count * holder.share_ppm
                continue
            weights.user_centric[key] += count * holder.share_ppm
            for user_id, of_user in by_user.items():
                weights.by_user[user_id][key] += of_user * holder.share_ppm
    return weights


def _spread(amount: int, weights: Mapping[Key, int]) -> Counter[Key]:
    """The amount by weight, each part floored; nothing where nothing has a weight."""
    total = sum(weights.values())
    return Counter({key: amount * weight // total for key, weight in weights.items()})


def _spread_by_payers(amount: int, weights: Weights, payers: Payers) -> Counter[Key]:
    """Each payer's pool over what the payer heard of the group; pools of those who heard nothing of it over the group."""
    if not weights.user_centric:
        return Counter()
    paid = sum(payers.values())
    remainder = 0 if paid else amount
    parts: Counter[Key] = Counter()
    for user_id, revenue in payers.items():
        of_payer = amount * revenue // paid
        if user_id in weights.by_user:
            parts.update(_spread(of_payer, weights.by_user[user_id]))
        else:
            remainder += of_payer
    return parts + _spread(remainder, weights.user_centric)
