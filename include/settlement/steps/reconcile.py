"""Reconcile: what people read through Trino is what the ledger's head says was published, row for row and won for won.

Trino is asked through the tables for people, by way of the metastore. What it must say is worked out by DuckDB from the files
that the ledger has sealed: another engine, by another way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from settlement.engines.literals import sql_text
from settlement.engines.places import BUILD, Places, keys, short_name
from settlement.errors import AuditFailed, EngineError, SettlementError
from settlement.ledger.records import Build
from settlement.release import Release
from settlement.settings_trino import trino_settings
from settlement.steps.audit import require_files
from settlement.steps.compute import is_embedded, places_of
from settlement.steps.context import Context
from settlement.steps.place import Place
from settlement.steps.tasks import Outcome, Run, context_of, version_of
from settlement.tables import Table
from settlement.warehouse import Partition

MONEY = ("krw", "uwon")  # units of amounts; what is "per" something is a rate, and its sum means nothing
_NUMBERS = ("BIGINT", "DECIMAL(38,0)")


@dataclass(frozen=True)
class Asked:
    """What Trino is to be asked: `ask` with the published build and one SELECT; or `nothing`, and why."""

    outcome: Literal["ask", "nothing"]
    sentence: str
    build_id: str = ""
    sql: str = ""


@dataclass(frozen=True)
class Figures:
    """What a table's partition holds: its rows, and the total of each money column (of no rows: 0)."""

    rows: int
    totals: Mapping[str, int]


@dataclass(frozen=True)
class Found:
    """What Trino says of a table's partition, and the builds that it read it from."""

    figures: Figures
    builds: tuple[str, ...]


def ask(place: Place, run: Run, stage: str) -> Asked:
    """The question about a run's published partition of a stage.

    Raises:
        SettlementError: nothing is published.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    head = _head(context, stage, partition)
    if is_embedded(context):
        return Asked("nothing", f"{stage} {partition}: DuckDB alone reads this warehouse, there is nothing to reconcile")
    sql = question(_tables(context, head), partition, places_of(context), trino_settings().catalog)
    return Asked("ask", f"{stage} {partition}: build {head.build_id} is published", head.build_id, sql)


def compare(place: Place, run: Run, stage: str, build_id: str, rows: str) -> Outcome:
    """Hold what Trino has answered against the published build.

    Args:
        place: where the run works.
        run: the run.
        stage: the stage.
        build_id: the build that was published when `ask` was called.
        rows: Trino's answer as JSON.

    Raises:
        EngineError: another build was published since, or Trino reads another one: it may pass.
        AuditFailed: Trino reads the published build and finds other rows or totals in it.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    head = _head(context, stage, partition)
    if head.build_id != build_id:
        raise EngineError(f"{stage} {partition}: build {head.build_id} was published meanwhile", "run again: it is compared anew")
    require_files(context, head)
    tables = _tables(context, head)
    found, expected = answer(tables, json.loads(rows)), _expected(context, head, tables)
    for table in tables:
        _require_pointed(table, head, found[table.name], expected[table.name])
    differences = [text for table in tables for text in _differences(table, found[table.name].figures, expected[table.name])]
    if differences:
        listed = "\n  ".join(differences)
        raise AuditFailed(
            f"{stage} {partition}: Trino finds something else in build {build_id} than its files hold:\n  {listed}",
            "see docs/runbooks/trino-query.md; nobody should rely on Trino's figures of this partition",
        )
    figures = expected.values()
    told = f"{len(tables)} tables, {sum(f.rows for f in figures)} rows, {sum(len(f.totals) for f in figures)} money totals"
    return Outcome("same", f"{stage} {partition}: Trino reads build {build_id} as it was published: {told}")


def money_columns(table: Table) -> list[str]:
    """The columns whose total is compared."""
    return [column.name for column in table.columns if column.unit in MONEY and column.type in _NUMBERS]


def question(tables: Sequence[Table], partition: Partition, places: Places, catalog: str) -> str:
    """One SELECT with a row for each table: its name, its rows, its totals as text, and the builds that they were read from.

    A partition without rows has no build: no file says one.
    """
    return "\nUNION ALL\n".join(_select(table, partition, places, catalog) for table in tables)


