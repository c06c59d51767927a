"""What ops and approvers do in Airflow's UI: the state before and after is asserted, then the picture is taken."""

from __future__ import annotations

import gzip
import re

import pytest
from playwright.sync_api import expect

from settlement.warehouse import Partition
from tests.airflow.browser import clear, clear_runs, open_settlement, open_task, shot, signed_in
from tests.airflow.town import DAILY, INGEST, MONTHLY, Town
from tests.integration.example import LAST, MONTH
from tests.integration.shelf import settle_days


def states(town: Town, dag: str, run: str) -> dict[str, str]:
    return {name: task["state"] for name, task in town.api.tasks(dag, run).items()}


def test_a_failed_task_is_cleared_alone_and_then_with_what_comes_after(town: Town) -> None:
    house = town.move_in("almost")
    files = {path: path.read_bytes() for path in house.folder("payments", LAST).glob("*.csv.gz")}
    file, good = next((path, data) for path, data in files.items() if b"charge" in gzip.decompress(data))
    file.write_bytes(gzip.compress(gzip.decompress(good).replace(b"charge", b"gift", 1)))
    run = town.run(INGEST, LAST, state="failed")
    assert states(town, INGEST, run)["raw.build"] == "failed"
    file.write_bytes(good)
    with signed_in(town.airflow, "operator") as page:
        heading = open_task(page, town.airflow, INGEST, run, "raw.build")
        expect(
            page.get_by_text(re.compile(r"BadInput: payments/dt=2026-02-28/.*, row [0-9]+: kind is 'gift'")).first
        ).to_be_visible()
        shot(page, "failed-task")
        clear(page, affected=1)
        town.api.wait_task(INGEST, run, "raw.build", ["success"])
        after = states(town, INGEST, run)
        assert after == {
            "wait_for_landing": "success", "raw.build": "success", "raw.audit": "upstream_failed", "raw.publish": "upstream_failed",
        }  # fmt: skip
        assert house.ledger.head("raw", Partition(LAST)) is None
        expect(heading).to_be_visible()
        open_task(page, town.airflow, INGEST, run, "raw.audit")
        clear(page, affected=2)
        assert town.api.wait_run(INGEST, run) == "success", town.story(INGEST, run)
        assert set(states(town, INGEST, run).values()) == {"success"}
        assert house.ledger.head("raw", Partition(LAST)) is not None
        open_task(page, town.airflow, INGEST, run, "raw.publish")
        expect(page.get_by_text("published build").first).to_be_visible()
        shot(page, "cleared-task")


@pytest.mark.long
@pytest.mark.fault(25)
def test_a_range_of_partitions_is_cleared_in_the_list_of_runs_and_from_the_cli(town: Town) -> None:
    house = town.move_in("early")
    days = ["2026-02-26", "2026-02-27"]
    settle_days(house, days, ("raw",), run_id="outside")
    runs = [town.run(DAILY, day) for day in days]
    heads = house.heads()
    tries = {run: town.api.tasks(DAILY, run)["ods.build"]["try_number"] for run in runs}
    with signed_in(town.airflow, "operator") as page:
        clear_runs(page, town.airflow, DAILY, runs)
        for run in runs:
            town.api.wait_task(DAILY, run, "daily.publish", ["success"])
            assert town.api.wait_run(DAILY, run) == "success"
            assert town.api.tasks(DAILY, run)["ods.build"]["try_number"] == tries[run] + 1
        shot(page, "cleared-runs")
    window = ("--partition-date-start", days[0], "--partition-date-end", f"{days[1]}T23:59:59")
    town.airflow.cli("dags", "clear", DAILY, *window, "--yes")
    for run in runs:
        assert town.api.wait_run(DAILY, run) == "success"
        assert town.api.tasks(DAILY, run)["ods.build"]["try_number"] == tries[run] + 2
        assert "already published by" in town.said(DAILY, run, "daily.publish")
    assert house.heads() == heads
    assert {house.counted("published")[("daily", day, 0)] for day in days} == {1}


def test_an_approver_answers_in_the_ui_and_opens_the_published_month(town: Town) -> None:
    house = town.move_in("days")
    run = town.airflow.api("operator").trigger(MONTHLY, MONTH)
    town.api.wait_task(MONTHLY, run, "approve", ["awaiting_input"])
    assert house.published() == {}
    with signed_in(town.airflow, "viewer") as page:
        open_task(page, town.airflow, MONTHLY, run, "statements.publish")
        page.get_by_label("Press shift+c to clear").click()
        expect(page.locator("[role=dialog][aria-modal=true]").get_by_role("button", name="Confirm")).to_be_disabled()
        shot(page, "viewer-cannot-clear")
    with signed_in(town.airflow, "approver") as page:
        open_task(page, town.airflow, MONTHLY, run, "approve")
        page.get_by_role("tab", name="Required Actions").or_(page.get_by_role("link", name="Required Action")).first.click()
        expect(page.get_by_text(f"Settlement {MONTH} version 1").first).to_be_visible()
        shot(page, "approval-asked")
        page.get_by_role("button", name="Approve").click()
        assert town.api.wait_run(MONTHLY, run) == "success", town.story(MONTHLY, run)
        assert house.published() == town.shelf.published()
        (approved,) = house.ledger.records(kind="approved")
        assert (approved.body["approved_by"], "operator" in approved.body["requesters"]) == ("approver", True)
        open_task(page, town.airflow, MONTHLY, run, "close", "/details")
        shot(page, "closed-month")
        page.get_by_role("link", name="Published month").click()
        page.wait_for_url(f"**/settlement/published/month={MONTH}/version=1/index.html")
        expect(page.get_by_role("heading", name="2026년 2월")).to_be_visible()
        shot(page, "published-month")
        for hidden in ("../ledger.db", "%2e%2e/ledger.db", f"month={MONTH}/version=1/_SUCCESS", ".work"):
            answer = page.request.get(f"{town.airflow.url}/settlement/published/{hidden}")
            assert b"SQLite format 3" not in answer.body(), hidden
            assert answer.status == 404 or "text/html" in answer.headers["content-type"], hidden  # the browser took the dots away
        asks = open_settlement(page, town.airflow)
        expect(asks.get_by_text(f"{MONTH} 기준")).to_be_visible()  # without another sign-in
        asks.get_by_role("link", name="월 현황").click()
        expect(asks.get_by_text("approver").first).to_be_visible()
        shot(asks, "settlement-page")


def test_nobody_opens_a_published_month_without_signing_in(town: Town) -> None:
    import httpx

    answer = httpx.get(f"{town.airflow.url}/settlement/published/month={MONTH}/version=1/index.html")
    assert answer.status_code == 401
