"""Three days and a month-end by Airflow on real servers: its database and the ledger on PostgreSQL, files in S3, EMR steps run
by Hive. What is published is, byte for byte, what the embedded profile publishes."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.airflow import Airflow, free_port
from local.on_services import in_this_process, settings_on
from local.services.stack import Stack
from settlement.pipeline import MONTH_STAGES, days_of
from tests.airflow.sink import sink
from tests.airflow.town import DAILY, MONTHLY, Town
from tests.integration.buckets import BucketHouse
from tests.integration.databases import moved
from tests.integration.example import MONTH
from tests.integration.house import House, Tree
from tests.integration.shelf import Shelf
from tests.services.tables import Lake

pytestmark = pytest.mark.long
BY_EMR = ("ods", "daily")
ENDING = days_of(MONTH)[-3:]
SECONDS = 1800  # a step takes half a minute, on a busy machine three times that
READABLE = ("pool", "settlement_line", "statement")  # tables with a query
READ = [
    ("statement", "partner_id", "royalty_krw payable_krw carried_out_krw"),
    ("settlement_line", "product_id track_id right_type partner_id kind", "plays weight amount_uwon"),
]


@dataclass(frozen=True)
class Settled:
    """The house after its month was closed, where it lies in the bucket, its database, what was said of its stages, and what
    OpenLineage was told."""

    house: House
    bucket: BucketHouse
    database: str
    said: dict[str, str]
    events: list[dict[str, Any]]


@dataclass(frozen=True)
class Embedded:
    """What the embedded profile has published, and the content hashes of its builds."""

    published: Tree
    hashes: dict[tuple[str, str, int], dict[str, str]]


@pytest.fixture(scope="module")
def embedded(shelf: Shelf) -> Embedded:
    """Made before any variable names a service."""
    return Embedded(shelf.published(), shelf.house("closed").hashes())


@pytest.fixture(scope="module")
def settled(services: Stack, shelf: Shelf, embedded: Embedded, work: Path) -> Iterator[Settled]:  # noqa: ARG001  # it is first
    """All but the last three days were settled before, by DuckDB; these and the month by the DAGs."""
    name = f"airflow-{secrets.token_hex(3)}"
    variables = settings_on(services, name)
    with in_this_process(variables):
        house = shelf.house("ending")
        bucket = BucketHouse.of(house, name)
        elsewhere = moved(house, variables["SETTLEMENT_LEDGER_URL"])
        told = work / f"{name}.jsonl"
        airflow = Airflow(work / name, {**variables, **_quick(house), **_telling(told)}, free_port(), tied=True)
        with sink() as sentry:
            try:
                airflow.up()
                said = settle(Town(airflow, elsewhere, shelf, sentry, work / "holds"))
                events = [json.loads(line) for line in told.read_text().splitlines()]
                yield Settled(elsewhere, bucket, variables["SETTLEMENT_DATABASE"], said, events)
            finally:
                airflow.down()


def _quick(house: House) -> dict[str, str]:
    return {
        "SETTLEMENT_REFERENCE": str(house.reference),
        "SETTLEMENT_SCRATCH": str(house.root / "scratch"),
        "SETTLEMENT_DUCKDB_THREADS": "1",
        "SETTLEMENT_DUCKDB_MEMORY": "1GB",
        "SETTLEMENT_READER_PROCESSES": "1",
        "SETTLEMENT_POLL_SECONDS": "30",  # no gate of these runs has to wait; those of today's runs wait for ever
        "SETTLEMENT_RETRY_SECONDS": "5",
    }


def _telling(events: Path) -> dict[str, str]:
    transport = {"type": "file", "log_file_path": str(events), "append": True}
    return {"AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport), "AIRFLOW__OPENLINEAGE__DISABLED": "False"}


def settle(town: Town) -> dict[str, str]:
    """Settle the last days and the month; what the logs say of its stages, compared through Trino."""
    for dag in (DAILY, MONTHLY):
        town.api.pause(dag, paused=False)
    town.backfill(DAILY, ENDING[0], ENDING[-1], seconds=SECONDS)
    run = town.api.trigger(MONTHLY, MONTH)
    town.approve(MONTHLY, run, seconds=SECONDS)
    return {stage: town.said(MONTHLY, run, f"reconcile_{stage}") for stage in ("lines", "statements")}


def test_what_is_published_is_what_the_embedded_profile_publishes(settled: Settled, embedded: Embedded) -> None:
    assert settled.bucket.published() == embedded.published


def test_the_builds_hold_the_same_rows(settled: Settled, embedded: Embedded) -> None:
    assert settled.house.hashes() == embedded.hashes


def test_they_were_computed_by_steps_of_the_cluster(settled: Settled) -> None:
    by_steps = {key for key, build in settled.house.builds().items() if build.engine == "emr" and build.query_ids}
    assert by_steps == {(stage, day, 0) for stage in BY_EMR for day in ENDING} | {(stage, MONTH, 1) for stage in MONTH_STAGES}


@pytest.mark.parametrize("catalogue", ["hive", "glue"])
@pytest.mark.parametrize(("table", "keys", "amounts"), READ)
def test_trino_reads_through_each_catalogue_what_the_oracle_says(
    settled: Settled, services: Stack, shelf: Shelf, catalogue: str, table: str, keys: str, amounts: str
) -> None:
    columns = [*keys.split(), *amounts.split()]
    text = [f"CAST({column} AS VARCHAR)" for column in columns]
    query = f"SELECT {', '.join(text)} FROM {catalogue}.{settled.database}.mart_{table} WHERE month = '{MONTH}'"
    expected = csv.DictReader(io.StringIO(shelf.expected()[table].decode()))
    assert sorted(tuple(row) for row in Lake(services).in_trino(query)) == sorted(
        tuple(row[column] for column in columns) for row in expected
    )


@pytest.mark.parametrize("catalogue", ["hive", "glue"])
def test_days_are_read_through_each_catalogue_too(settled: Settled, services: Stack, catalogue: str) -> None:
    query = f"SELECT DISTINCT dt FROM {catalogue}.{settled.database}.mart_usage_daily ORDER BY dt"
    assert [day for (day,) in Lake(services).in_trino(query)] == ENDING


def test_what_trino_shows_was_compared_with_what_was_published(settled: Settled) -> None:
    for stage in ("lines", "statements"):
        assert f"Trino reads build {settled.house.heads()[stage, MONTH, 1]} as it was published" in settled.said[stage]


@pytest.mark.parametrize("stage", MONTH_STAGES)
def test_openlineage_was_told_of_each_publication_of_the_month(settled: Settled, stage: str) -> None:
    job = f"{MONTHLY}.{stage}.publish"
    (event,) = (e for e in settled.events if e["job"]["name"] == job and e["eventType"] == "COMPLETE")
    build = settled.house.builds()[stage, MONTH, 1]
    facet = event["run"]["facets"]["settlement_build"]
    assert (facet["build_id"], facet["files_hash"]) == (build.build_id, build.files_hash)
    tables = {output["name"].rpartition("/tables/")[2].replace("/", ".") for output in event["outputs"]}
    assert tables == build.rows_hashes.keys()
    assert all(output["namespace"].startswith("s3://") for output in event["outputs"])
    assert all(output["facets"]["columnLineage"]["fields"] for output in event["outputs"] if output["name"].endswith(READABLE))


def test_the_chain_holds(settled: Settled) -> None:
    assert settled.house.ledger.problems() == []
