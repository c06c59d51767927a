"""Build: compute a stage's tables for one partition into fresh folders, then seal a candidate. Publishes nothing.

Killed anywhere before the seal: folders that no record names, which nobody reads. Run again: other folders, a new candidate.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from settlement.engines.duckdb import require_schema
from settlement.errors import EngineError, LandingChanged, PublishRefused, SettlementError
from settlement.export import canonical_hash
from settlement.landing import folders, reader
from settlement.landing.contract import Kind
from settlement.landing.folders import Frozen, Landing
from settlement.ledger.records import Build
from settlement.pipeline import MONTH_STAGES
from settlement.steps.context import Context, Pins, closed_version, unpin
from settlement.warehouse import Partition, files_hash, hash_json, list_files, new_build_id, sync_dir, sync_file

_INLINE_BYTES = 8 << 20  # below this much landed data a process of its own costs more than it gives


def inputs_key(context: Context, stage: str, pins: Pins, landing: Mapping[Kind, Any]) -> str:
    """What a build is computed from: pins, frozen files, and the rules of its stage."""
    return hash_json({"pins": pins, "landing": landing, "rules": context.release.stage_hashes[stage]})


def is_published(context: Context, head: Build | None, inputs: str) -> bool:
    """Whether the head was computed from these inputs, or a later build from them gave the same rows."""
    if head is None:
        return False
    confirmed = context.ledger.last("confirmed", head.partition, head.stage)
    return head.inputs == inputs or (
        confirmed is not None and (confirmed.body["head"], confirmed.body["inputs"]) == (head.build_id, inputs)
    )


def build_raw(context: Context, landing: Landing, day: str, pool: Callable[[], Executor]) -> Build | None:
    """Read a landing day into the raw tables and seal the candidate; None when the published build is of these files.

    Args:
        context: the run.
        landing: where the day's folders are.
        day: landing day.
        pool: gives the processes that parse large files.

    Raises:
        LandingChanged: content under `_SUCCESS` isn't what was ingested before and nobody accepted a redelivery.
        BadInput: a file breaks the contract.
    """
    partition = Partition(day)
    frozen = landing.freeze(day)
    head = context.ledger.head_build("raw", partition)
    if head is not None:
        require_unchanged(context, head, landing, frozen)
    inputs = inputs_key(context, "raw", {}, frozen)
    if is_published(context, head, inputs):
        return None
    build_id = new_build_id()

    def folder(table: str) -> Path:
        return context.warehouse.build_dir(table, partition, build_id)

    try:
        counts = _read(landing, day, frozen, folder, pool)
    except OSError as error:
        _drop(context, "raw", partition, build_id)
        raise _disk(error, f"raw {partition}") from error
    except BrokenProcessPool as error:
        _drop(context, "raw", partition, build_id)
        hint = "give it more memory or fewer SETTLEMENT_READER_PROCESSES, then run again; nothing was published"
        raise EngineError(f"raw {partition} failed: a process that read landing files was killed", hint) from error
    except SettlementError:
        _drop(context, "raw", partition, build_id)
        raise
    counted = {kind: [{**file, "rows": counts[file["name"]]} for file in files] for kind, files in frozen.items()}
    return _seal(context, "raw", partition, build_id, head, {}, inputs, counted)


def require_unchanged(context: Context, head: Build, landing: Landing, frozen: Frozen) -> None:
    """Refuse content that changed since it was ingested, unless exactly it was accepted as a redelivery."""
    day = head.partition.key
    changed = folders.differences(frozen_of(head), frozen)
    if not changed:
        return
    accepted = context.ledger.last("redelivery", Partition(day))
    if accepted is not None and accepted.seq > head.seq and accepted.body["landing"] == hash_json(frozen):
        return
    month = closed_version(context.ledger, day[:7])
    if month is not None:
        raise LandingChanged(
            f"{changed[0]} changed after it was settled, and {month} is closed",
            "a closed month is corrected by a restatement, never by a new delivery",
        )
    raise LandingChanged(
        f"{changed[0]} is not what was ingested before ({len(changed)} of the day's files changed under _SUCCESS)",
        f"restore the file, or accept the redelivery: settlement landing accept --landing {landing.root} "
        f"--warehouse {context.warehouse.root} --day {day} --by NAME --reason TEXT",
    )


def frozen_of(build: Build) -> Frozen:
    """The frozen files of a raw build, without their row counts."""
    return {
        kind: [{"name": f["name"], "bytes": f["bytes"], "sha256": f["sha256"]} for f in files]
        for kind, files in build.landing.items()
    }


def _read(
    landing: Landing, day: str, frozen: Frozen, folder: Callable[[str], Path], pool: Callable[[], Executor]
) -> dict[str, int]:
    for table, schema in reader.schemas().items():
        folder(table).mkdir(parents=True)
        # An empty file gives the table its columns when nothing landed.
        pq.write_table(schema.empty_table(), folder(table) / "part-empty.parquet")
    tasks = list(reader.tasks(landing, day, frozen, folder))
    size = sum(file["bytes"] for files in frozen.values() for file in files)
    rows = list(map(reader.read_file, tasks) if size < _INLINE_BYTES else pool().map(reader.read_file, tasks))
    return {task.name: count for task, count in zip(tasks, rows, strict=True)}


def month_inputs(context: Context, pools_pins: Pins) -> str:
    """What a month's version is reserved for: the days that its pools read and the rules of its three stages."""
    rules = {stage: context.release.stage_hashes[stage] for stage in MONTH_STAGES}
    return hash_json({"pins": pools_pins, "rules": rules})


