"""A month: woken, woken twice, not woken; asked, answered by the wrong and by the right person; closed, once."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from local.api import Refused, wait_for
from settlement.pipeline import days_of
from tests.airflow.holding import Hold
from tests.airflow.town import DAILY, MONTHLY, Town
from tests.integration.example import FIRST, MONTH, NEXT
from tests.integration.house import House
from tests.integration.shelf import settle_days

UNANSWERED = ("awaiting_input",)


def emit_days(town: Town) -> None:
    """The events of a settled month, as the daily runs emit them."""
    (asset,) = [asset for asset in town.api.get("assets")["assets"] if asset["name"] == "settlement_day"]
    for day in days_of(MONTH):
        town.api.post("assets/events", {"asset_id": asset["id"], "partition_key": day})


def woken(town: Town, count: int) -> list[dict[str, Any]]:
    """Runs of the month that an event has started, once there are so many."""
    return wait_for(
        lambda: [r for r in town.api.runs(MONTHLY) if r["partition_key"] == MONTH and r["run_type"] == "asset_triggered"],
        lambda runs: len(runs) >= count,
        f"{count} runs of {MONTH}",
        120,
    )


def settle_first_day_by_other_rules(house: House) -> None:
    file = house.reference / "service_rule.csv"
    file.write_text(file.read_text("utf-8").replace("60000", "61000"), "utf-8")
    settle_days(house, [FIRST], ("ods", "daily"), run_id="again")


def asking(town: Town) -> Hold:
    """A question that is ready and not yet asked."""
    return town.hold("ask", "month", MONTH, "after settlement.steps.settling:ask")


@contextmanager
def scheduler_stopped(town: Town) -> Iterator[None]:
    """The scheduler does nothing for a while, as on a busy machine; workers go on."""
    pid = int((town.airflow.home / "scheduler.pid").read_text().split()[0])
    os.kill(pid, signal.SIGSTOP)
    try:
        while not is_writable(town):  # it was stopped in the middle of a transaction
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.05)
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def is_writable(town: Town) -> bool:
    """Whether Airflow's database can be written to."""
    with closing(sqlite3.connect(town.airflow.home / "airflow.db", timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


@pytest.fixture(scope="module")
def month(town: Town) -> tuple[House, str]:
    """The month woken by its events: its run waits for an answer."""
    house = town.move_in("days")
    emit_days(town)
    run = woken(town, 1)[0]["dag_run_id"]
    town.api.wait_task(MONTHLY, run, "approve", UNANSWERED)
    return house, run


def test_unanswered_it_stays_so_and_nothing_is_published(town: Town, month: tuple[House, str]) -> None:
    house, run = month
    question = town.api.question(MONTHLY, run, "approve")
    assert question["subject"].startswith(f"Settlement {MONTH} version 1: publish ")
    assert "asked for by: service\\:scheduler" in question["body"]
    assert town.api.tasks(MONTHLY, run)["approve"]["state"] == "awaiting_input"
    assert house.published() == {}
    assert house.counted("approved") == {}


def test_the_event_fired_again_starts_no_second_settlement(town: Town, month: tuple[House, str]) -> None:
    house, run = month
    emit_days(town)
    second = next(r["dag_run_id"] for r in woken(town, 2) if r["dag_run_id"] != run)
    town.api.wait_run(MONTHLY, second)
    tasks = town.api.tasks(MONTHLY, second)
    assert tasks["pools.build"]["state"] == "skipped", town.story(MONTHLY, second)
    assert {task["state"] for name, task in tasks.items() if name not in ("wait_for_days", "pools.build")} == {"skipped"}
    assert f"{MONTH} version 1 is settled by run settlement_monthly/{run}" in town.said(MONTHLY, second, "pools.build")
    assert town.api.tasks(MONTHLY, run)["approve"]["state"] == "awaiting_input"
    assert {version for _, _, version in house.counted("reserved")} == {1}


def test_a_viewer_can_neither_clear_nor_answer(town: Town, month: tuple[House, str]) -> None:
    _, run = month
    viewer = town.airflow.api("viewer")
    for refused in (
        lambda: viewer.clear(MONTHLY, dag_run_id=run, task_ids=["statements.audit"]),
        lambda: viewer.answer(MONTHLY, run, "approve", "Approve"),
        lambda: viewer.trigger(MONTHLY, NEXT),
    ):
        with pytest.raises(Refused, match="HTTP 403"):
            refused()
    assert town.api.tasks(MONTHLY, run)["approve"]["state"] == "awaiting_input"


@pytest.mark.fault(34)
def test_whoever_cleared_a_task_is_refused_and_asked_again(town: Town, month: tuple[House, str]) -> None:
    house, run = month
    operator = town.airflow.api("operator")
    operator.clear(MONTHLY, dag_run_id=run, task_ids=["statements.audit"])
    town.api.wait_task(MONTHLY, run, "statements.audit", ["success"])
    operator.answer(MONTHLY, run, "approve", "Approve")
    refused = wait_for(lambda: list(house.ledger.records(kind="refused")), bool, "the refusal in the ledger", 60)
    assert refused[0].body["by"] == "operator"
    assert "who is among its requesters" in refused[0].body["reason"]
    town.api.wait_task(MONTHLY, run, "approve", UNANSWERED)
    assert house.counted("approved") == {}
    assert house.published() == {}


@pytest.mark.fault(30, 34)
def test_another_persons_answer_publishes_the_reports_once_and_closes_the_month(town: Town, month: tuple[House, str]) -> None:
    """It is given at once: before the scheduler has heard that the worker which asked is done (apache/airflow #72716)."""
    house, run = month
    hold, approver = asking(town), town.airflow.api("approver")
    town.airflow.api("operator").clear(MONTHLY, dag_run_id=run, task_ids=["approve"])
    hold.wait()
    with scheduler_stopped(town):
        hold.release()
        town.api.wait_task(MONTHLY, run, "approve", UNANSWERED)
        approver.answer(MONTHLY, run, "approve", "Approve")
        with pytest.raises(Refused, match="HTTP 409"):
            approver.answer(MONTHLY, run, "approve", "Approve")
    assert town.api.wait_run(MONTHLY, run) == "success", town.story(MONTHLY, run)
    (approved,) = house.ledger.records(kind="approved")
    assert approved.body["approved_by"] == "approver"
    assert {"service:scheduler", "operator"} <= set(approved.body["requesters"])
    assert house.counted("closed") == {("", MONTH, 1): 1}
    assert house.published() == town.shelf.published()
    assert house.exports() == town.shelf.expected()


@pytest.mark.fault(28)
def test_a_closed_month_is_skipped_and_its_days_are_not_replaced(town: Town, month: tuple[House, str]) -> None:
    house, _ = month
    heads = house.heads()
    late = town.run(MONTHLY, MONTH)
    assert town.api.tasks(MONTHLY, late)["wait_for_days"]["state"] == "skipped"
    assert f"{MONTH} version 1 is closed" in town.said(MONTHLY, late, "wait_for_days")
    file = house.reference / "service_rule.csv"
    rules = file.read_text("utf-8")
    file.write_text(rules.replace("60000", "61000"), "utf-8")
    refused = town.run(DAILY, FIRST, state="failed")
    file.write_text(rules, "utf-8")
    tasks = town.api.tasks(DAILY, refused)
    assert [name for name, task in tasks.items() if task["state"] == "failed"] == ["ods.publish"]
    assert f"NotAllowed: {MONTH} version 1 is closed" in town.said(DAILY, refused, "ods.publish")
    assert house.heads() == heads


@pytest.mark.fault(28, 30)
def test_every_task_of_a_closed_month_can_be_cleared_and_changes_nothing(town: Town, month: tuple[House, str]) -> None:
    house, run = month
    published, heads = house.published(), house.heads()
    for task in ("approve", "publish_reports", "close"):
        town.api.clear(MONTHLY, dag_run_id=run, task_ids=[task])
        assert town.api.wait_run(MONTHLY, run) == "success", town.story(MONTHLY, run)
    assert (house.published(), house.heads()) == (published, heads)
    assert house.counted("closed") == {("", MONTH, 1): 1}
    assert len(list(house.ledger.records(kind="approved"))) == 1


@pytest.fixture(scope="module")
def by_hand(town: Town) -> tuple[House, str]:
    """The month triggered by a person, who has lost its event: its run waits for an answer."""
    house = town.move_in("days")  # nobody has emitted anything for this house
    run = town.airflow.api("operator").trigger(MONTHLY, MONTH)
    town.api.wait_task(MONTHLY, run, "approve", UNANSWERED)
    return house, run


def test_a_lost_event_is_made_up_by_hand_and_a_rejection_publishes_nothing(town: Town, by_hand: tuple[House, str]) -> None:
    house, run = by_hand
    assert "asked for by: operator" in town.api.question(MONTHLY, run, "approve")["body"]
    town.airflow.api("approver").answer(MONTHLY, run, "approve", "Reject")
    assert town.api.wait_run(MONTHLY, run) == "failed"
    assert "is rejected by approver" in town.said(MONTHLY, run, "approve")
    assert house.published() == {}
    assert [record.body["by"] for record in house.ledger.records(kind="rejected")] == ["approver"]


def test_what_was_rejected_is_asked_again_and_other_figures_in_a_new_task_instance(
    town: Town, by_hand: tuple[House, str]
) -> None:
    house, run = by_hand
    operator = town.airflow.api("operator")
    operator.clear(MONTHLY, dag_run_id=run, task_ids=["approve"], include_downstream=True)
    town.api.wait_task(MONTHLY, run, "approve", UNANSWERED)
    settle_first_day_by_other_rules(house)
    operator.clear(MONTHLY, dag_run_id=run, task_ids=["pools.build"], include_downstream=True)
    assert town.api.wait_run(MONTHLY, run) == "failed"
    assert "Nobody is asked: the question on show is about other figures" in town.said(MONTHLY, run, "approve")
    assert town.api.question(MONTHLY, run, "approve")["subject"].startswith(f"Settlement {MONTH} version 1: ")
    delete = {"action": "delete", "entities": [{"task_id": "approve"}]}
    operator.patch(f"dags/{MONTHLY}/dagRuns/{quote(run, safe='')}/taskInstances", {"actions": [delete]})
    anew = {"task_ids": ["statements.publish"], "include_downstream": True, "run_on_latest_version": True}
    operator.clear(MONTHLY, dag_run_id=run, **anew)
    wait_for(lambda: town.api.tasks(MONTHLY, run).get("approve", {}).get("state"), UNANSWERED.__contains__, "the question", 120)
    assert town.api.question(MONTHLY, run, "approve")["subject"].startswith(f"Settlement {MONTH} version 2: ")
    town.airflow.api("approver").answer(MONTHLY, run, "approve", "Approve")
    assert town.api.wait_run(MONTHLY, run) == "success", town.story(MONTHLY, run)
    assert house.counted("approved") == house.counted("closed") == {("", MONTH, 2): 1}
