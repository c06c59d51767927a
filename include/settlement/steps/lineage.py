"""What a publication was made from and what it made, table by table and column by column: for OpenLineage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from settlement.ledger.records import Build
from settlement.lineage import Source, sources
from settlement.steps.context import Context
from settlement.steps.place import Place
from settlement.steps.tasks import Run, context_of, version_of
from settlement.tables import Table


@dataclass(frozen=True)
class Dataset:
    """A table: where its files lie, and of an output what each column is and what it is made from."""

    table: str
    place: str
    columns: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Lineage:
    """One publication; `build` is empty when the run has published nothing of its own."""

    partition: str
    build: dict[str, Any]
    inputs: list[Dataset]
    outputs: list[Dataset]


def of_publication(place: Place, run: Run, stage: str) -> Lineage:
    """The lineage of what a run has published of a stage.

    Raises:
        SettlementError: the run hasn't begun, or has reserved no version.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    result = place.ledger.result(run.run_id, stage, partition)
    if result is None or result.kind != "sealed":
        return Lineage(str(partition), {}, [], [])
    build = place.ledger.build(result.build_id)
    made = context.release.catalog.of_stage(stage)
    outputs = [Dataset(table.name, _place(context, table), _columns(context, table)) for table in made]
    inputs = [Dataset(table.name, _place(context, table)) for table in _read_by(context, made)]
    return Lineage(str(partition), _told(build), inputs, outputs)


def _read_by(context: Context, made: Iterable[Table]) -> list[Table]:
    """What the tables read, the stage's own others left out; a table reads its own month before, or its own postings."""
    tables = list(made)
    names = {name for table in tables for name in table.inputs} - {table.name for table in tables}
    return [context.release.catalog[name] for name in sorted(names)]


def _columns(context: Context, table: Table) -> list[dict[str, Any]]:
    made_from = sources(context.release.catalog, table)
    return [
        {
            "name": column.name,
            "type": column.type,
            "description": column.description,
            "sources": [_source(context, source) for source in made_from[column.name]],
        }
        for column in table.columns
    ]


def _source(context: Context, source: Source) -> dict[str, str]:
    place = _place(context, context.release.catalog[source.table])
    return {"table": source.table, "place": place, "column": source.column, "how": source.how.name}


def _place(context: Context, table: Table) -> str:
    return str(context.warehouse.table_dir(table.name))


def _told(build: Build) -> dict[str, Any]:
    return {
        "build_id": build.build_id,
        "release": build.release,
        "files_hash": build.files_hash,
        "pins": dict(build.pins),
        "rows_hashes": dict(build.rows_hashes),
        "engine": build.engine,
        "query_ids": list(build.query_ids),
    }
