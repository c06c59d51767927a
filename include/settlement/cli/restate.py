"""`settlement restate`: correct a closed month by a new version, whose deltas go into the next month to be settled."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid

from settlement.cli.common import ReferenceOption, WarehouseOption, console, existing_warehouse, make_context, show_deltas, user
from settlement.errors import PublishRefused
from settlement.ledger.restatements import Restatement
from settlement.pipeline import one_month
from settlement.steps import restating
from settlement.steps.context import Context

app = typer.Typer(help="Restatements: correct a closed month.", no_args_is_help=True)

MonthOption = Annotated[str, typer.Option("--month", help="closed month YYYY-MM")]


@app.command()
def request(
    warehouse: WarehouseOption,
    month: MonthOption,
    reason: Annotated[str, typer.Option("--reason", help="what was wrong, and what corrects it")],
    reference: ReferenceOption = None,
    requested_by: Annotated[str | None, typer.Option("--requested-by", help="who asks; default: you")] = None,
) -> None:
    """Compute a closed month anew, by today's rules and the newest catalogue; nothing is posted before it is approved."""
    existing_warehouse(warehouse)
    context = make_context(warehouse, reference, requested_by or user())
    restatement = restating.request(context, one_month(month), reason)
    err = Console(stderr=True, highlight=False)
    for finding in restating.compute(context, restatement.partition, lambda what: err.print(what, markup=False)):
        err.print(f"warning: {finding}", markup=False, soft_wrap=True)
    _show(context, restating.found(context, restatement.partition))
    out = console()
    out.print("\nHave it approved by someone else:")
    out.print(f"  settlement restate approve --warehouse {warehouse} --month {month} --approved-by NAME", soft_wrap=True)


@app.command()
def approve(
    warehouse: WarehouseOption,
    month: MonthOption,
    approved_by: Annotated[
        str | None, typer.Option("--approved-by", help="who approves, not the requester; default: you")
    ] = None,
    lines: Annotated[
        str | None, typer.Option("--lines", help="what was looked at, as `show` names it; other figures are refused")
    ] = None,
) -> None:
    """Approve the restatement under way and post its deltas into the next month to be settled."""
    context, restatement = _under_way(warehouse, month)
    if lines is not None and lines != restating.lines_hash(context, restatement.partition):
        raise PublishRefused(f"{restatement.partition} is no longer what `show` called {lines}", "look at it again")
    if restatement.state == "requested":
        restating.approve(context, restatement.partition, approved_by or user())
    posted = restating.post(context, restatement.partition)
    console().print(
        f"{posted.partition} is approved by {posted.approved_by}; its deltas are posted into {posted.posted_month}",
        soft_wrap=True,
    )


@app.command()
def reject(
    warehouse: WarehouseOption,
    month: MonthOption,
    rejected_by: Annotated[str | None, typer.Option("--by", help="who rejects it; default: you")] = None,
) -> None:
    """Reject the restatement under way: its version stays in the tables, and nothing is posted."""
    context, restatement = _under_way(warehouse, month)
    restating.reject(context, restatement.partition, rejected_by or user())
    console().print(f"{restatement.partition} is rejected: nothing is posted")


@app.command()
def show(
    warehouse: WarehouseOption,
    month: Annotated[str | None, typer.Option("--month", help="of one month only, with what each changes")] = None,
) -> None:
    """Restatements with their state, reason, requester and approver."""
    context = _context(warehouse)
    found = context.ledger.restatements(None if month is None else one_month(month))
    grid = Grid()
    for header in ("month", "version", "from", "state", "posted into", "asked for by", "approved by"):
        grid.add_column(header, no_wrap=True)
    grid.add_column("reason", overflow="fold")
    for r in found:
        versions = (r.partition.key, str(r.partition.version), str(r.version_from))
        grid.add_row(*versions, r.state, r.posted_month, r.requested_by, r.approved_by, r.reason)
    console().print(grid, markup=False)
    for r in found if month is not None else ():
        if context.ledger.head("lines", r.partition) is not None:
            _show(context, r)


def _under_way(warehouse: WarehouseOption, month: str) -> tuple[Context, Restatement]:
    """Acts for the run that asked: its requester stays the requester."""
    context = _context(warehouse)
    restatement = restating.under_way(context, one_month(month))
    return replace(context, run_id=restatement.run_id, requested_by=restatement.requested_by), restatement


def _context(warehouse: WarehouseOption) -> Context:
    existing_warehouse(warehouse)
    return make_context(warehouse, None, user())


def _show(context: Context, restatement: Restatement) -> None:
    deltas = restating.deltas(context, restatement)
    out = console()
    out.print(
        f"\n{restatement.partition} against version {restatement.version_from}: {len(deltas)} royalties change, "
        f"{sum(d.delta_krw for d in deltas):+,} won in all (lines {restating.lines_hash(context, restatement.partition)})",
        markup=False,
        soft_wrap=True,
    )
    show_deltas(out, deltas)
