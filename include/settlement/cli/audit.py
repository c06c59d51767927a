"""`settlement audit`: what an auditor is given, and a partner's statement computed again from what is stored."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid

from settlement.auditor import pack as packing
from settlement.auditor import rebuild as rebuilding
from settlement.auditor.rebuild_graph import top_build
from settlement.cli.common import WarehouseOption, console, existing_folder, existing_warehouse, progress_bar
from settlement.pipeline import one_month
from settlement.release import Release
from settlement.steps.context import Context
from settlement.steps.pinning import settled_version
from settlement.steps.place import make_engine, open_ledger
from settlement.warehouse import Partition

app = typer.Typer(help="For auditors: the audit pack, and rebuilding a statement.", no_args_is_help=True)
MonthOption = Annotated[str, typer.Option("--month", help="YYYY-MM")]
VersionOption = Annotated[int | None, typer.Option("--version", help="default: the closed version, else the newest")]
_SHOWN = 20


@app.command()
def pack(
    warehouse: WarehouseOption,
    month: MonthOption,
    out: Annotated[Path, typer.Option("--out", help="zip file to write")],
    version: VersionOption = None,
) -> None:
    """Write everything that proves a month into one zip; the same ledger gives the same bytes."""
    context, partition = _context(warehouse, month, version)
    found = packing.pack(context, partition, out)
    err = Console(stderr=True, highlight=False)
    err.print(f"{out}: {partition}, {found.files} files, the ledger up to record {found.records}", markup=False, soft_wrap=True)
    for problem in found.problems:
        err.print(problem, style="red", markup=False, soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def rebuild(
    warehouse: WarehouseOption,
    month: MonthOption,
    partner: Annotated[int, typer.Option("--partner", min=0, help="partner_id; 0 is suspense")],
    version: VersionOption = None,
    work: Annotated[
        Path | None, typer.Option("--work", help="folder with room for a month's tables; default: the system's temporary one")
    ] = None,
) -> None:
    """Compute a partner's statement again from the stored landed rows and compare every hash; exit code 1 when one differs."""
    context, partition = _context(warehouse, month, version)
    place = existing_folder(work, "work") if work else None
    with progress_bar(32) as (progress, _):
        found = rebuilding.rebuild(context, partition, partner, progress, place)
    out = console()
    out.print(_summary(found))
    for sentence in found.altered[:_SHOWN]:
        out.print(f"altered: {sentence}", style="red", markup=False, soft_wrap=True)
    different = [c for c in found.comparisons if not c.is_same]
    for c in different[:_SHOWN]:
        out.print(f"{c.name}: published {c.published}, rebuilt {c.rebuilt}", style="red", markup=False, soft_wrap=True)
    rest = max(len(different) - _SHOWN, 0) + max(len(found.altered) - _SHOWN, 0)
    if rest:
        out.print(f"… and {rest} more", style="red")
    if found.stopped:
        out.print(f"stopped: {found.stopped}", style="red", markup=False, soft_wrap=True)
    out.print(found.verdict, markup=False, soft_wrap=True)
    if not found.is_same:
        raise typer.Exit(1)


def _context(warehouse: WarehouseOption, month: str, version: int | None) -> tuple[Context, Partition]:
    place = existing_warehouse(warehouse)
    ledger = open_ledger(place)
    partition = settled_version(ledger, one_month(month), version)
    top = top_build(ledger, partition)
    return Context(place, ledger, make_engine(place), Release.load(top.release, place), top.run_id, ""), partition


def _summary(found: rebuilding.Rebuilt) -> Grid:
    """How much was compared and how much of it differs, tables by stage, the partner's rows and files."""
    compared = Counter(c.group for c in found.comparisons)
    different = Counter(c.group for c in found.comparisons if not c.is_same)
    grid = Grid(title=f"{found.graph.partition}, partner {found.partner}", title_justify="left")
    grid.add_column("compared")
    grid.add_column("hashes", justify="right")
    grid.add_column("differ", justify="right")
    grid.add_row("stored builds, by their files", str(len(found.graph.builds)), str(len(found.altered)))
    for group, count in compared.items():
        grid.add_row(group, str(count), str(different[group]))
    return grid
