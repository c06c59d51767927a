"""Builds that a cluster computes: what it is to run, and its output sealed, as two steps with the cluster's work between them.

The plan lies in the ledger. A try that resumes an attempt finds it there and means the same build; a new attempt plans anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from settlement.engines.evidence import Evidence
from settlement.engines.files import files_of
from settlement.errors import SettlementError
from settlement.ledger.records import Build, Record
from settlement.steps.compute import remote_script
from settlement.steps.context import Context
from settlement.steps.place import Place
from settlement.steps.plan import Plan, plan
from settlement.steps.sealing import seal
from settlement.warehouse import Partition


@dataclass(frozen=True)
class Prepared:
    """What a cluster is to run: HiveQL, the build of a day or of a month and version (`2026-02v1`) that it fills, and
    the ledger record that the attempt began with."""

    outcome: str
    sentence: str
    script: str
    partition: str
    build_id: str
    attempt: int


def attempt_of(place: Place, run_id: str, stage: str, partition: Partition, attempt: str) -> Record:
    """The record with which an attempt began: found for a try that resumes it, appended for a new one."""
    last = place.ledger.last("begun", partition, stage)
    if last is not None and last.run_id == run_id and last.body.get("attempt") == attempt:
        return last
    return place.ledger.append("begun", run_id, {"attempt": attempt}, partition, stage)


def prepare(context: Context, stage: str, partition: Partition) -> Prepared | None:
    """The script of an attempt's build; None when what is published was computed from the same inputs.

    Raises:
        NotArrived, PublishRefused: as a build in this process.
    """
    assert context.attempt is not None, "a cluster computes for scheduled runs"
    planned = _planned(context, stage, partition)
    if planned is None:
        planned = plan(context, stage, partition)
        if planned is None:
            return None
        body = {
            "pins": dict(planned.pins),
            "inputs": planned.inputs,
            "expected_head": planned.expected_head,
            "reservation": planned.reservation,
            "attempt": context.attempt,
        }
        context.ledger.append("planned", context.run_id, body, partition, stage, planned.build_id, context.attempt)
    sentence = f"{stage} {partition}: build {planned.build_id} is prepared"
    script = remote_script(context, planned).text
    key = f"{partition.key}v{partition.version}" if partition.is_month else partition.key
    return Prepared("prepared", sentence, script, key, planned.build_id, context.attempt)


def finish(context: Context, stage: str, partition: Partition, build_id: str, step: str) -> Build | None:
    """Seal what a cluster has written; None when nothing is there: a step's good end proves nothing.

    Args:
        context: the run.
        stage: which was built.
        partition: the day, or the month and its version.
        build_id: of a plan of this run.
        step: the cluster's name for the work.

    Raises:
        SettlementError: this run has planned no such build.
        PublishRefused: a newer attempt has begun.
    """
    record = next((r for r in context.ledger.records(kind="planned", build_id=build_id) if r.run_id == context.run_id), None)
    if record is None:
        raise SettlementError(f"{stage} {partition}: run {context.run_id} has planned no build {build_id}", "clear the build")
    tables = context.release.catalog.of_stage(stage)
    if not files_of([context.warehouse.build_dir(table.name, partition, build_id) for table in tables]):
        return None
    known = next((r for r in context.ledger.records(kind="sealed", build_id=build_id)), None)
    if known is not None:
        return Build.of_record(known)
    return seal(replace(context, attempt=record.body["attempt"]), _plan_of(record), Evidence("emr", (step,)))


def _planned(context: Context, stage: str, partition: Partition) -> Plan | None:
    for record in context.ledger.records(kind="planned", run_id=context.run_id, stage=stage):
        if record.partition == partition and record.body["attempt"] == context.attempt:
            return _plan_of(record)
    return None


def _plan_of(record: Record) -> Plan:
    body = record.body
    return Plan(
        record.build_id, record.stage, record.partition, body["pins"], body["inputs"], body["expected_head"], body["reservation"]
    )
