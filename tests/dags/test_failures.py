"""Failures of tasks: what is reported, once, with which facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import TaskInstanceState
from airflow.sdk.exceptions import AirflowFailException

from settlement.settings import settings
from settlement.steps.place import Place
from settlement.warehouse import Partition
from settlement_airflow.listeners import failures
from tests.airflow.sink import Sink, sink


@pytest.fixture(scope="module")
def listening() -> Iterator[Sink]:
    with sink() as kept:
        yield kept


@pytest.fixture
def sentry(listening: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A Sentry and a warehouse that the settings name."""
    listening.received.clear()
    monkeypatch.setenv("SETTLEMENT_SENTRY_DSN", listening.dsn)
    monkeypatch.setenv("SETTLEMENT_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("SETTLEMENT_LANDING", str(tmp_path / "landing"))
    settings.cache_clear()
    yield listening
    monkeypatch.undo()
    settings.cache_clear()


def failed(error: object = "killed", **fields: Any) -> None:
    """Tell the listener of a task instance; as the scheduler sees one, unless its fields say otherwise."""
    plain = {
        "state": "failed",
        "dag_id": "settlement_daily",
        "run_id": "manual__1",
        "task_id": "ods.audit",
        "try_number": 4,
        "dag_run": SimpleNamespace(partition_key="2026-02-28"),
    }
    failures.on_task_instance_failed(previous_state="running", task_instance=SimpleNamespace(**{**plain, **fields}), error=error)


def test_a_failure_is_reported_with_its_facts(sentry: Sink) -> None:
    body = {"release": "0f1e2d3c", "package": "0", "requested_by": "Ann"}
    Place.open().ledger.append_once("released", "settlement_daily/manual__1", body, Partition("2026-02-28"))
    failed(AirflowFailException("AuditFailed: the audit refuses it"))
    (event,) = sentry.received
    assert event["exception"]["values"][0]["value"] == "AuditFailed: the audit refuses it"
    assert event["tags"] == {
        "dag": "settlement_daily",
        "run": "manual__1",
        "partition": "2026-02-28",
        "task": "ods.audit",
        "stage": "ods",
        "try": "4",
        "settlement_release": "0f1e2d3c",
    }


def test_a_failure_that_worker_and_scheduler_find_is_reported_once_and_another_try_anew(sentry: Sink) -> None:
    server = SimpleNamespace(dag_run=SimpleNamespace(partition_key="2026-02-28"))
    failed(ValueError("x"), state=TaskInstanceState.FAILED, _ti_context_from_server=server, dag_run=None)
    failed("the scheduler gave it up", state="failed")
    failed(try_number=5)
    failed(task_id="ods.publish")
    assert [(event["tags"]["task"], event["tags"]["try"]) for event in sentry.received] == [
        ("ods.audit", "4"),
        ("ods.audit", "5"),
        ("ods.publish", "4"),
    ]
    assert len({event["event_id"] for event in sentry.received}) == 3
    assert {event["tags"]["partition"] for event in sentry.received} == {"2026-02-28"}


def test_what_nobody_has_reported_is_reported_when_the_run_has_failed(sentry: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    run = SimpleNamespace(dag_id="settlement_daily", run_id="manual__1", partition_key="2026-02-28")
    plain = {"dag_id": run.dag_id, "run_id": run.run_id, "try_number": 4, "dag_run": run}
    states = {"ods.build": "success", "ods.audit": "failed", "ods.publish": "upstream_failed"}
    run.get_task_instances = lambda **_: [SimpleNamespace(task_id=task, state=state, **plain) for task, state in states.items()]
    monkeypatch.setattr(failures, "object_session", lambda _: None)
    failures.on_dag_run_failed(dag_run=run, msg="")
    failures.on_dag_run_failed(dag_run=run, msg="")
    (event,) = sentry.received
    assert (event["tags"]["task"], "worker was lost or killed" in event["message"]) == ("ods.audit", True)
    run.dag_id = "another_team"
    failures.on_dag_run_failed(dag_run=run, msg="")
    assert len(sentry.received) == 1


@pytest.mark.parametrize("state", ["up_for_retry", "skipped", "success", "upstream_failed", None])
def test_what_is_tried_again_or_has_not_failed_is_not_reported(sentry: Sink, state: str | None) -> None:
    failed(state=state)
    assert sentry.received == []


def test_a_task_that_waits_for_its_retry_is_not_reported_by_the_worker_either(sentry: Sink) -> None:
    failed(state=TaskInstanceState.UP_FOR_RETRY)
    assert sentry.received == []


def test_failures_of_other_dags_are_somebody_else_s(sentry: Sink) -> None:
    failed(dag_id="another_team")
    failed(dag_id="settlement_daily_copy")
    assert sentry.received == []


@pytest.mark.parametrize(("task", "stage"), [("ods.build", "ods"), ("approve", "approve"), ("wait_for_days", "wait_for_days")])
def test_a_failure_says_its_stage_or_its_task(sentry: Sink, task: str, stage: str) -> None:
    failed(task_id=task)
    (event,) = sentry.received
    assert (event["tags"]["task"], event["tags"]["stage"]) == (task, stage)


def test_a_failure_is_reported_even_when_the_ledger_can_t_be_read(sentry: Sink, tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("not a folder")
    failed()
    (event,) = sentry.received
    assert event["tags"]["settlement_release"] == ""


def test_what_goes_wrong_in_reporting_fails_nothing(sentry: Sink) -> None:
    failed(dag_run=None)
    assert sentry.received == []
