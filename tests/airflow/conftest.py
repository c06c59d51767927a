"""An Airflow for the tests of a worker; they run one after the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.airflow import Airflow, free_port
from tests.airflow.sink import sink
from tests.airflow.town import CANARY, DAGS, Town
from tests.integration.fixtures import *  # noqa: F403
from tests.integration.house import House
from tests.integration.shelf import Shelf

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def town(work: Path, shelf: Shelf) -> Iterator[Town]:
    root = work / "town"
    house = House.at(root / "house")
    shutil.copytree(shelf.house("new").root, house.root)
    with sink() as sentry:
        settings = {
            "SETTLEMENT_LANDING": str(house.landing),
            "SETTLEMENT_WAREHOUSE": str(house.warehouse),
            "SETTLEMENT_REFERENCE": str(house.reference),
            "SETTLEMENT_DUCKDB_THREADS": "1",
            "SETTLEMENT_DUCKDB_MEMORY": "1GB",
            "SETTLEMENT_READER_PROCESSES": "1",
            "SETTLEMENT_POLL_SECONDS": "2",
            "SETTLEMENT_RETRY_SECONDS": "0",
            "SETTLEMENT_SENTRY_DSN": sentry.dsn,
            "SETTLEMENT_TEST_ROOT": str(ROOT),
            "SETTLEMENT_TEST_HOLDS": str(root / "holds"),
            "PYTHONPATH": str(ROOT / "tests" / "airflow" / "startup"),
            "AWS_SECRET_ACCESS_KEY": CANARY,
            "AIRFLOW_CONN_PARTNER_SFTP": f"sftp://partner:{CANARY}@127.0.0.1:22",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",  # each of its rounds takes from others' tests
            # A killed scheduler is known to be dead soon, and what it left is taken up.
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
        }
        airflow = Airflow(root / "airflow", settings, free_port(), tied=True)
        try:
            airflow.up()
            for dag in DAGS:
                airflow.api().pause(dag, paused=False)
            yield Town(airflow, house, shelf, sentry, root / "holds")
        finally:
            airflow.down()
