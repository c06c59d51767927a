"""Totals of a month's statements, in whole won: what an approver looks at first."""

from __future__ import annotations

from settlement.ledger.records import Build
from settlement.release import Release
from settlement.reports.changes import Figure
from settlement.steps.context import Context

_FIGURES = {
    "royalties": "sum(royalty_krw)",
    "royalties of partners": "coalesce(sum(CASE WHEN partner_id <> 0 THEN royalty_krw END), 0)",
    "royalties in suspense": "coalesce(sum(CASE WHEN partner_id = 0 THEN royalty_krw END), 0)",
    "adjustments": "sum(adjustment_krw)",
    "recouped from advances": "sum(recouped_krw)",
    "carried in": "sum(carried_in_krw)",
    "payable": "sum(payable_krw)",
    "carried out": "sum(carried_out_krw)",
    "VAT": "sum(vat_krw)",
    "withheld": "sum(withheld_krw)",
    "paid": "sum(paid_krw)",
}


def figures(context: Context, old: Build | None, new: Build) -> list[Figure]:
    """The totals of two builds of `statements`."""
    before = _totals(context, old) if old else [None] * len(_FIGURES)
    return [Figure(*row) for row in zip(_FIGURES, before, _totals(context, new), strict=True)]


def _totals(context: Context, statements: Build) -> list[int]:
    table = Release.load(statements.release, context.warehouse).catalog["mart.statement"]
    folder = context.warehouse.build_dir(table.name, statements.partition, statements.build_id)
    with context.engine.session({}) as session:
        session.add(table, [folder])
        row = session.run(f"SELECT {', '.join(_FIGURES.values())} FROM mart.statement", table.name).fetchone()
    assert row is not None, "an aggregate has a row"
    return [int(value) for value in row]
