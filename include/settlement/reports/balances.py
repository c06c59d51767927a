"""What each partner is paid: statements, adjustments, advances and the age of suspense, read and proven (rules §7, §8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from settlement.errors import SettlementError
from settlement.reports.labels import RIGHT_TYPES, position
from settlement.reports.model import SUSPENSE_ID, Adjustment, Recoupment, ReportContext, Royalty, Statement, SuspenseAge

HINT = "nothing was published; the tables of this version are not sound: look at its audit before rendering again"

_AMOUNTS = (
    "royalty_krw", "adjustment_krw", "net_krw", "recouped_krw", "carried_in_krw", "due_krw", "payable_krw",
    "carried_out_krw", "vat_krw", "withheld_krw", "paid_krw",
)  # fmt: skip
_STATEMENTS = f"""
SELECT partner_id, coalesce(tax_kind, ''), coalesce(payout_threshold_krw, 0), {", ".join(_AMOUNTS)}, coalesce(is_active, true)
FROM mart.statement ORDER BY partner_id
"""
_ADJUSTMENTS = """
SELECT a.partner_id, a.posted_month, a.settled_month, a.version_from, a.version_to, a.product_id, coalesce(p.name, ''),
    a.right_type, a.delta_krw, coalesce(a.reason, '')
FROM mart.adjustment AS a LEFT JOIN ods.product AS p USING (product_id)
"""
_RECOUPMENTS = """
SELECT partner_id, advance_id, CAST(granted_on AS VARCHAR), amount_krw, open_before_krw, recouped_krw, open_after_krw
FROM mart.advance_recoup ORDER BY partner_id, granted_on, advance_id
"""
_AGES = "SELECT origin_month, balance_krw FROM mart.suspense_age ORDER BY origin_month"


@dataclass(frozen=True)
class Balances:
    """The month's figures per partner; a partner without a statement has none of the others either."""

    statements: Mapping[int, Statement]
    adjustments: Mapping[int, tuple[Adjustment, ...]] = field(default_factory=dict)
    recoupments: Mapping[int, tuple[Recoupment, ...]] = field(default_factory=dict)
    ages: tuple[SuspenseAge, ...] = ()


def load_balances(con: duckdb.DuckDBPyConnection, context: ReportContext, royalties: Mapping[int, Iterable[Royalty]]) -> Balances:
    """Read the figures and prove them against the `royalties` per partner and against each other.

    Raises:
        SettlementError: a partner with lines, adjustments or recouped advances has no statement, a figure is missing,
            or an identity of rules §7 doesn't hold.
    """
    statements = _statements(con)
    adjustments = _adjustments(con, context)
    recoupments = _recoupments(con)
    ages = tuple(SuspenseAge(month, _known(krw, f"suspense of {month}")) for month, krw in con.execute(_AGES).fetchall())
    royalty = {partner_id: sum(r.royalty_krw for r in rows) for partner_id, rows in royalties.items()}
    owed = royalty.keys() | adjustments.keys() | {i for i, rows in recoupments.items() if any(r.recouped_krw for r in rows)}
    for partner_id in sorted(owed - statements.keys()):
        raise SettlementError(f"partner {partner_id} has lines, adjustments or recoupments, but no statement", HINT)
    if SUSPENSE_ID not in statements:
        raise SettlementError("suspense (partner 0) has no statement", HINT)
    for partner_id, statement in statements.items():
        adjusted = sum(a.delta_krw for a in adjustments.get(partner_id, ()))
        recouped = sum(r.recouped_krw for r in recoupments.get(partner_id, ()))
        _prove(partner_id, statement, royalty.get(partner_id, 0), adjusted, recouped)
    aged, kept = sum(age.balance_krw for age in ages), statements[SUSPENSE_ID].carried_out_krw
    if aged != kept:
        raise SettlementError(f"suspense is {aged} won by month of origin, its statement carries {kept} won on", HINT)
    return Balances(statements, adjustments, recoupments, ages)


