"""`settlement report`: one partner's report of closed months, in the format that somebody asks for."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from settlement.cli.common import WarehouseOption, console, existing_warehouse
from settlement.pipeline import months as months_of
from settlement.steps import on_demand
from settlement.steps.on_demand import FORMATS, Asked
from settlement.steps.place import make_engine, open_ledger


def report(
    warehouse: WarehouseOption,
    partner: Annotated[int, typer.Option("--partner", min=0, help="the partner's id; 0 is suspense")],
    months: Annotated[str, typer.Option("--months", help="closed months: YYYY-MM or YYYY-MM..YYYY-MM")],
    form: Annotated[str, typer.Option("--format", help=f"one of {', '.join(FORMATS)}")],
) -> None:
    """Write a partner's report of closed months under on_demand/ of the warehouse, also in a format that it doesn't take."""
    place = existing_warehouse(warehouse)
    asked = Asked(partner, months_of(months), form)
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    done = on_demand.report(place, open_ledger(place), make_engine(place), asked, lambda what: err.print(what, markup=False))
    console().print(done.sentence, markup=False, soft_wrap=True)
