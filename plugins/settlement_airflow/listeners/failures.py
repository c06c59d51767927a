"""Reports a task that failed for good, once, whoever noticed: the worker, the scheduler or a person who marked it.

A worker that is killed says nothing. Its task is then found when its run has failed, in the scheduler.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl
from sqlalchemy.orm import object_session

_log = logging.getLogger(__name__)
_DAGS = ("landing_ingest", "settlement_daily", "settlement_monthly", "restatement", "partner_report", "month_preview")
_UNSAID = "the task failed and nobody said why: its worker was lost or killed"


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:  # noqa: ARG001  # the hook's names
    """Called in the worker after every failed try, and by scheduler and API for what they mark as failed."""
    if _state(task_instance) == "failed":  # else it will be tried again
        _try_to_report(task_instance, error)


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:  # noqa: ARG001  # the hook's names
    """Called by the scheduler once a run has failed: what nobody has reported is reported here."""
    if dag_run.dag_id in _DAGS:
        # In the scheduler's own session: another one would detach the run under its hands.
        for task_instance in dag_run.get_task_instances(session=object_session(dag_run)):
            if _state(task_instance) == "failed":
                _try_to_report(task_instance, _UNSAID)


def _state(task_instance: Any) -> str:
    return str(getattr(task_instance.state, "value", task_instance.state))


def _try_to_report(task_instance: Any, error: Any) -> None:
    if task_instance.dag_id not in _DAGS:
        return
    try:
        _report(task_instance, error)
    except Exception:
        _log.exception("the failure of %s could not be reported", task_instance.task_id)


def _report(task_instance: Any, error: Any) -> None:
    # What alerts need is loaded where something failed, never by whoever parses a DAG.
    from settlement.steps.reporting import Failure, report_once

    stage, _, _ = task_instance.task_id.rpartition(".")
    failure = Failure(
        dag=task_instance.dag_id,
        run=task_instance.run_id,
        partition=_partition(task_instance),
        task=task_instance.task_id,
        stage=stage or task_instance.task_id,
        attempt=task_instance.try_number,
    )
    report_once(failure, error)


def _partition(task_instance: Any) -> str:
    """The partition key, or the month that a person gave, from the worker's context or the scheduler's row."""
    context = getattr(task_instance, "_ti_context_from_server", None)
    run = context.dag_run if context is not None else task_instance.dag_run
    return str(run.partition_key or (run.conf or {}).get("month") or "")
