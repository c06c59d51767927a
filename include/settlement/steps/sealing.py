"""Sealing: a computed build becomes a candidate of the ledger, bound to its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settlement.engines.duckdb import require_schema
from settlement.engines.evidence import Evidence
from settlement.engines.files import files_of
from settlement.landing.contract import Kind
from settlement.ledger.records import Build
from settlement.steps.content import content_hashes
from settlement.steps.context import Context
from settlement.steps.plan import Plan
from settlement.storage import list_files, make_durable, remove_folder
from settlement.warehouse import files_hash


def seal(context: Context, plan: Plan, evidence: Evidence, landing: Mapping[Kind, Any] | None = None) -> Build:
    """Record the candidate: hashes of its files and rows, what it was made from, who computed it.

    Args:
        context: the run.
        plan: what was computed; the files must be there.
        evidence: the engine that answers for it.
        landing: the frozen files with their row counts (stage raw only).

    Raises:
        EngineError: a file's types are not those that its table declares.
    """
    tables = context.release.catalog.of_stage(plan.stage)
    targets = {table: context.warehouse.build_dir(table.name, plan.partition, plan.build_id) for table in tables}
    for table, target in targets.items():
        for path in files_of([target]):
            require_schema(table, path)
    with context.engine.session({}) as session:
        hashes = content_hashes(session, targets, plan.partition)
    files = list_files(context.warehouse.root, targets.values())
    make_durable(targets.values(), context.warehouse.root)
    build = Build(
        build_id=plan.build_id,
        stage=plan.stage,
        partition=plan.partition,
        run_id=context.run_id,
        release=context.release.hash,
        pins=plan.pins,
        inputs=plan.inputs,
        files_hash=files_hash(files),
        rows_hashes=hashes,
        expected_head=plan.expected_head,
        landing=landing or {},
        reservation=plan.reservation,
        engine=evidence.engine,
        query_ids=evidence.query_ids,
    )
    context.ledger.seal(build, context.attempt)
    return build


def drop(context: Context, plan: Plan) -> None:
    """Remove what was computed so far: no record names it."""
    for table in context.release.catalog.of_stage(plan.stage):
        remove_folder(context.warehouse.build_dir(table.name, plan.partition, plan.build_id))
