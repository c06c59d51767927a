"""Options and objects that several commands share."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from settlement.errors import SettlementError
from settlement.landing.folders import Landing
from settlement.release import Release
from settlement.reports.changes import Delta
from settlement.settings import SQLITE, reference_dir, sql_dir
from settlement.steps.context import Context
from settlement.steps.place import ledger_url, make_engine, open_ledger
from settlement.storage import location
from settlement.warehouse import Warehouse

_PLACE = "FOLDER|s3://…"
WarehouseOption = Annotated[str, typer.Option("--warehouse", metavar=_PLACE, help="tables, ledger and published reports")]
LandingOption = Annotated[
    str, typer.Option("--landing", metavar=_PLACE, help="landing root: plays/, payments/, other_revenue/, catalog/")
]
ReferenceOption = Annotated[
    Path | None, typer.Option("--reference", help="folder with rate_card.csv, service_rule.csv, in_app_rule.csv")
]


def existing_warehouse(place: str) -> Warehouse:
    """A warehouse that a run has made before."""
    warehouse = Warehouse(location(place).resolve())
    url = ledger_url(warehouse)
    ledger = Path(url.removeprefix(SQLITE))
    if url.startswith(SQLITE) and not ledger.exists():
        raise SettlementError(f"{place} is no warehouse: there is no ledger {ledger}", "make one with `settlement run`")
    return warehouse


def existing_folder(path: Path, what: str) -> Path:
    """A folder of this machine, which must be there."""
    if not path.is_dir():
        raise SettlementError(f"{what} {path} is not a folder")
    return path


def existing_landing(place: str) -> Landing:
    """A landing root, which must be there."""
    root = location(place)
    if not root.is_dir():
        raise SettlementError(f"landing {place} is not a folder")
    return Landing(root)


def console() -> Console:
    """Standard output; wide where it is no terminal, so that tables are whole in a file or a pipe."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=160)


def user() -> str:
    """Who runs this command."""
    return getpass.getuser()


def make_context(warehouse: str | Path, reference: Path | None, requested_by: str) -> Context:
    """A run's context: the warehouse is made when needed, SQL and reference rows are frozen."""
    place = Warehouse.open(warehouse)
    ledger = open_ledger(place)
    release = Release.freeze(sql_dir(), existing_folder(reference or reference_dir(), "reference"), place)
    run_id = f"cli-{secrets.token_hex(4)}"
    return Context(place, ledger, make_engine(place), release, run_id, requested_by)


@contextmanager
def progress_bar(width: int = 24) -> Iterator[tuple[Callable[[str, int, int], None], Console]]:
    """A bar on standard error: a callback that gets what is being done and how many of how many steps are done, and the
    console on which lines can be printed above it. `width` is that of what is being done."""
    columns = (TextColumn(f"{{task.description:<{width}}}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("")

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield progress, bar.console


def show_deltas(out: Console, deltas: Sequence[Delta], shown: int = 20) -> None:
    """Print the royalties that change, largest first; those beyond `shown` as one row."""
    grid = Grid()
    grid.add_column("partner", justify="right")
    grid.add_column("name", overflow="fold")
    grid.add_column("product")
    grid.add_column("right type")
    for header in ("before, won", "now, won", "change, won"):
        grid.add_column(header, justify="right")
    for d in deltas[:shown]:
        name = " ".join(d.name.split()) if d.partner_id else "보류 (suspense)"
        figures = (f"{d.old_krw:,}", f"{d.new_krw:,}", f"{d.delta_krw:+,}")
        grid.add_row(str(d.partner_id), escape(name), d.product_id, d.right_type, *figures)
    rest = deltas[shown:]
    if rest:
        grid.add_row("", f"{len(rest)} more", "", "", "", "", f"{sum(d.delta_krw for d in rest):+,}")
    if deltas:
        out.print(grid)
