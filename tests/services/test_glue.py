"""The Glue catalogue's tables for people: what is published is seen there, whatever happens at once or twice.

Glue is moto's. What it never answers (a change by somebody else, a refusal) is answered in its place, below the client.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from local.services.aws import Aws
from local.services.stack import Stack
from settlement.engines import glue
from settlement.engines.glue import Glue
from settlement.engines.glue_tables import table_input
from settlement.engines.places import BUILD, Places, short_name
from settlement.errors import EngineError, SettlementError
from settlement.ledger.records import Build
from settlement.settings import settings, sql_dir
from settlement.steps.context import Context
from settlement.steps.pointers import follow
from settlement.steps.publish import publish
from settlement.tables import Catalog, Column, Table, load
from settlement.warehouse import Partition, Warehouse
from tests.integration.buckets import BucketHouse
from tests.integration.example import LAST, MONTH
from tests.integration.shelf import Shelf
from tests.services.tables import Lake

DAY = Partition("2026-03-01")
NOBODY = "1"  # a port where nothing listens
WRITES = ("Create", "Update", "Batch", "Delete")


@pytest.fixture(scope="module", autouse=True)
def at_home(services: Stack) -> Iterator[None]:
    """This process finds the services; HiveServer2 is not where the settings say."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in services.environment().items():
            if name.startswith("AWS_"):  # the stack's ledger is nobody's to write to: each house has its own
                patch.setenv(name, value)
        patch.setenv("SETTLEMENT_ENGINE", "emr")
        patch.setenv("SETTLEMENT_CATALOGUE", "glue")
        patch.setenv("SETTLEMENT_HIVE_PORT", NOBODY)
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def tables() -> Catalog:
    return load(sql_dir())


@pytest.fixture
def play(tables: Catalog) -> Table:
    return tables["ods.play"]


@pytest.fixture
def places() -> Places:
    name = f"glue_{secrets.token_hex(4)}"
    return Places(name, f"s3://settlement-dev-lake/{name}")


@dataclass
class Heard:
    """A client, the requests that it has sent, and what is answered in Glue's place."""

    client: Any
    asked: list[str]
    answers: dict[str, list[str]]

    @property
    def writes(self) -> list[str]:
        return [name for name in self.asked if name.startswith(WRITES)]


@pytest.fixture
def heard(services: Stack) -> Heard:
    server = services.of(Aws)
    heard = Heard(server.client("glue"), [], {})

    def listen(model: Any, **_: Any) -> Any:
        heard.asked.append(model.name)
        if codes := heard.answers.get(model.name):
            code = codes.pop(0)
            return SimpleNamespace(status_code=400), {"Error": {"Code": code, "Message": "made up"}, "ResponseMetadata": {}}
        return None

    heard.client.meta.events.register("before-call.glue", listen)
    return heard


@pytest.fixture
def catalogue(heard: Heard, places: Places) -> Glue:
    made = Glue(heard.client, places)
    made.make_database()
    return made


# -- one table -----------------------------------------------------------------------------------------------------------


def test_a_partition_points_to_the_build_and_then_to_the_next(catalogue: Glue, play: Table) -> None:
    catalogue.bring_up(play)
    assert catalogue.location(play, (DAY, "first")) == ""
    for build in ("first", "second"):
        catalogue.switch(play, (DAY, build))
        assert catalogue.location(play, (DAY, build)) == f"{catalogue.places.root}/tables/ods/play/dt=2026-03-01/build={build}"


def test_a_month_is_found_by_month_and_version(catalogue: Glue, tables: Catalog) -> None:
    statement = tables["mart.statement"]
    catalogue.bring_up(statement)
    for version in (1, 2):
        catalogue.switch(statement, (Partition("2026-03", version), f"of{version}"))
    there = catalogue.client.get_partitions(DatabaseName=catalogue.places.database, TableName="mart_statement")["Partitions"]
    assert {tuple(found["Values"]): found["StorageDescriptor"]["Location"].rpartition("/")[2] for found in there} == {
        ("2026-03", "1"): "build=of1",
        ("2026-03", "2"): "build=of2",
    }


