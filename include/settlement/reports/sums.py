"""Statements added up, for the totals of the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from settlement.reports.model import Partner


@dataclass(frozen=True)
class Sums:
    """Figures of several partners' statements added up; whole won, but for the counts."""

    partners: int
    lines: int
    plays: int
    royalty_krw: int
    adjustment_krw: int
    recouped_krw: int
    carried_in_krw: int
    payable_krw: int
    carried_out_krw: int
    vat_krw: int
    withheld_krw: int
    paid_krw: int

    @property
    def earned_krw(self) -> int:
        """carried in + royalty + adjustment − recouped, which must be payable + carried out."""
        return self.carried_in_krw + self.royalty_krw + self.adjustment_krw - self.recouped_krw

    @property
    def settled_krw(self) -> int:
        """payable + carried out."""
        return self.payable_krw + self.carried_out_krw

    @property
    def taxed_krw(self) -> int:
        """payable + vat − withheld, which must be paid."""
        return self.payable_krw + self.vat_krw - self.withheld_krw


def sums(partners: Iterable[Partner]) -> Sums:
    """Add up the partners' statements."""
    rows = list(partners)
    statements = [partner.statement for partner in rows]
    return Sums(
        partners=len(rows),
        lines=sum(p.lines for p in rows),
        plays=sum(p.plays for p in rows),
        royalty_krw=sum(s.royalty_krw for s in statements),
        adjustment_krw=sum(s.adjustment_krw for s in statements),
        recouped_krw=sum(s.recouped_krw for s in statements),
        carried_in_krw=sum(s.carried_in_krw for s in statements),
        payable_krw=sum(s.payable_krw for s in statements),
        carried_out_krw=sum(s.carried_out_krw for s in statements),
        vat_krw=sum(s.vat_krw for s in statements),
        withheld_krw=sum(s.withheld_krw for s in statements),
        paid_krw=sum(s.paid_krw for s in statements),
    )
