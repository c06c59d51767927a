"""Rules §7 over months: statements, advances and the age of suspense, each month from where the one before ended.

Open choices:
- Carry-in means that the month before carried out something other than 0.
- Suspense has a statement in every month. Its age keeps a row for every month of origin that it ever had, be its
  balance 0, and always has one for the month itself; the balances sum to what suspense carries out.
- Deltas that cancel each other are adjustments all the same: their partner has a statement.
- A partner that needs a statement and isn't in the month-end snapshot is bad input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from .advances import Recoup, recoup
from .catalogue import read_advances, read_partners
from .faults import BadInputError
from .landing import Landing
from .restating import Adjustment
from .rights import SUSPENSE
from .royalties import Royalty
from .statements import Statement, state, state_suspense


@dataclass(frozen=True)
class Books:
    """What a month's end leaves: statements by partner, advances by id, suspense in won by month of origin."""

    statements: Mapping[int, Statement] = field(default_factory=dict)
    advances: Mapping[str, Recoup] = field(default_factory=dict)
    suspense: Mapping[str, int] = field(default_factory=dict)


def close_month(
    landing: Landing, month_end: date, royalties: Sequence[Royalty], posted: Sequence[Adjustment], before: Books
) -> Books:
    """The month's books from its published royalties, the adjustments posted into it and the books before it."""
    royalty_of, adjustment_of = Counter[int](), Counter[int]()
    for royalty in royalties:
        royalty_of[royalty.partner_id] += royalty.krw
    for adjustment in posted:
        adjustment_of[adjustment.partner_id] += adjustment.delta_krw
    carried = {partner_id: row.carried_out for partner_id, row in before.statements.items() if row.carried_out}
    stated = sorted({*royalty_of, *adjustment_of, *carried} - {SUSPENSE})

    net_of = {partner_id: royalty_of[partner_id] + adjustment_of[partner_id] for partner_id in stated}
    advances = recoup(read_advances(landing, month_end), month_end, before.advances, net_of)
    recouped_of = Counter[int]()
    for row in advances.values():
        recouped_of[row.advance.partner_id] += row.recouped

    partners = read_partners(landing, month_end)
    statements = {SUSPENSE: state_suspense(royalty_of[SUSPENSE], adjustment_of[SUSPENSE], carried.get(SUSPENSE, 0))}
    for partner_id in stated:
        if partner_id not in partners:
            raise BadInputError(f"partner {partner_id} has a statement, and partners lacks it on {month_end}")
        sums = royalty_of[partner_id], adjustment_of[partner_id], recouped_of[partner_id], carried.get(partner_id, 0)
        statements[partner_id] = state(partners[partner_id], month_end, *sums)
    return Books(statements, advances, _age(f"{month_end:%Y-%m}", royalty_of[SUSPENSE], posted, before.suspense))


def _age(month: str, royalty: int, posted: Sequence[Adjustment], before: Mapping[str, int]) -> dict[str, int]:
    """The balance of suspense by month of origin; a delta belongs to the month it restates."""
    balances = Counter(before)
    balances[month] += royalty
    for adjustment in posted:
        if adjustment.partner_id == SUSPENSE:
            balances[adjustment.settled] += adjustment.delta_krw
    return dict(balances)