def _prove(partner_id: int, s: Statement, royalty: int, adjusted: int, recouped: int) -> None:
    identities = (
        ("royalty", s.royalty_krw, "Σ royalties", royalty),
        ("adjustment", s.adjustment_krw, "Σ adjustments", adjusted),
        ("recouped", s.recouped_krw, "Σ recoupments", recouped),
        ("net", s.net_krw, "royalty + adjustment", s.royalty_krw + s.adjustment_krw),
        ("due", s.due_krw, "net − recouped + carried in", s.net_krw - s.recouped_krw + s.carried_in_krw),
        ("payable + carried out", s.payable_krw + s.carried_out_krw, "carried in + royalty + adjustment − recouped",
         s.carried_in_krw + s.royalty_krw + s.adjustment_krw - s.recouped_krw),
        ("paid", s.paid_krw, "payable + vat − withheld", s.payable_krw + s.vat_krw - s.withheld_krw),
    )  # fmt: skip
    for name, stated, formula, found in identities:
        if stated != found:
            raise SettlementError(f"statement of partner {partner_id}: {name} is {stated} won, {formula} is {found} won", HINT)
    if partner_id == SUSPENSE_ID and (s.payable_krw or s.vat_krw or s.withheld_krw):
        raise SettlementError(f"statement of suspense: {s.payable_krw} won are payable, but suspense is never paid", HINT)


def _statements(con: duckdb.DuckDBPyConnection) -> dict[int, Statement]:
    statements: dict[int, Statement] = {}
    for partner, tax_kind, threshold, *amounts, is_active in con.execute(_STATEMENTS).fetchall():
        partner_id = int(partner)
        if partner_id in statements:
            raise SettlementError(f"partner {partner_id} has two statements", HINT)
        where = f"statement of partner {partner_id}"
        figures = {name: _known(krw, f"{where}: {name}") for name, krw in zip(_AMOUNTS, amounts, strict=True)}
        statements[partner_id] = Statement(tax_kind, int(threshold), **figures, is_active=is_active)
    return statements


def _adjustments(con: duckdb.DuckDBPyConnection, context: ReportContext) -> dict[int, tuple[Adjustment, ...]]:
    found: dict[int, list[Adjustment]] = defaultdict(list)
    rows = con.execute(_ADJUSTMENTS).fetchall()
    for partner, posted, settled, before, after, product_id, product, right, delta, reason in rows:
        if posted != context.month:
            raise SettlementError(f"reports of {context.month} were given an adjustment posted into {posted}", HINT)
        krw = _known(delta, f"adjustment of partner {partner}, {settled}, product {product_id}, {right}")
        found[int(partner)].append(Adjustment(settled, int(before), int(after), product_id, product, right, krw, reason))
    return {partner_id: tuple(sorted(those, key=_order)) for partner_id, those in found.items()}


def _order(a: Adjustment) -> tuple[Any, ...]:
    return a.settled_month, a.version_to, a.product_id, position(RIGHT_TYPES, a.right_type)


def _recoupments(con: duckdb.DuckDBPyConnection) -> dict[int, tuple[Recoupment, ...]]:
    found: dict[int, list[Recoupment]] = defaultdict(list)
    for partner, advance_id, granted_on, *amounts in con.execute(_RECOUPMENTS).fetchall():
        where = f"advance {advance_id} of partner {partner}"
        amount, before, recouped, after = (_known(krw, where) for krw in amounts)
        if before - recouped != after:
            raise SettlementError(f"{where}: {before} − {recouped} won is not the {after} won left open", HINT)
        found[int(partner)].append(Recoupment(advance_id, granted_on, amount, before, recouped, after))
    return {partner_id: tuple(rows) for partner_id, rows in found.items()}


def _known(krw: Any, what: str) -> int:
    """An amount that is there."""
    if krw is None:
        raise SettlementError(f"{what} is missing (NULL)", HINT)
    return int(krw)
