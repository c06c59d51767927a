"""A stage as a task group: build → audit → publish."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Asset, BaseOperator, TaskGroup

from settlement.pipeline import STAGES
from settlement.settings_pods import in_pods
from settlement_airflow.operators.stage import AuditOperator, BuildOperator, PublishOperator

_TITLES = {stage.name: stage.title for stage in STAGES}


def stage_group(stage: str, outlets: Sequence[Asset] = ()) -> TaskGroup:
    """The three tasks of a stage.

    Args:
        stage: its name in `settlement.pipeline`.
        outlets: what its publication emits.
    """
    with TaskGroup(stage, tooltip=_TITLES[stage]) as group:
        build = BuildOperator(task_id="build", stage=stage)
        audit = _audit(stage)
        publish = PublishOperator(task_id="publish", stage=stage, outlets=list(outlets))
        _ = build >> audit >> publish
    return group


def _audit(stage: str) -> BaseOperator:
    """The audit, where the settings say: a process of the worker, or a pod. The verdict is the same object."""
    if not in_pods():
        return AuditOperator(task_id="audit", stage=stage)
    from settlement_airflow.operators.audit_pod import AuditPodOperator  # Kubernetes' client is large

    return AuditPodOperator(task_id="audit", stage=stage)
