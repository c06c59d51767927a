"""`settlement landing`: what has arrived, and accepting a redelivery."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table as Grid

from settlement.cli.common import LandingOption, WarehouseOption, console, existing_landing, existing_warehouse
from settlement.errors import NotAllowed, SettlementError
from settlement.landing.contract import KINDS
from settlement.landing.folders import differences
from settlement.pipeline import day_range
from settlement.steps.build import frozen_of
from settlement.steps.pinning import closed_version
from settlement.steps.place import open_ledger
from settlement.warehouse import Partition, hash_json

app = typer.Typer(help="The landing folders: arrivals and redeliveries.", no_args_is_help=True)


@app.command()
def status(landing: LandingOption) -> None:
    """Which folders have arrived, by day and kind."""
    root = existing_landing(landing)
    first = min((day for kind in KINDS if (day := root.first_day(kind))), default=None)
    if first is None:
        raise SettlementError(f"nothing has arrived under {landing}", "a folder has arrived once it holds _SUCCESS")
    last = max(days[-1] for kind in KINDS if (days := root.days(kind)))
    grid = Grid()
    for header in ("day", *KINDS):
        grid.add_column(header)
    for day in day_range(first, last):
        grid.add_row(day, *("arrived" if root.arrived(kind, day) else "-" for kind in KINDS))
    console().print(grid)


@app.command()
def accept(
    landing: LandingOption,
    warehouse: WarehouseOption,
    day: Annotated[str, typer.Option("--day", help="landing day whose content changed")],
    by: Annotated[str, typer.Option("--by", help="who accepts it")],
    reason: Annotated[str, typer.Option("--reason", help="why the content changed")],
) -> None:
    """Accept the present content of a day that changed under `_SUCCESS`; the next run ingests exactly it."""
    root, ledger = existing_landing(landing), open_ledger(existing_warehouse(warehouse))
    if closed := closed_version(ledger, day[:7]):
        raise NotAllowed(f"{day} can't be delivered again: {closed} is closed", "correct it by a restatement")
    head = ledger.head_build("raw", Partition(day))
    if head is None:
        raise SettlementError(f"{day} was never ingested: there is nothing to accept")
    frozen = root.freeze(day)
    changed = differences(frozen_of(head), frozen)
    if not changed:
        raise SettlementError(f"{day} is as it was ingested: there is nothing to accept")
    body = {"landing": hash_json(frozen), "files": changed, "by": by, "reason": reason}
    ledger.append("redelivery", "cli", body, Partition(day))
    console().print(f"accepted for {day}: {', '.join(changed)}", markup=False, soft_wrap=True)
