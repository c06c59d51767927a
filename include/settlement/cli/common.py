"""Options and objects that several commands share."""

from __future__ import annotations

import getpass
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from settlement.engines.duckdb import DuckDBEngine
from settlement.errors import SettlementError
from settlement.ledger import Ledger
from settlement.release import Release
from settlement.settings import reference_dir, settings, sql_dir
from settlement.steps.context import Context
from settlement.warehouse import Warehouse

WarehouseOption = Annotated[Path, typer.Option("--warehouse", help="folder with tables, ledger and published reports")]
LandingOption = Annotated[Path, typer.Option("--landing", help="landing root: plays/, payments/, other_revenue/, catalog/")]
ReferenceOption = Annotated[
    Path | None, typer.Option("--reference", help="folder with rate_card.csv, service_rule.csv, in_app_rule.csv")
]


def open_ledger(warehouse: Warehouse) -> Ledger:
    """The ledger of a warehouse, by setting or beside its tables."""
    return Ledger(_ledger_url(warehouse), warehouse.root)


def _ledger_url(warehouse: Warehouse) -> str:
    url = settings().ledger_url
    return url.get_secret_value() if url else warehouse.ledger_url


def existing_warehouse(path: Path) -> Warehouse:
    """A warehouse that a run has made before."""
    warehouse = Warehouse(path.resolve())
    ledger = Path(_ledger_url(warehouse).removeprefix("sqlite:///"))
    if not ledger.exists():
        raise SettlementError(f"{path} is no warehouse: there is no ledger {ledger}", "make one with `settlement run`")
    return warehouse


def existing_folder(path: Path, what: str) -> Path:
    if not path.is_dir():
        raise SettlementError(f"{what} {path} is not a folder")
    return path


def console() -> Console:
    """Standard output; wide where it is no terminal, so that tables are whole in a file or a pipe."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=160)


def user() -> str:
    """Who runs this command."""
    return getpass.getuser()


def make_engine(warehouse: Warehouse) -> DuckDBEngine:
    return DuckDBEngine(settings(), warehouse.root / ".spill")


def make_context(warehouse: Path, reference: Path | None, requested_by: str) -> Context:
    """A run's context: the warehouse is made when needed, SQL and reference rows are frozen."""
    place = Warehouse.open(warehouse)
    ledger = open_ledger(place)
    release = Release.freeze(sql_dir(), existing_folder(reference or reference_dir(), "reference"), place)
    run_id = f"cli-{secrets.token_hex(4)}"
    return Context(place, ledger, make_engine(place), release, run_id, requested_by)
