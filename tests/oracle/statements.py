"""Rules §7, `statement`: from a partner's royalty to what it is paid, in whole won."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .catalogue import Partner
from .rights import SUSPENSE


@dataclass(frozen=True)
class Statement:
    """One row of the statement table."""

    partner_id: int
    royalty: int
    adjustment: int
    recouped: int
    carried_in: int
    payable: int
    vat: int
    withheld: int

    @property
    def net(self) -> int:
        """What the month came to."""
        return self.royalty + self.adjustment

    @property
    def due(self) -> int:
        """What is to be paid, if it is enough."""
        return self.net - self.recouped + self.carried_in

    @property
    def carried_out(self) -> int:
        """What waits for the next month."""
        return self.due - self.payable

    @property
    def paid(self) -> int:
        """What leaves the bank."""
        return self.payable + self.vat - self.withheld


def state(partner: Partner, month_end: date, royalty: int, adjustment: int, recouped: int, carried_in: int) -> Statement:
    """A partner's statement; `partner` is as the month-end snapshot has it."""
    due = royalty + adjustment - recouped + carried_in
    payable = due if due > 0 and (due >= partner.threshold_krw or partner.left_before(month_end)) else 0
    vat = payable * 10 // 100 if partner.tax_kind == "vat_invoice" else 0
    withheld = payable * 33 // 1000 if partner.tax_kind == "withholding" else 0
    return Statement(partner.partner_id, royalty, adjustment, recouped, carried_in, payable, vat, withheld)


def state_suspense(royalty: int, adjustment: int, carried_in: int) -> Statement:
    """The statement of suspense: nothing is taken back, paid or taxed, all of it carries on."""
    return Statement(SUSPENSE, royalty, adjustment, 0, carried_in, 0, 0, 0)
