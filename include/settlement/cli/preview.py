"""`settlement preview`: what a month would come to, and what changes against the version in force. Publishes nothing."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid

from settlement.cli.common import (
    ReferenceOption,
    WarehouseOption,
    console,
    existing_folder,
    existing_landing,
    existing_warehouse,
    progress_bar,
    show_deltas,
    user,
)
from settlement.pipeline import one_month
from settlement.settings import reference_dir
from settlement.steps.place import open_ledger
from settlement.steps.preview import Preview
from settlement.steps.preview import preview as settle_aside
from settlement.steps.preview_files import write_changes, write_page
from settlement.storage import atomic_file


def preview(
    warehouse: WarehouseOption,
    month: Annotated[str, typer.Option("--month", help="YYYY-MM")],
    reference: ReferenceOption = None,
    landing: Annotated[
        str | None, typer.Option("--landing", help="other landing folders; default: the days as they were ingested")
    ] = None,
    rows: Annotated[Path | None, typer.Option("--csv", help="file for every royalty that changes")] = None,
    page: Annotated[Path | None, typer.Option("--html", help="file for a page with a chart")] = None,
) -> None:
    """Settle a month aside, with today's SQL and reference rows, and compare it with the version in force."""
    place = existing_warehouse(warehouse)
    rules = existing_folder(reference or reference_dir(), "reference")
    delivered = existing_landing(landing) if landing else None
    run = f"preview-{secrets.token_hex(4)}"
    with progress_bar() as (progress, _):
        found = settle_aside(place, open_ledger(place), one_month(month), delivered, rules, run, user(), progress)
    _show(console(), found)
    for target, write in ((rows, write_changes), (page, write_page)):
        if target is not None:
            with atomic_file(target) as path:
                write(found, path)
            console().print(f"wrote {target}", soft_wrap=True)


def _show(out: Console, found: Preview) -> None:
    against = f"against {found.against}" if found.against else "nothing of the month was settled before"
    out.print(f"Preview of {found.month}: {against}; nothing was published", markup=False, soft_wrap=True)
    if found.totals_against not in (None, found.against):
        out.print(f"totals against {found.totals_against}: a restatement has royalties only", markup=False, soft_wrap=True)
    grid = Grid()
    grid.add_column("won")
    for header in ("before", "now", "change"):
        grid.add_column(header, justify="right")
    for figure in found.figures:
        was = "" if figure.old_krw is None else f"{figure.old_krw:,}"
        change = "" if figure.delta_krw is None else f"{figure.delta_krw:+,}"
        grid.add_row(figure.name, was, f"{figure.new_krw:,}", change)
    out.print(grid)
    for warned in found.warnings:
        out.print(f"warning: {warned}", markup=False, soft_wrap=True)
    out.print(f"{len(found.deltas):,} royalties change", markup=False)
    show_deltas(out, found.deltas)
