"""A stage as a task group: build → audit → publish."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Asset, TaskGroup

from settlement.pipeline import STAGES
from settlement_airflow.operators.stage import BuildOperator, PublishOperator
from settlement_airflow.step_places import audit_task

_TITLES = {stage.name: stage.title for stage in STAGES}


def stage_group(stage: str, outlets: Sequence[Asset] = ()) -> TaskGroup:
    """The three tasks of a stage.

    Args:
        stage: its name in `settlement.pipeline`.
        outlets: what its publication emits.
    """
    with TaskGroup(stage, tooltip=_TITLES[stage]) as group:
        build = BuildOperator(task_id="build", stage=stage)
        audit = audit_task(stage)
        publish = PublishOperator(task_id="publish", stage=stage, outlets=list(outlets))
        _ = build >> audit >> publish
    return group
