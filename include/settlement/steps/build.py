"""Build: compute a stage's tables for one partition into fresh folders, then seal a candidate. Publishes nothing.

Killed anywhere before the seal: folders that no record names, which nobody reads. Run again: other folders, a new candidate.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from settlement import __version__
from settlement.engines.evidence import Evidence
from settlement.errors import EngineError, LandingChanged, SettlementError, StorageError
from settlement.landing import folders, reader
from settlement.landing.folders import Frozen, Landing
from settlement.ledger.records import Build
from settlement.steps.compute import computer_of
from settlement.steps.context import Context
from settlement.steps.pinning import closed_version
from settlement.steps.plan import Plan, inputs_key, is_published, plan
from settlement.steps.sealing import drop, seal
from settlement.storage import folder_of_files
from settlement.warehouse import Partition, Warehouse, hash_json, new_build_id

_log = logging.getLogger(__name__)
_INLINE_BYTES = 8 << 20  # below this much landed data a process of its own costs more than it gives


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
    planned = Plan(new_build_id(), "raw", partition, {}, inputs, head.build_id if head else None)
    try:
        counts = _read_into(context.warehouse, landing, planned, frozen, pool)
    except OSError as error:
        drop(context, planned)
        raise _disk(error, f"raw {partition}") from error
    except BrokenProcessPool as error:
        drop(context, planned)
        hint = "give it more memory or fewer SETTLEMENT_READER_PROCESSES, then run again; nothing was published"
        raise EngineError(f"raw {partition} failed: a process that read landing files was killed", hint) from error
    except SettlementError:
        drop(context, planned)
        raise
    counted = {kind: [{**file, "rows": counts[file["name"]]} for file in files] for kind, files in frozen.items()}
    return seal(context, planned, Evidence(f"settlement {__version__}", ()), counted)


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


def _read_into(
    warehouse: Warehouse, landing: Landing, planned: Plan, frozen: Frozen, pool: Callable[[], Executor]
) -> dict[str, int]:
    with ExitStack() as stack:
        folders = {
            table: stack.enter_context(folder_of_files(warehouse.build_dir(table, planned.partition, planned.build_id)))
            for table in reader.schemas()
        }
        return _read(landing, planned.partition.key, frozen, folders, pool)


def _read(
    landing: Landing, day: str, frozen: Frozen, folders: Mapping[str, Path], pool: Callable[[], Executor]
) -> dict[str, int]:
    for table, schema in reader.schemas().items():
        # An empty file gives the table its columns when nothing landed.
        pq.write_table(schema.empty_table(), folders[table] / "part-empty.parquet")
    tasks = list(reader.tasks(landing, day, frozen, folders.__getitem__))
    _log.info("raw %s: reading %d landed files", day, len(tasks))
    size = sum(file["bytes"] for files in frozen.values() for file in files)
    rows = list(map(reader.read_file, tasks) if size < _INLINE_BYTES else pool().map(reader.read_file, tasks))
    return {task.name: count for task, count in zip(tasks, rows, strict=True)}


def build_tables(context: Context, stage: str, partition: Partition) -> Build | None:
    """Compute a stage's tables from pinned builds and seal the candidate; None when the published build is of these inputs.

    Raises:
        NotArrived: an input isn't published yet.
        EngineError: a query failed; nothing was sealed.
    """
    planned = plan(context, stage, partition)
    if planned is None:
        return None
    try:
        evidence = computer_of(context).compute(context, planned)
    except OSError as error:
        drop(context, planned)
        raise _disk(error, f"{stage} {partition}") from error
    except (EngineError, StorageError):
        drop(context, planned)
        raise
    return seal(context, planned, evidence)


def _disk(error: OSError, what: str) -> EngineError:
    return EngineError(f"{what} failed: {error.strerror or error}", "free disk space, then run again; nothing was published")
