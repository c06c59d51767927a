"""`settlement export`: the canonical CSV of a published table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from settlement.cli.common import WarehouseOption, existing_warehouse
from settlement.errors import SettlementError
from settlement.export import EXPORTS, named, write
from settlement.landing.forms import epoch_day
from settlement.ledger import Ledger
from settlement.pipeline import one_month
from settlement.release import Release
from settlement.steps.place import make_engine, open_ledger
from settlement.tables import Table
from settlement.warehouse import Partition, Warehouse


def export(
    table: Annotated[str, typer.Argument(help=f"one of {', '.join(EXPORTS)}")],
    warehouse: WarehouseOption,
    out: Annotated[Path, typer.Option("--out", help="file to write")],
    day: Annotated[str | None, typer.Option("--day", help="landing day YYYY-MM-DD")] = None,
    month: Annotated[str | None, typer.Option("--month", help="month YYYY-MM")] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="version of the month; default: the newest, restatements once they are posted")
    ] = None,
) -> None:
    """Write the published rows of a table as CSV: UTF-8, header, integers plain, empty = null, sorted by key."""
    wanted = named(table)
    place = existing_warehouse(warehouse)
    ledger = open_ledger(place)
    if (day is None) == (month is None):
        raise SettlementError("say either --day or --month")
    if day is not None and epoch_day(day) is None:
        raise SettlementError(f"--day {day!r}: must be a real date YYYY-MM-DD")
    if month is not None:
        one_month(month)
    definition, builds = _published(ledger, place, wanted.table, day, month, version)
    with make_engine(place).session({}) as session:
        session.add(definition, [place.build_dir(wanted.table, p, build_id) for p, build_id in builds.items()])
        rows = write(session, wanted, out)
    Console(stderr=True, highlight=False).print(f"{out}: {rows:,} rows", markup=False, soft_wrap=True)


def _published(
    ledger: Ledger, place: Warehouse, table: str, day: str | None, month: str | None, version: int | None
) -> tuple[Table, dict[Partition, str]]:
    """The table as its newest build defined it, and the published builds of the partitions asked for."""
    what = day or f"{month}{f' version {version}' if version else ''}"
    newest = next((r for r in reversed(list(ledger.records(kind="sealed"))) if table in r.body["rows_hashes"]), None)
    if newest is not None:
        heads = ledger.heads(newest.stage)
        if day is not None:
            chosen = [p for p in heads if p.key == day]
        else:
            chosen = [p for p in heads if p.key == month or (not p.is_month and p.key[:7] == month)]
            if any(p.is_month for p in chosen):
                pending = {r.partition for r in ledger.restatements(month) if r.state != "posted"}
                last = version if version is not None else max((p.version for p in chosen if p not in pending), default=0)
                chosen = [p for p in chosen if p.version == last]
        if chosen:
            release = Release.load(newest.body["release"], place)
            return release.catalog[table], {p: heads[p].build_id for p in sorted(chosen)}
    raise SettlementError(f"{table} has nothing published for {what}", "see `settlement ledger show`")
