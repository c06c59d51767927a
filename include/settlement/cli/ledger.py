"""`settlement ledger`: what was done, by whom, from what; and whether the chain still holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from settlement.cli.common import WarehouseOption, console, existing_folder, existing_warehouse
from settlement.steps.place import open_ledger

app = typer.Typer(help="The ledger: builds, publications, approvals.", no_args_is_help=True)


@app.command()
def show(
    warehouse: WarehouseOption,
    kind: Annotated[str | None, typer.Option("--kind", help="one kind, such as published or approved")] = None,
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
    for header in ("seq", "at (UTC)", "kind", "stage", "partition", "build", "by"):
        grid.add_column(header, no_wrap=True)
    grid.add_column("run", overflow="fold")  # a scheduled run's name is long
    for r in records:
        by = r.body.get("approved_by") or r.body.get("requested_by") or r.body.get("by") or ""
        grid.add_row(str(r.seq), r.at[:19], r.kind, r.stage, str(r.partition), r.build_id, by, r.run_id)
    console().print(grid)


@app.command()
def verify(
    warehouse: WarehouseOption,
    head: Annotated[list[str] | None, typer.Option("--head", help="hash of a record that you kept; may be repeated")] = None,
    anchors: Annotated[
        list[Path] | None, typer.Option("--anchors", help="folder with anchors that you kept; may be repeated")
    ] = None,
) -> None:
    """Check every hash of the chain, that the heads follow from it, and its anchors; exit code 1 when anything is wrong."""
    copies = [existing_folder(folder, "anchors") for folder in anchors or []]
    found = open_ledger(existing_warehouse(warehouse)).verify(copies, head or [])
    out = console()
    for problem in found.problems:
        out.print(problem, style="red", markup=False, soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)
    last = f", the last is {found.last_hash}" if found.records else ""
    out.print(f"the chain holds: {found.records} records{last}", markup=False, soft_wrap=True)
    later = f"; {found.unanchored} records came after the newest" if found.unanchored else ""
    out.print(f"{found.anchors} anchors are as they were written{later}", markup=False, soft_wrap=True)
    if head:
        out.print(f"{len(head)} hashes that you kept are in the chain", markup=False, soft_wrap=True)
