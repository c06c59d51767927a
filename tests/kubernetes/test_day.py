"""A day by a real Airflow on all services: its tables made by Hive in EMR steps, read by Trino, its audits pods.

What operations see of it, and what readers of its tables do.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local.airflow import Airflow, free_port
from local.kubernetes.cluster import Cluster
from local.on_services import settings_on
from local.services.stack import Stack
from settlement.pipeline import DAY_STAGES
from tests.airflow.browser import open_task, shot, signed_in
from tests.airflow.town import DAILY, INGEST
from tests.integration.example import example
from tests.integration.house import House
from tests.integration.shelf import lay_out
from tests.kubernetes.images import audit_image
from tests.kubernetes.town import DAY, Town, landed_day, town_on
from tests.services.tables import Lake

pytestmark = pytest.mark.long
_SECONDS = 1800  # a step of EMR takes half a minute, on a busy machine three times that
Hashes = dict[str, dict[str, str]]
_BY_STEPS = ("ods", "daily")


@pytest.fixture(scope="module")
def hashes(closed_house: House) -> Hashes:
    """Of the same day, settled by one process; read before any variable names a server."""
    return {stage: closed_house.hashes()[stage, DAY, 0] for stage in DAY_STAGES}


@pytest.fixture(scope="module")
def day_s_town(
    namespace: Cluster,
    services: Stack,
    hashes: Hashes,  # noqa: ARG001  # they are first
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    """A folder in the bucket, and a ledger, of its own: here a day is published."""
    places = settings_on(services, f"pods-{secrets.token_hex(3)}")
    image, scratch = audit_image(namespace), tmp_path_factory.mktemp("day")
    house = lay_out(example(), scratch / "house")
    with town_on(services, namespace, image, house, scratch, places, landed_day, "settlement-audit-day") as town:
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


def test_a_day_is_settled_by_airflow_with_its_audits_in_pods(
    day_s_town: Town, airflow: Airflow, services: Stack, hashes: Hashes
) -> None:
    api = airflow.api()
    ingested, settled = (_run(airflow, dag) for dag in (INGEST, DAILY))
    audits = [(INGEST, ingested, "raw.audit"), *((DAILY, settled, f"{stage}.audit") for stage in _BY_STEPS)]
    for dag, run, task in audits:
        said = api.log(dag, run, task, 1)
        assert "passed its audit" in said
        assert f"Made pod audit-{task.partition('.')[0]}-{DAY}-" in said
    assert day_s_town.pods.all() == []
    _assert_published_as_by_one_process(day_s_town, hashes)
    _assert_trino_reads_it(day_s_town, services)
    with signed_in(airflow, "viewer") as page:
        page.goto(f"{airflow.url}/dags/{DAILY}/runs/{settled}")
        expect(page.get_by_text(f"{_BY_STEPS[0]}.audit").first).to_be_visible()
        shot(page, "run-with-pods")
        open_task(page, airflow, *audits[1])
        expect(page.get_by_text("passed its audit").first).to_be_visible()
        shot(page, "log-of-a-pod")


def _run(airflow: Airflow, dag: str) -> str:
    """Settle the day by a DAG; returns the run's id."""
    run = airflow.api().trigger(dag, DAY)
    assert airflow.api().wait_run(dag, run, seconds=_SECONDS) == "success"
    return run


def _assert_published_as_by_one_process(town: Town, hashes: Hashes) -> None:
    """The engine is Hive, the content DuckDB's."""
    for stage in DAY_STAGES:
        build = town.published(stage)
        assert dict(build.rows_hashes) == hashes[stage]
        assert (build.engine == "emr") is (stage in _BY_STEPS)


def _assert_trino_reads_it(town: Town, services: Stack) -> None:
    """The same of the metastore's tables and of Glue's."""
    table = f"{town.variables['SETTLEMENT_DATABASE']}.mart_usage_daily"
    asked = [f"SELECT * FROM {catalogue}.{table} WHERE dt = '{DAY}'" for catalogue in ("hive", "glue")]
    of_the_metastore, of_glue = (sorted(Lake(services).in_trino(query)) for query in asked)
    assert of_the_metastore
    assert of_the_metastore == of_glue