def test_reference_data_without_partitions_point_as_a_table(catalogue: Glue, tables: Catalog) -> None:
    rates = tables["ref.rate_card"]
    catalogue.bring_up(rates)
    for release in ("abc", "def"):
        catalogue.switch(rates, (None, release))
        catalogue.bring_up(rates)
        assert catalogue.location(rates, (None, release)).endswith(f"/tables/ref/rate_card/build={release}")


def test_done_again_nothing_is_written(catalogue: Glue, play: Table, heard: Heard) -> None:
    for _ in range(2):
        catalogue.make_database()
        catalogue.bring_up(play)
        catalogue.switch(play, (DAY, "first"))
    assert heard.writes == ["CreateDatabase", "CreateTable", "CreatePartition"]


def test_a_column_s_comment_says_meaning_and_unit_within_what_glue_keeps(catalogue: Glue, play: Table) -> None:
    first, *others = play.columns
    catalogue.bring_up(changed(play, [first.model_copy(update={"description": "가" * 100}), *others]))
    found = catalogue.client.get_table(DatabaseName=catalogue.places.database, Name="ods_play")["Table"]
    comments = [column["Comment"] for column in found["StorageDescriptor"]["Columns"]]
    assert comments == ["가" * 85, *(f"{column.description} ({column.unit})"[:255] for column in others)]


# -- at once -------------------------------------------------------------------------------------------------------------


def test_many_at_once_make_one_table_that_points_to_one_of_their_builds(places: Places, play: Table) -> None:
    builds = [f"build{number}" for number in range(6)]
    with ThreadPoolExecutor(len(builds)) as pool:
        found = list(pool.map(lambda build: glue.point(places, [play], (DAY, build))["ods.play"], builds))
    assert set(found) <= {places.location(play, (DAY, build)) for build in builds}
    assert glue.point(places, [play], (DAY, "last")) == {"ods.play": places.location(play, (DAY, "last"))}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("CreateTable", "AlreadyExistsException"),
        ("CreatePartition", "AlreadyExistsException"),
        ("UpdatePartition", "EntityNotFoundException"),
        ("UpdatePartition", "ConcurrentModificationException"),
    ],
)
def test_what_another_did_in_between_is_looked_at_anew(
    catalogue: Glue, play: Table, heard: Heard, monkeypatch: pytest.MonkeyPatch, asked: str, code: str
) -> None:
    monkeypatch.setattr(glue, "_WAITS", (0.0, 0.0))
    heard.answers[asked] = [code, code]
    catalogue.bring_up(play)
    for build in ("first", "second"):
        catalogue.switch(play, (DAY, build))
    assert heard.writes.count(asked) == 3
    assert catalogue.location(play, (DAY, "second")) == catalogue.places.location(play, (DAY, "second"))


def test_who_is_never_let_is_told_so(catalogue: Glue, play: Table, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glue, "_WAITS", (0.0, 0.0))
    heard.answers["CreateTable"] = ["ConcurrentModificationException"] * 3
    with pytest.raises(EngineError, match="ods_play: others went on changing it") as refused:
        catalogue.bring_up(play)
    assert "clear the publication" in refused.value.hint
    assert heard.writes.count("CreateTable") == 3


# -- columns -------------------------------------------------------------------------------------------------------------


def changed(table: Table, columns: list[Column]) -> Table:
    return replace(table, definition=table.definition.model_copy(update={"columns": columns}))


def _new(*, nullable: bool) -> Column:
    return Column(name="mood", type="STRING", unit="text", description="what the listener felt", nullable=nullable)


def _of_builds(catalogue: Glue, table: Table) -> str:
    """Make a table of builds, as a cluster's Hive does; returns its database."""
    told = table_input(short_name(table), table, catalogue.places.folder(table))
    told["PartitionKeys"].append({"Name": BUILD, "Type": "string"})
    catalogue.client.create_database(DatabaseInput={"Name": catalogue.places.builds})
    catalogue.client.create_table(DatabaseName=catalogue.places.builds, TableInput=told)
    return catalogue.places.builds


