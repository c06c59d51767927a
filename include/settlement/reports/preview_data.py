"""What the page of a preview shows, gathered: what changes, added up and in order, but no markup. All amounts in whole won."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from settlement.reports.changes import Delta, Figure, Warned
from settlement.reports.chart import DivergingBars, diverging_bars
from settlement.reports.labels import RIGHT_TYPES, position

_Key = TypeVar("_Key", int, str)
MAX_BARS = 20
"""Partners with a bar of their own."""
MAX_PARTNERS = 50
"""Partners listed one by one; the page of a larger preview sums up the rest."""
MAX_CHANGES = 500
"""Royalties listed one by one; likewise."""


@dataclass(frozen=True)
class PreviewReport:
    """What a month would come to.

    Attributes:
        month: `YYYY-MM`.
        against: the version of the month that royalties are compared with; none when nothing was settled before.
        totals_against: likewise of the totals: a restatement, for one, has royalties only.
        figures: totals of the statements; `royalties`, `royalties in suspense`, `payable` and `paid` are among them.
        changes: every royalty that changes, once.
        warnings: what the audits warned of.
    """

    month: str
    against: int | None
    totals_against: int | None
    figures: Sequence[Figure]
    changes: Sequence[Delta]
    warnings: Sequence[Warned]


@dataclass(frozen=True)
class Net:
    """Changes added up: how many, what goes up, what goes down (negative)."""

    changes: int
    raised_krw: int
    lowered_krw: int

    @property
    def delta_krw(self) -> int:
        """Σ changes."""
        return self.raised_krw + self.lowered_krw


@dataclass(frozen=True)
class PartnerNet:
    """A partner's changes over all products and right types."""

    partner_id: int
    partner: str
    net: Net


@dataclass(frozen=True)
class PreviewView:
    """The page's content: every list adds up to `everything`, with the rest that it leaves out."""

    tiles: tuple[Figure, ...]
    everything: Net
    right_types: tuple[tuple[str, Net], ...]
    products: tuple[tuple[str, Net], ...]
    partners: tuple[PartnerNet, ...]
    unlisted_partners: tuple[int, Net]
    bars: tuple[PartnerNet, ...]
    chart: DivergingBars
    changes: tuple[Delta, ...]
    unlisted_changes: Net
    partner_count: int


def preview_view(report: PreviewReport) -> PreviewView:
    """Gather the page's content; the order of the report's changes makes no difference."""
    changes = sorted(report.changes, key=lambda c: (-abs(c.delta_krw), c.partner_id, c.product_id, c.right_type))
    partners = _partners(changes)
    bars = tuple(partner for partner in partners[:MAX_BARS] if partner.net.delta_krw)
    figures = {figure.name: figure for figure in report.figures}
    rest = {partner.partner_id for partner in partners[MAX_PARTNERS:]}
    return PreviewView(
        tiles=tuple(figures[name] for name in ("royalties", "royalties in suspense", "payable", "paid")),
        everything=_net(changes),
        right_types=_by(changes, lambda c: c.right_type, lambda right: position(RIGHT_TYPES, right)),
        products=_by(changes, lambda c: c.product_id, lambda product_id: (0, product_id)),
        partners=partners[:MAX_PARTNERS],
        unlisted_partners=(len(rest), _net(c for c in changes if c.partner_id in rest)),
        bars=bars,
        chart=diverging_bars([partner.net.delta_krw for partner in bars]),
        changes=tuple(changes[:MAX_CHANGES]),
        unlisted_changes=_net(changes[MAX_CHANGES:]),
        partner_count=len(partners),
    )


def _net(changes: Iterable[Delta]) -> Net:
    amounts = [change.delta_krw for change in changes]
    return Net(len(amounts), sum(a for a in amounts if a > 0), sum(a for a in amounts if a < 0))


def _grouped(changes: Sequence[Delta], key: Callable[[Delta], _Key]) -> dict[_Key, list[Delta]]:
    groups: dict[_Key, list[Delta]] = {}
    for change in changes:
        groups.setdefault(key(change), []).append(change)
    return groups


def _by(
    changes: Sequence[Delta], key: Callable[[Delta], str], order: Callable[[str], tuple[int, str]]
) -> tuple[tuple[str, Net], ...]:
    groups = _grouped(changes, key)
    return tuple((name, _net(groups[name])) for name in sorted(groups, key=order))


def _partners(changes: Sequence[Delta]) -> tuple[PartnerNet, ...]:
    """Largest net change first, whatever its sign."""
    groups = _grouped(changes, lambda c: c.partner_id)
    found = [PartnerNet(partner_id, group[0].name, _net(group)) for partner_id, group in groups.items()]
    return tuple(sorted(found, key=lambda p: (-abs(p.net.delta_krw), p.partner_id)))
