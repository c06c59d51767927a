"""Manual, scheduled and backfill runs of one partition at once: one publishes, the others name it."""

from __future__ import annotations

import pytest

from local.api import wait_for
from tests.airflow.town import DAILY, INGEST, MONTHLY, Town
from tests.integration.example import LAST, MONTH
from tests.integration.shelf import settle_days

STAGES = ("ods", "daily")


@pytest.mark.long
@pytest.mark.fault(27)
def test_three_runs_of_a_day_at_once_publish_it_once(town: Town) -> None:
    house = town.move_in("almost")
    settle_days(house, [LAST], ("raw",), run_id="outside")
    hold = town.hold("publish", "ods", LAST)  # all three have built and audited before the first may publish
    before = set(town.runs_of(DAILY, [LAST]))
    options = ("--from-date", LAST, "--to-date", f"{LAST}T23:59:59", "--reprocess-behavior", "completed")
    town.airflow.cli("backfill", "create", "--dag-id", DAILY, *options)
    town.api.trigger(DAILY, LAST)
    town.api.trigger(DAILY, LAST)
    runs = [run for run in town.runs_of(DAILY, [LAST]) if run not in before]
    assert len(runs) == 3
    wait_for(lambda: len(hold.pids()), lambda held: held == 3, "three runs before their publication", 120)
    hold.release()
    for run in runs:
        assert town.api.wait_run(DAILY, run) == "success", town.story(DAILY, run)
    for stage in STAGES:
        (published,) = house.ledger.records(kind="published", stage=stage, partition=LAST)
        for run in runs:
            said = town.said(DAILY, run, f"{stage}.publish")
            mine = published.run_id == f"{DAILY}/{run}"
            assert mine or f"already published by {published.run_id}" in said, said
    house.assert_chain_holds()


@pytest.mark.fault(27)
def test_manual_scheduled_and_backfill_runs_of_a_landing_day_at_once_publish_it_once(town: Town) -> None:
    house = town.move_in("new")
    scheduled = next(run for run in town.api.runs(INGEST) if run["run_type"] == "scheduled")
    day = scheduled["partition_key"]  # the scheduler makes this one run by itself
    hold = town.hold("publish", "raw", day)
    before = set(town.runs_of(INGEST, [day]))
    options = ("--from-date", day, "--to-date", f"{day}T23:59:59", "--reprocess-behavior", "completed")
    town.airflow.cli("backfill", "create", "--dag-id", INGEST, *options)
    town.api.clear(INGEST, dag_run_id=scheduled["dag_run_id"])
    town.api.trigger(INGEST, day)
    for kind in ("plays", "payments", "other_revenue", "catalog"):
        house.land(kind, day, {})
    runs = {run["run_type"]: run["dag_run_id"] for run in town.api.runs(INGEST) if run["dag_run_id"] not in before}
    runs["scheduled"] = scheduled["dag_run_id"]
    assert sorted(runs) == ["backfill", "manual", "scheduled"]
    wait_for(lambda: len(hold.pids()), lambda held: held == 3, "three runs before their publication", 120)
    hold.release()
    for run in runs.values():
        assert town.api.wait_run(INGEST, run) == "success", town.story(INGEST, run)
    (published,) = house.ledger.records(kind="published", stage="raw", partition=day)
    said = {run: town.said(INGEST, run, "raw.publish") for run in runs.values()}
    others = [run for run in runs.values() if published.run_id != f"{INGEST}/{run}"]
    assert len(others) == 2
    assert all(f"already published by {published.run_id} with the same content" in said[run] for run in others)


@pytest.mark.fault(27)
def test_two_runs_of_a_month_at_once_settle_it_once(town: Town) -> None:
    house = town.move_in("days")
    hold = town.hold("build", "pools", MONTH)
    runs = [town.api.trigger(MONTHLY, MONTH) for _ in range(2)]
    wait_for(lambda: len(hold.pids()), lambda held: held == 2, "two runs before their reservation", 120)
    hold.release()
    ended = {run: town.api.wait_task(MONTHLY, run, "pools.build", ["success", "skipped"])["state"] for run in runs}
    assert sorted(ended.values()) == ["skipped", "success"]
    winner = next(run for run, state in ended.items() if state == "success")
    loser = next(run for run in runs if run != winner)
    assert f"is settled by run {MONTHLY}/{winner}" in town.said(MONTHLY, loser, "pools.build")
    town.api.wait_task(MONTHLY, winner, "approve", ["awaiting_input"])
    assert house.counted("published")[("statements", MONTH, 1)] == 1