def test_a_cluster_that_uses_glue_is_told_to_add_a_new_column_to_a_table_of_builds(catalogue: Glue, play: Table) -> None:
    database = _of_builds(catalogue, play)
    assert glue.changes([play], database) == []
    wider = changed(play, [*play.columns, _new(nullable=True)])
    (statement,) = glue.changes([wider], database)
    assert statement.startswith(f"ALTER TABLE `{database}`.`ods_play` ADD COLUMNS (`mood` STRING")
    with pytest.raises(EngineError, match="new column mood is not nullable"):
        glue.changes([changed(play, [*play.columns, _new(nullable=False)])], database)


def test_a_table_of_builds_that_glue_doesn_t_have_needs_no_change(catalogue: Glue, play: Table) -> None:
    assert glue.changes([play], catalogue.places.builds) == []


def test_a_new_nullable_column_is_added_and_partitions_stay(catalogue: Glue, play: Table) -> None:
    catalogue.bring_up(play)
    catalogue.switch(play, (DAY, "first"))
    wider = changed(play, [*play.columns, _new(nullable=True)])
    catalogue.bring_up(wider)
    found = catalogue.client.get_table(DatabaseName=catalogue.places.database, Name="ods_play")["Table"]
    assert [c["Name"] for c in found["StorageDescriptor"]["Columns"]] == [*(c.name for c in play.columns), "mood"]
    assert found["StorageDescriptor"]["Columns"][-1] == {
        "Name": "mood",
        "Type": "string",
        "Comment": "what the listener felt (text)",
    }
    assert [key["Name"] for key in found["PartitionKeys"]] == ["dt"]
    assert found["TableType"] == "EXTERNAL_TABLE"
    assert catalogue.location(play, (DAY, "first")).endswith("build=first")
    catalogue.switch(wider, (DAY, "first"))
    there = catalogue.client.get_partition(
        DatabaseName=catalogue.places.database, TableName="ods_play", PartitionValues=[DAY.key]
    )
    assert there["Partition"]["StorageDescriptor"]["Columns"][-1]["Name"] == "mood"


Change = Callable[[list[Column]], list[Column]]


@pytest.mark.parametrize(
    ("change", "says", "hint"),
    [
        (lambda old: [*old, _new(nullable=False)], "new column mood is not nullable", "declare it nullable"),
        (lambda old: old[:-1], "is gone from table.yaml", "take it back"),
        (lambda old: [old[1], old[0], *old[2:]], "stands in another place", "keep it"),
        (lambda old: [old[0].model_copy(update={"type": "BOOLEAN"}), *old[1:]], "table.yaml declares BOOLEAN", "never changed"),
    ],
)
def test_any_other_difference_is_refused_with_what_to_do(
    catalogue: Glue, play: Table, heard: Heard, change: Change, says: str, hint: str
) -> None:
    catalogue.bring_up(play)
    with pytest.raises(EngineError, match=says) as refused:
        catalogue.bring_up(changed(play, change(play.columns)))
    assert hint in refused.value.hint
    assert "UpdateTable" not in heard.asked


# -- errors --------------------------------------------------------------------------------------------------------------


def test_a_refusal_says_which_table_and_what_to_allow(catalogue: Glue, play: Table, heard: Heard) -> None:
    heard.answers["GetTable"] = ["AccessDeniedException"]
    with pytest.raises(EngineError, match=r"^Glue glue_\w+\.ods_play: access is denied \(AccessDeniedException\)") as refused:
        catalogue.bring_up(play)
    assert "glue:Get*" in refused.value.hint


