"""A day through a real Airflow whose audits are pods: what operations and readers of its pages see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.airflow import Airflow, free_port
from local.kubernetes.cluster import Cluster
from settlement.pipeline import DAY_STAGES
from settlement.warehouse import Partition
from tests.airflow.browser import open_task, shot, signed_in
from tests.airflow.town import DAILY, INGEST
from tests.integration.example import example
from tests.integration.shelf import lay_out
from tests.kubernetes.images import audit_image
from tests.kubernetes.town import DAY, Town, built_town
from tests.services.fixtures import own_ports


@pytest.fixture(scope="module")
def day_s_town(namespace: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Servers, ledger and bucket of its own: here a day is published."""
    scratch = tmp_path_factory.mktemp("day")
    house = lay_out(example(), scratch / "house")
    with built_town(namespace, audit_image(namespace), house, scratch, own_ports(), secret="settlement-audit-day") as town:
        yield town


@pytest.fixture(scope="module")
def airflow(day_s_town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home: Path = tmp_path_factory.mktemp("airflow")
    found = Airflow(home, {**day_s_town.variables, **day_s_town.for_pods}, free_port(), tied=True)
    try:
        found.up()
        for dag in (INGEST, DAILY):
            found.api().pause(dag, paused=False)
        yield found
    finally:
        found.down()


def test_a_day_is_settled_by_airflow_with_its_audits_in_pods(day_s_town: Town, airflow: Airflow) -> None:
    api = airflow.api()
    ingested, settled = (_run(airflow, dag) for dag in (INGEST, DAILY))
    audits = [(INGEST, ingested, "raw.audit"), *((DAILY, settled, f"{stage}.audit") for stage in DAY_STAGES[1:])]
    for dag, run, task in audits:
        said = api.log(dag, run, task, 1)
        assert "passed its audit" in said
        assert f"Made pod audit-{task.partition('.')[0]}-{DAY}-" in said
    assert day_s_town.pods.all() == []
    for stage in DAY_STAGES:
        assert day_s_town.published(stage).partition == Partition(DAY)
    with signed_in(airflow, "viewer") as page:
        page.goto(f"{airflow.url}/dags/{DAILY}/runs/{settled}")
        expect(page.get_by_text(f"{DAY_STAGES[1]}.audit").first).to_be_visible()
        shot(page, "run-with-pods")
        open_task(page, airflow, *audits[1])
        expect(page.get_by_text("passed its audit").first).to_be_visible()
        shot(page, "log-of-a-pod")


def _run(airflow: Airflow, dag: str) -> str:
    """Settle the day by a DAG; returns the run's id."""
    run = airflow.api().trigger(dag, DAY)
    assert airflow.api().wait_run(dag, run) == "success"
    return run
