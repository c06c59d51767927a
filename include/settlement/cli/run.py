"""`settlement run`: settle whole months in one process."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from settlement import pipeline
from settlement.cli.common import (
    LandingOption,
    ReferenceOption,
    WarehouseOption,
    console,
    existing_landing,
    make_context,
    progress_bar,
    user,
)
from settlement.cli.totals import show_totals
from settlement.run import MonthResult, Runner
from settlement.settings import settings
from settlement.warehouse import Warehouse


def run(
    landing: LandingOption,
    months: Annotated[str, typer.Option("--months", help="YYYY-MM or YYYY-MM..YYYY-MM")],
    warehouse: WarehouseOption,
    reference: ReferenceOption = None,
    requested_by: Annotated[str | None, typer.Option("--requested-by", help="who asks; default: you")] = None,
    approved_by: Annotated[
        str | None, typer.Option("--approved-by", help="who approves, not the requester; without it months stay open")
    ] = None,
) -> None:
    """Settle months: land, build, audit and publish every stage; with an approver also publish the reports and close."""
    wanted = pipeline.months(months)
    root = existing_landing(landing)
    context = make_context(warehouse, reference, requested_by or user())
    out = console()
    with progress_bar() as (progress, err):
        runner = Runner(context, root, approved_by, progress, settings().reader_processes)
        results = [_announced(result, err) for result in runner.run(wanted)]
    context.ledger.anchor()
    for result in results:
        show_totals(out, context, result.partition, result.state)
    options = f"--landing {landing} --warehouse {warehouse}{f' --reference {reference}' if reference else ''}"
    _show_next(out, context.warehouse, options, context.requested_by, results[-1])


def _announced(result: MonthResult, err: Console) -> MonthResult:
    parts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(result.outcomes.items()))
    err.print(f"{result.partition}: {result.state}{f' ({parts})' if parts else ''}", highlight=False)
    if result.published_by:
        err.print(f"already published by {', '.join(sorted(result.published_by))}", highlight=False, soft_wrap=True)
    for check, found in result.warnings.items():
        rows, (partition, first) = sum(finding.rows for _, finding in found), found[0]
        where = partition if len(found) == 1 else f"{len(found)} days, first {partition}"
        text = f"warning: {check}: {first.meaning}: {rows:,} rows ({where})"
        err.print(text, markup=False, highlight=False, soft_wrap=True)
    return result


def _show_next(out: Console, warehouse: Warehouse, options: str, requested_by: str, result: MonthResult) -> None:
    month, version = result.partition.key, result.partition.version
    if result.state == "open":
        out.print(f"\n{result.partition} is open: nothing was published to partners. Have it approved by someone else:")
        out.print(f"  settlement run {options} --months {month} --requested-by {requested_by} --approved-by NAME", soft_wrap=True)
        return
    folder = warehouse.published / result.partition.path
    out.print("\nOpen the month and the partners' files:")
    out.print(f"  {folder / 'index.html'}", soft_wrap=True)
    out.print(f"  {folder}/partner=<id>/  what each partner asked for (csv, xlsx, pdf, dsr), manifest.json", soft_wrap=True)
    out.print("Next:")
    out.print(
        f"  settlement export settlement_line --warehouse {warehouse.root} --month {month} --version {version} --out lines.csv",
        soft_wrap=True,
    )
    out.print(f"  settlement ledger verify --warehouse {warehouse.root}", soft_wrap=True)
    out.print("  settlement tables lineage mart.statement_royalty", soft_wrap=True)