def test_nobody_at_the_address_is_said(places: Places, play: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_GLUE", f"http://127.0.0.1:{NOBODY}")
    monkeypatch.setattr("time.sleep", lambda _: None)  # eight tries, as they would be made
    with pytest.raises(EngineError, match=r"database glue_\w+: http://127.0.0.1:1 doesn't answer"):
        glue.point(places, [play], (DAY, "first"))


@pytest.mark.parametrize(
    ("said", "read"),
    [(None, ("metastore",)), ("glue", ("glue",)), ("metastore, glue", ("metastore", "glue")), ("glue,glue", ("glue",))],
)
def test_the_settings_name_one_catalogue_or_both(
    monkeypatch: pytest.MonkeyPatch, said: str | None, read: tuple[str, ...]
) -> None:
    _set(monkeypatch, said)
    assert settings().catalogue == read


@pytest.mark.parametrize("said", ["", "hive", "glue,"])
def test_a_catalogue_that_is_none_is_refused_by_the_variable_s_name(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    _set(monkeypatch, said)
    with pytest.raises(SettlementError, match="SETTLEMENT_CATALOGUE is set to"):
        settings()


def _set(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    if said is None:
        monkeypatch.delenv("SETTLEMENT_CATALOGUE")
    else:
        monkeypatch.setenv("SETTLEMENT_CATALOGUE", said)
    settings.cache_clear()


@pytest.fixture(autouse=True)
def settings_read_again() -> Iterator[None]:
    yield
    settings.cache_clear()


# -- what is published ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """A house in the bucket that was settled by DuckDB, and a run to which its tables for people belong."""

    context: Context
    database: str

    def head(self, stage: str, partition: Partition) -> Build:
        build = self.context.ledger.head_build(stage, partition)
        assert build is not None
        return build


@pytest.fixture(scope="module")
def published(shelf: Shelf, at_home: None) -> Iterator[Published]:  # noqa: ARG001  # the bucket is there
    name = f"glue-{secrets.token_hex(4)}"
    house = BucketHouse.of(shelf.house("closed"), name)
    with house.ledger(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SETTLEMENT_DATABASE", name.replace("-", "_"))
        settings.cache_clear()
        context = replace(house.house.context("publisher"), warehouse=Warehouse.open(house.warehouse))
        yield Published(context, name.replace("-", "_"))


def test_published_again_people_find_in_glue_what_was_published(published: Published, services: Stack, shelf: Shelf) -> None:
    statements = published.head("statements", Partition(MONTH, 1))
    assert publish(published.context, statements).outcome == "done"
    columns = ["partner_id", "royalty_krw", "payable_krw", "carried_out_krw"]
    text = [f"CAST({column} AS VARCHAR)" for column in columns]
    query = f"SELECT {', '.join(text)} FROM glue.{published.database}.mart_statement WHERE month = '{MONTH}' AND version = 1"
    expected = csv.DictReader(io.StringIO(shelf.expected()["statement"].decode()))
    assert sorted(tuple(row) for row in Lake(services).in_trino(query)) == sorted(
        tuple(row[column] for column in columns) for row in expected
    )


def test_whoever_points_to_what_is_no_longer_the_head_ends_at_the_head(published: Published) -> None:
    head = published.head("daily", Partition(LAST))
    follow(published.context, replace(head, build_id="0123456789abcdef"))
    catalogue = Glue(glue._client(), Places(published.database, str(published.context.warehouse.root)))
    for table in published.context.release.catalog.of_stage("daily"):
        assert catalogue.location(table, (head.partition, head.build_id)).endswith(f"/build={head.build_id}")


def test_a_catalogue_that_says_another_place_fails_the_publication(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Glue, "location", lambda *_: "s3://elsewhere")
    with pytest.raises(EngineError, match=r"points to s3://elsewhere in the glue, not to build \w+, which is published"):
        publish(published.context, published.head("daily", Partition(LAST)))


def test_in_both_catalogues_people_find_the_same_tables(
    published: Published, services: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTLEMENT_CATALOGUE", "metastore,glue")
    monkeypatch.setenv("SETTLEMENT_HIVE_PORT", services.environment()["SETTLEMENT_HIVE_PORT"])
    settings.cache_clear()
    head = published.head("daily", Partition(LAST))
    assert publish(published.context, head).outcome == "done"
    lake, client = Lake(services), glue._client()
    for table in published.context.release.catalog.of_stage("daily"):
        name = short_name(table)
        found = client.get_table(DatabaseName=published.database, Name=name)["Table"]
        told = [*found["StorageDescriptor"]["Columns"], *found["PartitionKeys"]]
        with lake.hive.cursor() as cursor:
            cursor.execute(f"DESCRIBE {published.database}.{name}")
            in_hive = cursor.fetchall()[: len(told)]
        assert [(column["Name"], column["Type"], column.get("Comment", "")) for column in told] == in_hive
        query = f"SELECT count(*) FROM {{}}.{published.database}.{name} WHERE dt = '{LAST}'"
        assert lake.in_trino(query.format("glue")) == lake.in_trino(query.format("hive"))
