"""Who computes a stage's tables: DuckDB in this process, or Hive where the warehouse is in a bucket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb

from settlement.engines import glue
from settlement.engines.duckdb import write_rows
from settlement.engines.evidence import Evidence
from settlement.engines.hive import HiveEngine
from settlement.engines.pinned import Inputs
from settlement.engines.places import Pin, Places
from settlement.engines.script import Script, stage_script
from settlement.settings import settings
from settlement.settings_emr import emr_settings
from settlement.steps.context import Context
from settlement.steps.plan import Plan
from settlement.storage import put
from settlement.tables import Table

# The statements that bring tables of a database up to their table.yaml, of those that exist.
Changes = Callable[[Sequence[Table], str], list[str]]
_log = logging.getLogger(__name__)


class Computer(Protocol):
    """Computes the tables of a plan into the folders of its build."""

    def compute(self, context: Context, plan: Plan) -> Evidence:
        """Raises EngineError when a query failed; what was written by then is the caller's to remove."""


def computer_of(context: Context) -> Computer:
    """Who computes in a warehouse: on a disk always DuckDB, in a bucket whom the settings name."""
    return InProcess() if is_embedded(context) else OnHive(hive_of(), places_of(context))


def is_embedded(context: Context) -> bool:
    """Whether nothing but this process works on the warehouse's tables."""
    return isinstance(context.warehouse.root, Path) or settings().engine == "duckdb"


def is_on_cluster(context: Context) -> bool:
    """Whether a cluster computes, with nobody waiting in this process."""
    return not is_embedded(context) and settings().engine == "emr"


def hive_of() -> HiveEngine:
    """The HiveServer2 that the settings name."""
    return HiveEngine(settings().hive_host, settings().hive_port)


def places_of(context: Context) -> Places:
    """The names of the warehouse's tables in the metastore."""
    return Places(settings().metastore_database, str(context.warehouse.root))


def remote_script(context: Context, plan: Plan) -> Script:
    """The script by which a cluster computes a plan; the catalogue that the cluster uses is asked for the tables that exist."""
    changes = glue.changes if emr_settings().glue_catalog else hive_of().changes
    return _script(context, plan, places_of(context), changes)


class InProcess:
    """DuckDB, table after table, in this process."""

    def compute(self, context: Context, plan: Plan) -> Evidence:
        with context.session(plan.stage, plan.partition, plan.pins) as session:
            given = context.inputs(plan.stage, plan.partition, plan.pins)
            tables = context.release.catalog.of_stage(plan.stage)
            for number, table in enumerate(tables, 1):
                _log.info("%s %s: building %s (%d of %d)", plan.stage, plan.partition, table.name, number, len(tables))
                target = context.warehouse.build_dir(table.name, plan.partition, plan.build_id)
                if table.definition.source == "ledger":
                    write_rows(table, _posting_rows(context, plan), target)
                else:
                    session.build(table, target)
                session.add(table, [*given.get(table, []), target])
        return Evidence(f"duckdb {duckdb.__version__}", ())


class OnHive:
    """A HiveServer2: one script a stage."""

    def __init__(self, hive: HiveEngine, places: Places) -> None:
        self._hive = hive
        self._places = places

    def compute(self, context: Context, plan: Plan) -> Evidence:
        script = _script(context, plan, self._places, self._hive.changes)
        _log.info("%s %s: %d statements on Hive", plan.stage, plan.partition, len(script.statements))
        return self._hive.run(script)


def _script(context: Context, plan: Plan, places: Places, changes: Changes) -> Script:
    """The stage's script; the files that no query fills are written before it may run."""
    inputs = pinned_inputs(context, plan)
    tables = context.release.catalog.of_stage(plan.stage)
    for table in tables:
        if table.definition.source == "ledger":
            rows = _posting_rows(context, plan)
            write_rows(table, rows, context.warehouse.build_dir(table.name, plan.partition, plan.build_id))
    alterations = changes([*inputs, *tables], places.builds)
    params = context.parameters(plan.partition, plan.pins)
    return stage_script(context.release.catalog, plan.stage, plan.partition, plan.build_id, inputs, params, places, alterations)


def pinned_inputs(context: Context, plan: Plan) -> Inputs:
    """The builds of every table that a plan's queries read; rows of reference data are put where Hive reads them."""
    pinned: dict[Table, Sequence[Pin]] = {**context.pinned(plan.stage, plan.partition, plan.pins)}
    for table in context.release.catalog.tables.values():
        if table.definition.source == "reference":
            pinned[table] = [(None, context.release.hash)]
            _put_reference(context, table)
    return pinned


def _put_reference(context: Context, table: Table) -> None:
    target = context.warehouse.reference_dir(table.name, context.release.hash)
    for path in sorted(context.release.reference_folder(table.name).iterdir()):
        place = target / path.name
        if not isinstance(place, Path) and not place.exists():
            put(path, place)


def _posting_rows(context: Context, plan: Plan) -> list[Mapping[str, Any]]:
    """Rows of mart.posting: the restatements that were posted into the month when its pins were taken."""
    return [
        {
            "settled_month": posted.partition.key,
            "version_from": posted.version_from,
            "version_to": posted.partition.version,
            "reason": posted.reason,
        }
        for posted in context.ledger.postings(plan.partition.key)
        if posted.pins <= plan.pins.keys()
    ]
