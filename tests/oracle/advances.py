"""Rules §7, `advance_recoup`: what of the open advances a month takes back, oldest first. All in whole won.

Open choices:
- Every advance once known keeps its row in each later month. One that the month-end snapshot lacks, or says to be
  granted later, stays as it was last known; as long as it is open it is taken back like any other.
- The snapshot's amount counts, so `open_before` is `amount_krw` less all that was taken back, and never below 0.
- `advance_id` orders as text by its UTF-8 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from .catalogue import Advance


@dataclass(frozen=True)
class Recoup:
    """One row of `advance_recoup`; `recouped_earlier` is what all months before took back."""

    advance: Advance
    recouped_earlier: int
    recouped: int

    @property
    def open_before(self) -> int:
        """What was open when the month was settled."""
        return max(self.advance.amount_krw - self.recouped_earlier, 0)

    @property
    def open_after(self) -> int:
        """What stays open."""
        return self.open_before - self.recouped


def recoup(
    known: Iterable[Advance], month_end: date, before: Mapping[str, Recoup], net_of: Mapping[int, int]
) -> dict[str, Recoup]:
    """The month's rows by advance_id.

    `known` are the advances of the month-end snapshot, `before` the rows of the month before, `net_of` each
    statement's net by partner; a partner without a statement pays nothing back.
    """
    advances = {row.advance.advance_id: row.advance for row in before.values()}
    advances |= {advance.advance_id: advance for advance in known if advance.granted_on <= month_end}
    left = {partner_id: max(net, 0) for partner_id, net in net_of.items()}
    rows = {}
    for advance in sorted(advances.values(), key=lambda advance: (advance.granted_on, advance.advance_id.encode())):
        earlier = _taken(before[advance.advance_id]) if advance.advance_id in before else 0
        taken = min(max(advance.amount_krw - earlier, 0), left.get(advance.partner_id, 0))
        if taken:
            left[advance.partner_id] -= taken
        rows[advance.advance_id] = Recoup(advance, earlier, taken)
    return rows


def _taken(row: Recoup) -> int:
    return row.recouped_earlier + row.recouped
