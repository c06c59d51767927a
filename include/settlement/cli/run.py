"""`settlement run`: settle whole months in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from settlement import pipeline
from settlement.cli.common import LandingOption, ReferenceOption, WarehouseOption, console, existing_folder, make_context, user
from settlement.landing.folders import Landing
from settlement.run import MonthResult, Runner
from settlement.settings import settings
from settlement.steps.context import Context
from settlement.steps.reported import Total, totals

_SHOWN_PARTNERS = 20


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
    root = Landing(existing_folder(landing, "landing"))
    context = make_context(warehouse, reference, requested_by or user())
    out = console()
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("")

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        runner = Runner(context, root, approved_by, progress, settings().reader_processes)
        results = [_announced(result, bar.console) for result in runner.run(wanted)]
    for result in results:
        _show(out, context, result)
    options = f"--landing {landing} --warehouse {warehouse}{f' --reference {reference}' if reference else ''}"
    _show_next(out, warehouse, options, context.requested_by, results[-1])


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


def _show(out: Console, context: Context, result: MonthResult) -> None:
    rows = totals(context, result.partition)
    table = Table(title=f"Statements {result.partition} · {result.state}", title_justify="left")
    table.add_column("partner", justify="right")
    table.add_column("name")
    table.add_column("kind")
    table.add_column("lines", justify="right")
    table.add_column("royalty, won", justify="right")
    for row in rows[:_SHOWN_PARTNERS]:
        table.add_row(str(row.partner_id), _one_line(row.name), row.kind, f"{row.lines:,}", f"{row.royalty_krw:,}")
    rest = rows[_SHOWN_PARTNERS:]
    if rest:
        table.add_row("", f"… {len(rest)} more", "", f"{_lines(rest):,}", f"{_won(rest):,}")
    table.add_section()
    table.add_row("", "total = Σ pools", "", f"{_lines(rows):,}", f"{_won(rows):,}")
    out.print(table)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _lines(rows: list[Total]) -> int:
    return sum(row.lines for row in rows)


def _won(rows: list[Total]) -> int:
    return sum(row.royalty_krw for row in rows)


def _show_next(out: Console, warehouse: Path, options: str, requested_by: str, result: MonthResult) -> None:
    month, version = result.partition.key, result.partition.version
    if result.state == "open":
        out.print(f"\n{result.partition} is open: nothing was published to partners. Have it approved by someone else:")
        out.print(f"  settlement run {options} --months {month} --requested-by {requested_by} --approved-by NAME", soft_wrap=True)
        return
    folder = warehouse / "published" / result.partition.path
    out.print("\nOpen the month and the partners' files:")
    out.print(f"  {folder / 'index.html'}", soft_wrap=True)
    out.print(f"  {folder}/partner=<id>/  usage.csv, statement.xlsx, manifest.json", soft_wrap=True)
    out.print("Next:")
    out.print(
        f"  settlement export settlement_line --warehouse {warehouse} --month {month} --version {version} --out lines.csv",
        soft_wrap=True,
    )
    out.print(f"  settlement ledger verify --warehouse {warehouse}", soft_wrap=True)
    out.print("  settlement tables lineage mart.statement_royalty", soft_wrap=True)
