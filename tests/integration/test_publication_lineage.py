"""What OpenLineage is told of a publication: the ledger's build, its tables, each column's sources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.serde import Serde

from settlement.steps.lineage import of_publication
from settlement.steps.place import Place
from settlement_airflow.openlineage import facets_of
from tests.integration.house import House
from tests.integration.scheduled import MONTH_RUN, OTHER_MONTH_RUN, VERSION, settings_of_workers


@pytest.fixture
def place(month: House) -> Iterator[Place]:
    with settings_of_workers(month):
        yield Place.open()


def _told(place: Place, stage: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(asdict(of_publication(place, MONTH_RUN, stage))))
    return told


def test_a_publication_names_its_build_its_inputs_and_its_tables(place: Place) -> None:
    told, head = _told(place, "lines"), place.ledger.head_build("lines", VERSION)
    assert head is not None
    assert (told["build"]["build_id"], told["build"]["files_hash"]) == (head.build_id, head.files_hash)
    assert told["build"]["pins"] == dict(head.pins)
    read = {dataset["table"] for dataset in told["inputs"]}
    assert {"mart.usage_daily", "mart.pool", "ods.rights"} <= read
    assert not read & {dataset["table"] for dataset in told["outputs"]}
    for dataset in told["outputs"]:
        assert Path(dataset["place"], f"month={VERSION.key}", f"version={VERSION.version}", f"build={head.build_id}").is_dir()


def test_open_lineage_gets_the_columns_and_what_they_are_made_from(place: Place) -> None:
    facets = facets_of(_told(place, "lines"))
    event = [json.loads(Serde.to_json(output)) for output in facets.outputs]
    lines = next(dataset for dataset in event if dataset["name"].endswith("/tables/mart/settlement_line"))
    assert lines["namespace"] == "file"
    fields = lines["facets"]["columnLineage"]["fields"]
    assert [
        (f["name"].rpartition("/tables/")[2], f["field"], f["transformations"]) for f in fields["product_id"]["inputFields"]
    ] == [("mart/pool", "product_id", [{"type": "DIRECT", "subtype": "IDENTITY"}])]
    assert {column["name"] for column in lines["facets"]["schema"]["fields"]} >= {"amount_uwon", "pro_rata_uwon"}
    build = json.loads(Serde.to_json(facets.run_facets["settlement_build"]))
    head = place.ledger.head_build("lines", VERSION)
    assert head is not None
    assert build["pins"] == [f"{name}={build_id}" for name, build_id in sorted(head.pins.items())]
    assert lines["facets"]["version"]["datasetVersion"] == f"{VERSION} build {head.build_id}"


def test_a_bucket_is_a_namespace_of_its_own() -> None:
    answer = {
        "partition": "2026-02-28",
        "build": {
            "build_id": "b",
            "release": "r",
            "files_hash": "f",
            "engine": "e",
            "pins": {},
            "rows_hashes": {},
            "query_ids": [],
        },
        "inputs": [{"table": "raw.play", "place": "s3://bucket/warehouse/tables/raw/play", "columns": []}],
        "outputs": [],
    }
    assert [(i.namespace, i.name) for i in facets_of(answer).inputs] == [("s3://bucket", "warehouse/tables/raw/play")]


def test_a_run_that_published_nothing_of_its_own_tells_nothing(place: Place) -> None:
    place.ledger.append("reserved", OTHER_MONTH_RUN.run_id, {}, VERSION)
    place.ledger.append("released", OTHER_MONTH_RUN.run_id, dict(place.ledger.released(MONTH_RUN.run_id).body), VERSION)  # type: ignore[union-attr]
    answer = asdict(of_publication(place, OTHER_MONTH_RUN, "lines"))
    assert answer["build"] == {}
    assert facets_of(answer).outputs == []
