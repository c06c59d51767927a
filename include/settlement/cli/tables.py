"""`settlement tables`: what the tables are, what they read and who reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Grid

from settlement.audit.checks import all_checks
from settlement.cli.common import console
from settlement.cli.lineage_trees import column_tree, table_tree
from settlement.errors import SettlementError
from settlement.settings import sql_dir
from settlement.tables import Catalog, load

app = typer.Typer(help="The tables: definitions, checks and lineage.", no_args_is_help=True)
SqlOption = Annotated[Path | None, typer.Option("--sql", help="another tree of tables than the package's")]
ColumnOption = Annotated[str | None, typer.Option("--column", help="one of its columns: what its values are made from")]
TableArgument = Annotated[str, typer.Argument(help="schema.table")]


def _catalog(sql: Path | None) -> Catalog:
    return load(sql or sql_dir())


@app.command("list")
def list_tables(sql: SqlOption = None) -> None:
    """All tables in dependency order; an unsound definition is an error that names file and line."""
    grid = Grid()
    for header in ("table", "stage", "partition", "grain", "rule"):
        grid.add_column(header, no_wrap=header == "table")
    catalog = _catalog(sql)
    for name in catalog.order(catalog.tables.keys()):
        d = catalog[name].definition
        grid.add_row(name, d.stage or "reference", ", ".join(d.partition), ", ".join(d.grain), d.rule)
    console().print(grid)


@app.command()
def show(table: TableArgument, sql: SqlOption = None) -> None:
    """A table's meaning, columns and checks."""
    found = _catalog(sql)[table]
    d = found.definition
    out = console()
    out.print(f"{table} · {d.description}", markup=False)
    out.print(
        f"rule: {d.rule} · owner: {d.owner} · grain: {', '.join(d.grain)} · partition: {', '.join(d.partition) or 'none'}",
        markup=False,
    )
    grid = Grid()
    for header in ("column", "type", "unit", "meaning"):
        grid.add_column(header)
    for c in found.columns:
        grid.add_row(c.name, c.type + (" or null" if c.nullable else ""), c.unit, c.description)
    out.print(grid)
    for check in all_checks(found) if d.stage else ():
        out.print(f"check {check.name} ({check.level}): {check.meaning}", markup=False)


@app.command()
def lineage(table: TableArgument, column: ColumnOption = None, sql: SqlOption = None) -> None:
    """What a table is made from, and which tables are made from it; or what one of its columns is made from."""
    catalog = _catalog(sql)
    found = catalog[table]
    if column is not None:
        names = [c.name for c in found.columns]
        if column not in names:
            raise SettlementError(f"{table} has no column {column}", f"it has {', '.join(names)}")
        console().print(column_tree(catalog, table, column))
        return
    # what a table reads of the month before is no edge: it would lead back to the table itself
    up = {name: [n for n in catalog[name].inputs if not catalog.reads_before(name, n)] for name in catalog.tables}
    down = {name: [n for n in catalog.readers(name) if not catalog.reads_before(n, name)] for name in catalog.tables}
    console().print(table_tree(f"{table} is made from", table, up))
    console().print(table_tree(f"{table} goes into", table, down))
