"""Airflow's audit log as the hook reads it: who cleared what, and that it can't be read."""

from __future__ import annotations

from contextlib import closing
from socket import create_server

import pytest
from airflow.sdk.exceptions import AirflowException

from settlement_airflow.hooks.audit_log import AuditLogHook
from tests.dags.conftest import connect
from tests.dags.served import PASSWORD, Served


def cleared_by() -> set[str]:
    return AuditLogHook().cleared_by("settlement_monthly", "manual__1")


def test_nobody_has_cleared_what_nobody_has_touched(audit_log: Served) -> None:
    assert cleared_by() == set()
    assert {query["dag_id"][0] for query in audit_log.asked} == {"settlement_monthly", "~"}


def test_whoever_cleared_or_re_marked_a_task_of_the_run_is_named_once(audit_log: Served) -> None:
    for event, owner in (
        ("post_clear_task_instances", "Ann"), ("clear_dag_run", "Bea"), ("clear_dag_runs", "Cho"), ("patch_task_instance", "Dan"),
        ("patch_task_group_instances", "Eve"), ("patch_dag_run", "Fay"), ("bulk_task_instances", "Gil"), ("bulk_dag_runs", "Hal"),
        ("cli_task_clear", "Ida"), ("post_clear_task_instances", "Ann"),
    ):  # fmt: skip
        audit_log.happened(event, owner)
    assert cleared_by() == {"Ann", "Bea", "Cho", "Dan", "Eve", "Fay", "Gil", "Hal", "Ida"}


def test_other_events_and_other_runs_name_nobody(audit_log: Served) -> None:
    for event in (
        "trigger_dag_run",
        "update_hitl_detail",
        "get_dag_run",
        "running",
        "success",
        "failed",
        "patch_dag",
        "patch_connection",
    ):
        audit_log.happened(event, "Zoe")
    audit_log.happened("post_clear_task_instances", "Zoe", run_id="manual__2")
    audit_log.happened("post_clear_task_instances", "Zoe", dag_id="settlement_daily")
    assert cleared_by() == set()


def test_an_event_that_names_no_run_or_no_dag_may_be_about_this_one(audit_log: Served) -> None:
    audit_log.happened("post_clear_task_instances", "Ann", run_id=None)
    audit_log.happened("clear_dag_runs", "Bea", run_id=None, dag_id="~")
    audit_log.happened("bulk_task_instances", "Cho", run_id="manual__2", dag_id="~")
    assert cleared_by() == {"Ann", "Bea"}


def test_a_log_of_many_pages_is_read_to_its_end(audit_log: Served) -> None:
    for number in range(249):
        audit_log.happened("running", f"scheduler-{number}")
    audit_log.happened("post_clear_task_instances", "Ann")
    assert cleared_by() == {"Ann"}
    pages = [query for query in audit_log.asked if query["dag_id"] == ["settlement_monthly"]]
    assert [page["offset"] for page in pages] == [["0"], ["100"], ["200"]]
    assert all(page["order_by"] == ["id"] for page in pages)


@pytest.mark.parametrize(
    ("path", "status", "body", "reason"),
    [
        ("/api/v2/eventLogs", 403, "", "HTTP 403"),
        ("/api/v2/eventLogs", 500, PASSWORD, "HTTP 500"),
        ("/api/v2/eventLogs", 200, "<html>", "Expecting value"),
        ("/api/v2/eventLogs", 200, "{}", "event_logs"),
        ("/auth/token", 200, "{}", "access_token"),
        ("/auth/token", 302, "", "HTTP 302"),
    ],
)
def test_a_log_that_can_t_be_read_is_an_error_with_its_reason(
    path: str, status: int, body: str, reason: str, audit_log: Served
) -> None:
    audit_log.broken = {path: (status, body)}
    with pytest.raises(
        AirflowException, match=rf"audit log can't be read \(.*{reason}.*\).*check the connection settlement_airflow_api"
    ) as raised:
        cleared_by()
    assert PASSWORD not in repr(raised.value)
    assert raised.value.__cause__ is None


def test_a_wrong_password_is_never_repeated(audit_log: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, audit_log.server_address[1], password="another-secret")
    with pytest.raises(AirflowException, match=r"\(HTTP 401\).*who cleared tasks of manual__1") as raised:
        cleared_by()
    assert not [word for word in ("another-secret", PASSWORD) if word in repr(raised.value)]


def test_an_api_that_does_not_answer_is_an_error_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    connect(monkeypatch, port)
    with pytest.raises(AirflowException, match="Connection refused") as raised:
        cleared_by()
    assert PASSWORD not in repr(raised.value)
