"""`settlement ledger`: what was done, by whom, from what; and whether the chain still holds."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.table import Table as Grid

from settlement.cli.common import WarehouseOption, console, existing_warehouse, open_ledger

app = typer.Typer(help="The ledger: builds, publications, approvals.", no_args_is_help=True)


@app.command()
def show(
    warehouse: WarehouseOption,
    kind: Annotated[
        str | None, typer.Option("--kind", help="sealed, published, confirmed, reserved, approved, closed, redelivery")
    ] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="a day or a month")] = None,
    stage: Annotated[str | None, typer.Option("--stage", help="raw, ods, daily, pools, lines, statements")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="whole records, one JSON object a line")] = False,
) -> None:
    """Records in order, oldest first."""
    asked = {"kind": kind, "partition": partition, "stage": stage}
    wanted = {name: value for name, value in asked.items() if value is not None}
    records = open_ledger(existing_warehouse(warehouse)).records(**wanted)
    if as_json:
        for r in records:
            row = {**vars(r), "partition": r.partition.key, "version": r.partition.version}
            sys.stdout.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
        return
    grid = Grid()
    for header in ("seq", "at (UTC)", "kind", "stage", "partition", "build", "run", "by"):
        grid.add_column(header, no_wrap=True)
    for r in records:
        by = r.body.get("approved_by") or r.body.get("requested_by") or r.body.get("by") or ""
        grid.add_row(str(r.seq), r.at[:19], r.kind, r.stage, str(r.partition), r.build_id, r.run_id, by)
    console().print(grid)


@app.command()
def verify(warehouse: WarehouseOption) -> None:
    """Check every hash of the chain and that the heads follow from it; exit code 1 when anything is wrong."""
    ledger = open_ledger(existing_warehouse(warehouse))
    problems = ledger.problems()
    out = console()
    for problem in problems:
        out.print(problem, style="red", markup=False)
    if problems:
        raise typer.Exit(1)
    records = list(ledger.records())
    last = f", the last is {records[-1].hash}" if records else ""
    out.print(f"the chain holds: {len(records)} records{last}", markup=False, soft_wrap=True)
