"""`settlement totals`: what a month's statements come to, per partner."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from settlement.cli.common import WarehouseOption, console, existing_warehouse
from settlement.errors import NotArrived
from settlement.release import Release
from settlement.steps.context import Context
from settlement.steps.pinning import closed_version, settled_version
from settlement.steps.place import make_engine, open_ledger
from settlement.steps.reported import Total
from settlement.steps.reported import totals as totals_of
from settlement.warehouse import Partition

_SHOWN_PARTNERS = 20


def totals(
    warehouse: WarehouseOption,
    month: Annotated[str, typer.Option("--month", help="YYYY-MM")],
    version: Annotated[int | None, typer.Option("--version", help="default: the closed version, else the newest")] = None,
) -> None:
    """Royalty and payment per partner of a month whose statements are published, largest royalty first."""
    place = existing_warehouse(warehouse)
    ledger = open_ledger(place)
    partition = settled_version(ledger, month, version)
    statements = ledger.head_build("statements", partition)
    if statements is None:
        raise NotArrived(f"there are no statements of {partition}", "see what there is: settlement ledger show")
    release = Release.load(statements.release, place)
    context = Context(place, ledger, make_engine(place), release, statements.run_id, "")
    show_totals(console(), context, partition, "closed" if partition == closed_version(ledger, month) else "open")


def show_totals(out: Console, context: Context, partition: Partition, state: str) -> None:
    """Print royalties and payments of a version; paid is what is transferred, with VAT and less tax."""
    rows = totals_of(context, partition)
    table = Table(title=f"Statements {partition} · {state}", title_justify="left")
    table.add_column("partner", justify="right")
    table.add_column("name")
    table.add_column("kind")
    for header in ("lines", "royalty, won", "paid, won"):
        table.add_column(header, justify="right")
    for row in rows[:_SHOWN_PARTNERS]:
        table.add_row(str(row.partner_id), _one_line(row.name), row.kind, *_figures([row]))
    rest = rows[_SHOWN_PARTNERS:]
    if rest:
        table.add_row("", f"… {len(rest)} more", "", *_figures(rest))
    table.add_section()
    table.add_row("", "total = Σ pools (royalty)", "", *_figures(rows))
    out.print(table)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _figures(rows: list[Total]) -> tuple[str, ...]:
    """Lines, royalty and payment, added up."""
    return tuple(f"{sum(values):,}" for values in zip(*((r.lines, r.royalty_krw, r.paid_krw) for r in rows), strict=True))