def answer(tables: Sequence[Table], rows: Sequence[Sequence[Any]]) -> dict[str, Found]:
    """Trino's answer to `question`, by table.

    Raises:
        EngineError: it isn't one row for each table.
    """
    found = {
        str(name): (int(count), [int(total) for total in totals], tuple(str(build) for build in builds))
        for name, count, totals, builds in rows
    }
    if len(rows) != len(tables) or found.keys() != {table.name for table in tables}:
        named = ", ".join(str(row[0]) for row in rows) or "nothing"
        raise EngineError(f"Trino has answered about {named}, not about the stage's {len(tables)} tables", "run again")
    return {
        table.name: Found(Figures(count, dict(zip(money_columns(table), totals, strict=True))), builds)
        for table in tables
        for count, totals, builds in [found[table.name]]
    }


# -- inside ----------------------------------------------------------------------------------------------------------------


def _select(table: Table, partition: Partition, places: Places, catalog: str) -> str:
    totals = [f"CAST(coalesce(sum(CAST({name} AS DECIMAL(38,0))), 0) AS VARCHAR)" for name in money_columns(table)]
    of_path = f"""regexp_extract("$path", '/{BUILD}=([^/]+)/', 1)"""
    builds = f"coalesce(array_agg(DISTINCT {of_path}) FILTER (WHERE {of_path} IS NOT NULL), ARRAY[])"
    where = " AND ".join(
        f"{name} = {sql_text(value) if isinstance(value, str) else value}" for name, value in keys(table, partition).items()
    )
    return (
        f"SELECT {sql_text(table.name)} AS table_name, count(*) AS row_count, "
        f"CAST(ARRAY[{', '.join(totals)}] AS ARRAY(VARCHAR)) AS totals, {builds} AS builds\n"
        f'FROM "{catalog}"."{places.database}"."{short_name(table)}"\nWHERE {where}'
    )


def _head(context: Context, stage: str, partition: Partition) -> Build:
    head = context.ledger.head_build(stage, partition)
    if head is None:
        raise SettlementError(f"{stage} {partition}: nothing is published", "publish the stage first")
    return head


def _tables(context: Context, head: Build) -> Sequence[Table]:
    """The stage's tables as the release declares them that the head was built with."""
    return Release.load(head.release, context.warehouse).catalog.of_stage(head.stage)


def _expected(context: Context, head: Build, tables: Sequence[Table]) -> dict[str, Figures]:
    """What the files of a build hold, by table."""
    found: dict[str, Figures] = {}
    with context.engine.session({}) as session:
        for table in tables:
            session.add(table, [context.warehouse.build_dir(table.name, head.partition, head.build_id)])
            columns = money_columns(table)
            totals = [f"coalesce(sum(CAST({name} AS HUGEINT)), 0)" for name in columns]
            select = f"SELECT {', '.join(['count(*)', *totals])} FROM {table.name}"
            ((count, *sums),) = session.run(select, table.name).fetchall()
            found[table.name] = Figures(count, dict(zip(columns, sums, strict=True)))
    return found


def _require_pointed(table: Table, head: Build, found: Found, expected: Figures) -> None:
    """Refuse an answer from another build: the metastore doesn't follow the ledger yet, or not any more."""
    if found.builds == (head.build_id,) or (not found.builds and not expected.rows):
        return
    read = "build " + ", ".join(found.builds) if found.builds else "no files"
    raise EngineError(
        f"{table.name} {head.partition}: Trino reads {read}, and {head.build_id} is published",
        "clear the stage's publish: it points to the ledger's head again",
    )


def _differences(table: Table, found: Figures, expected: Figures) -> list[str]:
    """What differs, as sentences."""
    pairs = [("rows", found.rows, expected.rows)]
    pairs += [(f"total of {name}", found.totals[name], expected.totals[name]) for name in expected.totals]
    return [
        f"{table.name}: {what}: Trino {here}, published {there}, difference {here - there}"
        for what, here, there in pairs
        if here != there
    ]
