"""Rules §7, `statement_royalty`: what each partner gets of a pool, in whole won.

Open choice: a partner has a row wherever it has a line, even of 0; suspense (0) as well, and takes part in the
largest remainder. Of equal remainders the smaller `partner_id` comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .lines import Line
from .pools import Pool
from .revenue import UWON


@dataclass(frozen=True)
class Royalty:
    """One row of `statement_royalty`."""

    partner_id: int
    product_id: str
    right_type: str
    uwon: int
    krw: int


def make_royalties(pool: Pool, lines: Sequence[Line]) -> list[Royalty]:
    """The pool's lines per partner, in whole won by largest remainder."""
    uwon: Counter[int] = Counter()
    for line in lines:
        uwon[line.partner_id] += line.amount_uwon
    krw = {partner_id: amount // UWON for partner_id, amount in uwon.items()}
    left = pool.pool_krw - sum(krw.values())
    by_remainder = sorted(uwon, key=lambda partner_id: (-(uwon[partner_id] % UWON), partner_id))
    for partner_id in by_remainder[:left]:
        krw[partner_id] += 1
    return [Royalty(partner_id, pool.product_id, pool.right_type, uwon[partner_id], krw[partner_id]) for partner_id in uwon]