def _reservation(context: Context, stage: str, partition: Partition, pins: Pins) -> str:
    """The reservation that a month's stage belongs to; the stages before it must belong to the same one.

    Raises:
        PublishRefused: they were published by a run with other inputs or rules.
    """
    if not partition.is_month:
        return ""
    if stage == "pools":
        return month_inputs(context, pins)
    before = [context.ledger.build(build_id) for name, build_id in pins.items() if unpin(name) == partition]
    pools = next(build for build in before if build.stage == "pools")
    reservation = month_inputs(context, dict(pools.pins))
    for build in before:
        if build.reservation != reservation:
            raise PublishRefused(
                f"{stage} {partition} would be made from {build.stage} of run {build.run_id}, which has other inputs or rules",
                "agree on one of the two, then run again",
            )
    return reservation


def build_tables(context: Context, stage: str, partition: Partition) -> Build | None:
    """Compute a stage's tables from pinned builds and seal the candidate; None when the published build is of these inputs.

    Raises:
        NotArrived: an input isn't published yet.
        EngineError: a query failed; nothing was sealed.
    """
    pins = context.pins(stage, partition)
    reservation = _reservation(context, stage, partition, pins)
    inputs = inputs_key(context, stage, pins, {})
    head = context.ledger.head_build(stage, partition)
    if is_published(context, head, inputs):
        return None
    build_id = new_build_id()
    try:
        with context.session(stage, partition, pins) as session:
            given = context.inputs(stage, partition, pins)
            for table in context.release.catalog.of_stage(stage):
                target = context.warehouse.build_dir(table.name, partition, build_id)
                session.build(table, target)
                session.add(table, [*given.get(table, []), target])
    except OSError as error:
        _drop(context, stage, partition, build_id)
        raise _disk(error, f"{stage} {partition}") from error
    except EngineError:
        _drop(context, stage, partition, build_id)
        raise
    return _seal(context, stage, partition, build_id, head, pins, inputs, {}, reservation)


def _seal(
    context: Context,
    stage: str,
    partition: Partition,
    build_id: str,
    head: Build | None,
    pins: Pins,
    inputs: str,
    landing: dict[Kind, Any],
    reservation: str = "",
) -> Build:
    """Record the candidate; `head` is what was published when the build began: publish refuses if it moved since."""
    tables = context.release.catalog.of_stage(stage)
    targets = {table: context.warehouse.build_dir(table.name, partition, build_id) for table in tables}
    for table, target in targets.items():
        for path in target.glob("*.parquet"):
            require_schema(table, path)
    with context.engine.session({}) as session:
        hashes = session.rows_hashes(targets)
        for table, target in targets.items() if partition.is_month else ():
            session.add(table, [target])
            hashes[table.name] = canonical_hash(session, table) or hashes[table.name]
    files = list_files(context.warehouse.root, targets.values())
    for target in targets.values():
        for path in target.iterdir():
            sync_file(path)
        for folder in (target, *target.parents):
            sync_dir(folder)
            if folder == context.warehouse.root:
                break
    build = Build(
        build_id=build_id,
        stage=stage,
        partition=partition,
        run_id=context.run_id,
        release=context.release.hash,
        pins=pins,
        inputs=inputs,
        files_hash=files_hash(files),
        rows_hashes=hashes,
        expected_head=head.build_id if head else None,
        landing=landing,
        reservation=reservation,
    )
    context.ledger.seal(build)
    return build


def _drop(context: Context, stage: str, partition: Partition, build_id: str) -> None:
    for table in context.release.catalog.of_stage(stage):
        shutil.rmtree(context.warehouse.build_dir(table.name, partition, build_id), ignore_errors=True)


def _disk(error: OSError, what: str) -> EngineError:
    return EngineError(f"{what} failed: {error.strerror or error}", "free disk space, then run again; nothing was published")
