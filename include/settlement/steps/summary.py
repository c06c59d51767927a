"""What an approver sees of a month beside its royalties (Markdown): totals, what moved most, what the audits warned of."""

from __future__ import annotations

from settlement.ledger import Ledger
from settlement.ledger.records import Build
from settlement.pipeline import previous_month
from settlement.reports.changes import Delta
from settlement.steps.context import Context
from settlement.steps.differences import differences
from settlement.steps.figures import figures
from settlement.steps.markdown import plain
from settlement.steps.pinning import closed_version
from settlement.steps.warnings import warnings_of
from settlement.warehouse import Partition

_MOVERS = 5


def figures_table(context: Context, statements: Build) -> list[str]:
    """Totals of the statements, beside those of the version or month before."""
    before = _before(context.ledger, statements.partition)
    old = context.ledger.head_build("statements", before) if before else None
    lines = [f"| won | {before or 'before'} | {statements.partition} |", "| --- | ---: | ---: |"]
    for figure in figures(context, old, statements):
        was = "" if figure.old_krw is None else f"{figure.old_krw:,}"
        lines.append(f"| {figure.name} | {was} | {figure.new_krw:,} |")
    return lines


def movers(context: Context, partition: Partition) -> list[str]:
    """The royalties that changed most against the version or month before."""
    before = _before(context.ledger, partition)
    old, new = (context.ledger.head_build("lines", p) if p else None for p in (before, partition))
    if old is None or new is None:
        return ["Nothing was settled before: there is nothing to compare with."]
    found = differences(context, old, new)
    lines = [f"{len(found):,} royalties differ from {before}; the largest changes:", ""]
    if not found:
        return [f"No royalty differs from {before}."]
    lines += ["| partner | name | product | right type | change |", "| ---: | --- | --- | --- | ---: |"]
    return lines + [_mover(delta) for delta in found[:_MOVERS]]


def _mover(d: Delta) -> str:
    name = plain(d.name) if d.partner_id else "suspense"
    return f"| {d.partner_id} | {name} | {plain(d.product_id)} | {d.right_type} | {d.delta_krw:+,} |"


def warnings(context: Context, statements: Build) -> list[str]:
    """What the audits of the month and of its days warned of."""
    return [f"- warning: {plain(str(warned))}" for warned in warnings_of(context, statements)]


def _before(ledger: Ledger, partition: Partition) -> Partition | None:
    """The version before, if its statements were published, else the closed version of the month before."""
    versions = [p for p in ledger.heads("statements") if p.key == partition.key and p < partition]
    return max(versions, default=None) or closed_version(ledger, previous_month(partition.key))
