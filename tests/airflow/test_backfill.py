"""Days backfilled from the CLI: in any order, again, and under changed rules."""

from __future__ import annotations

import random

import pytest

from settlement.pipeline import days_of
from tests.airflow.town import DAILY, INGEST, Town
from tests.integration.example import MONTH
from tests.integration.house import DAILY_EXPORTS, House, Tree

ENDING = days_of(MONTH)[-3:]
STAGES = ("ods", "daily")


def daily_exports(house: House) -> Tree:
    return {name: house.export(name, "--month", MONTH) for name in DAILY_EXPORTS}


def expected(town: Town) -> Tree:
    return {name: town.shelf.expected()[name] for name in DAILY_EXPORTS}


def publications(house: House, days: list[str]) -> dict[tuple[str, str], int]:
    return {(stage, day): house.counted("published")[(stage, day, 0)] for stage in STAGES for day in days}


@pytest.mark.fault(26)
def test_a_landed_day_is_ingested_and_settled_by_backfills_of_both_dags_at_once(town: Town) -> None:
    house = town.move_in("almost")
    day = days_of(MONTH)[-1]
    town.airflow.cli("backfill", "create", "--dag-id", DAILY, "--from-date", day, "--to-date", f"{day}T23:59:59")
    town.backfill(INGEST, day, day)
    (run,) = town.runs_of(DAILY, [day])
    assert town.api.wait_run(DAILY, run) == "success", town.story(DAILY, run)
    assert daily_exports(house) == expected(town)
    assert "waits for raw 2026-02-28" in town.said(DAILY, run, "wait_for_raw"), "the gate was asked before the day was there"


def test_days_backfilled_backwards_are_the_same_days(town: Town) -> None:
    house = town.move_in("ending")
    town.backfill(DAILY, ENDING[0], ENDING[-1], "--run-backwards", "--max-active-runs", "1", "--reprocess-behavior", "completed")
    runs = [run for run in town.api.runs(DAILY) if run["dag_run_id"] in _newest(town)]
    started = [run["partition_key"] for run in sorted(runs, key=lambda run: run["start_date"])]
    assert started == ENDING[::-1], "the last day began first"
    assert daily_exports(house) == expected(town)
    assert set(publications(house, ENDING).values()) == {1}


@pytest.mark.fault(25)
def test_a_backfill_over_published_days_publishes_nothing_and_says_so(town: Town) -> None:
    house = town.house
    heads, published = house.heads(), publications(house, ENDING)
    days = ENDING[:2]
    town.backfill(DAILY, days[0], days[-1], "--reprocess-behavior", "completed")
    for run in _newest(town, days):
        for stage in STAGES:
            assert f"{stage} " in (said := town.said(DAILY, run, f"{stage}.publish"))
            assert "already published by settlement_daily/backfill__" in said
    assert (house.heads(), publications(house, ENDING)) == (heads, published)


@pytest.mark.long
def test_days_run_again_under_a_changed_rule_get_new_heads_where_it_matters(town: Town) -> None:
    house = town.house
    days = ENDING
    heads, exports = house.heads(), daily_exports(house)
    file = house.reference / "service_rule.csv"
    rules = file.read_text("utf-8")
    assert "60000" in rules
    file.write_text(rules.replace("60000", "80000"), "utf-8")
    town.backfill(DAILY, days[0], days[-1], "--reprocess-behavior", "completed")
    after = house.heads()
    moved = {(stage, key) for (stage, key, _), build in after.items() if heads[(stage, key, 0)] != build}
    touched = {days[0], days[2]}  # the plays of the day between are duplicates under either rule
    assert moved == {(stage, day) for stage in STAGES for day in touched}
    (between,) = _newest(town, [days[1]])
    assert "with the same content" in town.said(DAILY, between, "ods.publish")
    assert daily_exports(house) != exports


@pytest.mark.long
def test_days_in_random_order_and_side_by_side_are_the_same_days(town: Town) -> None:
    house = town.move_in("ending")
    order = random.Random(7).sample(ENDING, len(ENDING))
    runs = [town.api.trigger(DAILY, day) for day in order]
    for run in runs:
        assert town.api.wait_run(DAILY, run) == "success", town.story(DAILY, run)
    assert daily_exports(house) == expected(town)
    assert set(publications(house, ENDING).values()) == {1}


def _newest(town: Town, days: list[str] = ENDING) -> list[str]:
    newest = {run["partition_key"]: run["dag_run_id"] for run in town.api.runs(DAILY) if run["partition_key"] in days}
    return list(newest.values())
