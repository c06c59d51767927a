"""What a publication tells OpenLineage: the tables it was made from, the tables it made, each column's sources."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.providers.openlineage.extractors import OperatorLineage
from attrs import define
from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    RunFacet,
    column_lineage_dataset,
    dataset_version_dataset,
    schema_dataset,
)


@define
class SettlementBuildRunFacet(RunFacet):
    """The ledger's words for what was published: an auditor finds the record by them.

    `pins` are `stage/partition[/version]=build`, sorted; `rows_hashes` are `table=hash`.
    """

    partition: str
    build_id: str
    release: str
    files_hash: str
    engine: str
    pins: list[str]
    rows_hashes: list[str]
    query_ids: list[str]


def facets_of(answer: dict[str, Any]) -> OperatorLineage:
    """The lineage that the step `lineage` has answered; empty when the run has published nothing of its own."""
    build = answer["build"]
    if not build:
        return OperatorLineage()
    version = f"{answer['partition']} build {build['build_id']}"
    return OperatorLineage(
        inputs=[InputDataset(*_named(place["place"])) for place in answer["inputs"]],
        outputs=[_made(output, version) for output in answer["outputs"]],
        run_facets={"settlement_build": _build_facet(answer["partition"], build)},
    )


def _build_facet(partition: str, build: dict[str, Any]) -> SettlementBuildRunFacet:
    pairs = {key: [f"{name}={value}" for name, value in sorted(build[key].items())] for key in ("pins", "rows_hashes")}
    return SettlementBuildRunFacet(
        partition=partition,
        build_id=build["build_id"],
        release=build["release"],
        files_hash=build["files_hash"],
        engine=build["engine"],
        query_ids=build["query_ids"],
        **pairs,
    )


def _made(output: dict[str, Any], version: str) -> Dataset:
    columns = output["columns"]
    fields = [schema_dataset.SchemaDatasetFacetFields(c["name"], c["type"], c["description"]) for c in columns]
    made_from = {c["name"]: column_lineage_dataset.Fields([_source(s) for s in c["sources"]]) for c in columns if c["sources"]}
    return OutputDataset(
        *_named(output["place"]),
        facets={
            "schema": schema_dataset.SchemaDatasetFacet(fields),
            "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(made_from),
            "version": dataset_version_dataset.DatasetVersionDatasetFacet(version),
        },
    )


def _source(source: dict[str, str]) -> column_lineage_dataset.InputField:
    how = column_lineage_dataset.Transformation("DIRECT", source["how"])
    return column_lineage_dataset.InputField(*_named(source["place"]), source["column"], [how])


def _named(place: str) -> tuple[str, str]:
    """A folder as OpenLineage names it: `s3://bucket` and the key, or `file` and the path."""
    parts = urlsplit(place)
    return (f"{parts.scheme}://{parts.netloc}", parts.path.strip("/")) if parts.scheme else ("file", place)
