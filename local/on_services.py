"""A house on the services of this machine: as in production, addresses aside."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.services.__main__ import default_state
from local.services.postgres import Postgres
from local.services.s3 import BUCKETS
from local.services.stack import Stack
from settlement.bucket import Bucket
from settlement.settings import settings
from settlement.storage import fetch_folder, location, put_folder


def root_of(name: str) -> str:
    """The folder in the bucket with the landing and the warehouse of a house."""
    return f"s3://{BUCKETS[0]}/{name}"


def settings_on(stack: Stack, name: str) -> dict[str, str]:
    """Variables of an Airflow whose landing and warehouse are in the bucket and whose tables are built by EMR steps.

    Its database and the ledger are databases of their own on the stack's PostgreSQL; they are made when they aren't there.

    Args:
        stack: runs.
        name: lower-case letters, digits and `-`: of the folder in the bucket, the cluster, the databases.
    """
    server = stack.of(Postgres)
    database = name.replace("-", "_")
    return {
        **stack.environment(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.made("airflow", f"airflow_{database}", "postgresql+psycopg2"),
        "SETTLEMENT_LEDGER_URL": server.made("ledger", f"ledger_{database}"),
        "SETTLEMENT_PROFILE": "services",
        "SETTLEMENT_ENGINE": "emr",
        "SETTLEMENT_LANDING": f"{root_of(name)}/landing",
        "SETTLEMENT_WAREHOUSE": f"{root_of(name)}/warehouse",
        "SETTLEMENT_CATALOGUE": "metastore,glue",
        "SETTLEMENT_DATABASE": f"settlement_{database}",
        "SETTLEMENT_EMR_CLUSTER": f"settlement-{name}",
        "SETTLEMENT_EMR_POLL_SECONDS": "2",
    }


@contextmanager
def landed_on_services(work: Path) -> Iterator[dict[str, str]]:
    """Start the stack, put the landing of a work folder into its bucket; the settings of an Airflow that settles it there."""
    stack = Stack(default_state())
    stack.up()
    name = f"{work.resolve().name}-{int(time.time())}"
    variables = settings_on(stack, name)
    (work / "name").write_text(name)
    with in_this_process(variables):
        put_folder(work / "landing", location(variables["SETTLEMENT_LANDING"]))
        yield variables


def published(work: Path, month: str) -> Path:
    """Fetch what was published of a month into the work folder; its page is `version=*/index.html` there."""
    place = f"published/month={month}"
    root = root_of((work / "name").read_text())
    fetch_folder(location(f"{root}/warehouse/{place}"), work / place)
    return work / place


@contextmanager
def in_this_process(variables: Mapping[str, str]) -> Iterator[None]:
    """Let this process, too, find the services; Airflow's variables stay out of it."""
    chosen = {name: value for name, value in variables.items() if not name.startswith("AIRFLOW")}
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    _forget()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _forget()


def _forget() -> None:
    """What was read from the variables before: settings, and how buckets are reached."""
    settings.cache_clear()
    Bucket.clear_instance_cache()
