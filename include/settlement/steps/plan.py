"""What a build computes, decided before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from settlement.errors import PublishRefused
from settlement.landing.contract import Kind
from settlement.ledger.records import Build
from settlement.pipeline import MONTH_STAGES
from settlement.steps.context import Context
from settlement.steps.pinning import Pins, stages_of, unpin
from settlement.warehouse import Partition, hash_json, new_build_id


@dataclass(frozen=True)
class Plan:
    """A build to be: its new id, what it reads, and what was published when it was planned.

    Publication refuses when the head is no longer `expected_head`. `reservation` is what a month's version was reserved for.
    """

    build_id: str
    stage: str
    partition: Partition
    pins: Pins
    inputs: str
    expected_head: str | None
    reservation: str = ""


def plan(context: Context, stage: str, partition: Partition) -> Plan | None:
    """The build of a stage from what is published; None when what is published was computed from just that.

    Raises:
        NotArrived: an input isn't published yet.
        PublishRefused: the stages before it belong to a run with other inputs or rules.
    """
    pins = context.pins(stage, partition)
    reservation = _reservation(context, stage, partition, pins)
    inputs = inputs_key(context, stage, pins, {})
    head = context.ledger.head_build(stage, partition)
    if is_published(context, head, inputs):
        return None
    return Plan(new_build_id(), stage, partition, pins, inputs, head.build_id if head else None, reservation)


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


def month_inputs(context: Context, pools_pins: Pins, stages: tuple[str, ...] = MONTH_STAGES) -> str:
    """What a month's version is reserved for: the builds that its stages read and the rules of these stages."""
    rules = {stage: context.release.stage_hashes[stage] for stage in stages}
    return hash_json({"pins": pools_pins, "rules": rules})


def _reservation(context: Context, stage: str, partition: Partition, pins: Pins) -> str:
    """The reservation that a month's stage belongs to; the stages before it must belong to the same one.

    Raises:
        PublishRefused: they were published by a run with other inputs or rules.
    """
    if not partition.is_month:
        return ""
    stages = stages_of(context.ledger, partition)
    if stage == "pools":
        return month_inputs(context, pins, stages)
    before = [context.ledger.build(build_id) for name, build_id in pins.items() if unpin(name) == partition]
    pools = next(build for build in before if build.stage == "pools")
    reservation = month_inputs(context, dict(pools.pins), stages)
    for build in before:
        if build.reservation != reservation:
            raise PublishRefused(
                f"{stage} {partition} would be made from {build.stage} of run {build.run_id}, which has other inputs or rules",
                "agree on one of the two, then run again",
            )
    return reservation
