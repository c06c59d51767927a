"""`settlement dsr`: look at DSR files before a partner does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from settlement.cli.common import console
from settlement.reports.dsr import Record, file_sets, read_dsr

app = typer.Typer(help="DDEX DSR flat files.", no_args_is_help=True)
Files = Annotated[list[Path], typer.Argument(help="files of one or more reports, every file of each", metavar="FILES")]


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own."""


@app.command()
def check(files: Files) -> None:
    """Read reports strictly: names, order, counts, cells, references. The first fault is an error and exit code 1."""
    out = console()
    for paths in file_sets(files):
        _show(out, [path.name for path in paths], read_dsr(paths))


def _show(out: Console, names: list[str], records: Iterable[Record]) -> None:
    """Print what a report holds, once all of it was read."""
    head: Record | None = None
    summaries: dict[str, Record] = {}
    lines, uses, amounts = 0, defaultdict[str, int](int), defaultdict[str, Decimal](Decimal)
    for record in records:
        lines += 1
        head = head or record
        summary = str(record.cells.get("SummaryRecordId"))
        if record.type.startswith("SY"):
            summaries.setdefault(summary, record)
        for cell in ("NumberOfStreams", "Usages"):
            if record.type.startswith("SU") and isinstance(count := record.cells.get(cell), int):
                uses[summary] += count
        if isinstance(amount := record.cells.get("AllocatedAmount"), Decimal):
            amounts[summary] += amount
    assert head is not None
    profile = f"{head.cells['Profile']} {head.cells['ProfileVersion']}"
    title = f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''} · {profile} · {lines:,} records · sound"
    out.print(title, markup=False)
    table = Table()
    for header in ("summary", "model", "use type", "right"):
        table.add_column(header)
    for header in ("uses", "Σ amounts of lines", "AllocatedRevenue", "AllocatedNetRevenue"):
        table.add_column(header, justify="right")
    for summary, record in summaries.items():
        cells = record.cells
        said = [_shown(cells.get(name)) for name in ("CommercialModel", "UseType", "RightsType")]
        sums = [f"{uses[summary]:,}", f"{amounts[summary]:,}" if summary in amounts else ""]
        allocated = [_shown(cells.get(name)) for name in ("AllocatedRevenue", "AllocatedNetRevenue")]
        table.add_row(_plain(summary), *said, *sums, *allocated)
    out.print(table)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " | ".join(map(_shown, value))
    if isinstance(value, (int, Decimal)):
        return f"{value:,}"
    return _plain(str(value or ""))


def _plain(text: str) -> str:
    """Text of a foreign file, without what the terminal would take for markup."""
    return text.replace("[", r"\[")
