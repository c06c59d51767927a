"""A whole month of 31 days through Airflow, backwards and in random order: `make soak`, about ten minutes.

The tests of `make test` do the same with the last days of a month; here every day goes through every task.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from rich.console import Console

from local.airflow import Airflow, free_port
from local.api import Api, wait_for
from local.house import airflow_of
from local.month import DAGS, approve, backfill, monthly_run
from settlement.export import EXPORTS
from settlement.pipeline import days_of
from tests.integration.house import Tree, settlement, tree

MONTH = "2026-03"
_SECONDS = 1200


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("soak") / "landing"
    assert settlement("generate", "--months", MONTH, "--plays", 3000, "--out", folder).code == 0
    return folder


@pytest.fixture(scope="module")
def in_one_process(landing: Path) -> Path:
    """The warehouse of `settlement run`."""
    warehouse = landing.parent / "in-one-process"
    options = ("--landing", landing, "--warehouse", warehouse, "--months", MONTH)
    assert settlement("run", *options, "--requested-by", "Ann", "--approved-by", "Bea").code == 0
    return warehouse


def exports(warehouse: Path) -> Tree:
    out = warehouse.parent / f"{warehouse.parent.name}-{warehouse.name}-exports"
    out.mkdir()
    for name in EXPORTS:
        options = ("--warehouse", warehouse, "--month", MONTH, "--out", out / f"{name}.csv")
        assert settlement("export", name, *options).code == 0
    return tree(out)


@pytest.mark.parametrize("order", ["backwards", "random"])
def test_a_month_in_any_order_is_the_same_month(landing: Path, in_one_process: Path, order: str) -> None:
    work = landing.parent / order
    work.mkdir()
    (work / "landing").symlink_to(landing)
    airflow = airflow_of(work, port=free_port())
    try:
        airflow.up()
        _settle(airflow, order)
    finally:
        airflow.down()
    assert tree(work / "warehouse" / "published") == tree(in_one_process / "published")
    assert exports(work / "warehouse") == exports(in_one_process)


def _settle(airflow: Airflow, order: str) -> None:
    api = airflow.api()
    for dag in DAGS:
        api.pause(dag, paused=False)
    days = days_of(MONTH)
    for dag in DAGS[:2]:
        if order == "backwards":
            backfill(airflow, dag, days[0], days[-1], "--run-backwards", active_runs=3)
        else:
            for day in random.Random(3).sample(days, len(days)):
                api.trigger(dag, day)
    wait_for(lambda: _settled(api), lambda count: count == len(days), f"the days of {MONTH}", _SECONDS)
    run = wait_for(lambda: monthly_run(api, MONTH), bool, f"a run of {MONTH}", 180)
    assert run is not None
    approve(api, airflow.api("approver"), run, Console(quiet=True))
    assert api.wait_run(DAGS[2], run) == "success"


def _settled(api: Api) -> int:
    runs = [run for run in api.runs(DAGS[1]) if run["partition_key"].startswith(MONTH)]
    assert not [run for run in runs if run["state"] == "failed"]
    return sum(run["state"] == "success" for run in runs)
