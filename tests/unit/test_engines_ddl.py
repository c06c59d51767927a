"""Hive's DDL: what table.yaml becomes, and which change of a table is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from settlement.engines import ddl, pointers
from settlement.engines.places import Places, keys
from settlement.errors import EngineError
from settlement.settings import sql_dir
from settlement.tables import Column, Definition, Table, load
from settlement.warehouse import Partition

DAY = ["dt"]
MONTH = ["month", "version"]
PLACES = Places("settlement_dev", "s3://bucket/lake")


def table(*columns: tuple[str, str] | tuple[str, str, bool], partition: list[str] | None = None) -> Table:
    listed = [
        Column(name=name, type=kind, unit="id", description="what it is", nullable=bool(rest and rest[0]))
        for name, kind, *rest in columns
    ]
    definition: dict[str, Any] = {
        "description": "Rows of a day; it's a test.",
        "rule": "§2",
        "owner": "us",
        "stage": "ods",
        "grain": ["a"],
        "partition": DAY if partition is None else partition,
        "columns": [column.model_dump() for column in listed],
    }
    return Table("ods.play", Path("ods/play"), Definition.model_validate(definition), None, ())


A, B = ("a", "BIGINT"), ("b", "DECIMAL(38,0)")


def existing(
    *columns: tuple[str, str], keyed: tuple[tuple[str, str], ...] = (("dt", "string"), ("build", "string"))
) -> list[tuple[str, str]]:
    return [*columns, *keyed]


# -- creating ------------------------------------------------------------------------------------------------------------


def test_a_table_of_builds() -> None:
    assert ddl.create(table(A, B), "d_build", "s3://bucket/lake/tables/ods/play") == (
        "CREATE EXTERNAL TABLE IF NOT EXISTS `d_build`.`ods_play` "
        "(`a` BIGINT COMMENT 'what it is (id)', `b` DECIMAL(38,0) COMMENT 'what it is (id)') "
        "COMMENT 'Rows of a day\\u003B it\\u0027s a test.' "
        "PARTITIONED BY (`dt` STRING, `build` STRING) STORED AS PARQUET LOCATION 's3://bucket/lake/tables/ods/play' "
        "TBLPROPERTIES ('external.table.purge' = 'false')"
    )


@pytest.mark.parametrize(
    ("partition", "by_build", "shown"),
    [
        (MONTH, True, "PARTITIONED BY (`month` STRING, `version` BIGINT, `build` STRING)"),
        (MONTH, False, "PARTITIONED BY (`month` STRING, `version` BIGINT) STORED"),
        ([], True, "PARTITIONED BY (`build` STRING)"),
    ],
)
def test_partitions_are_those_of_the_table_and_the_build(partition: list[str], by_build: bool, shown: str) -> None:
    assert shown in ddl.create(table(A, partition=partition), "d", "s3://b/x", by_build=by_build)


def test_reference_data_for_people_has_no_partitions() -> None:
    assert "PARTITIONED" not in ddl.create(table(A, partition=[]), "d", "s3://b/x", by_build=False)


def test_every_table_has_ddl_whose_comments_a_metastore_takes() -> None:
    for one in load(sql_dir()).tables.values():
        text = ddl.create(one, "d", "s3://b/x")
        assert all(column.name in text for column in one.columns)
        assert max(map(len, re.findall(r"COMMENT '([^']*)'", text))) < 1000
        assert ";" not in text


# -- changing ------------------------------------------------------------------------------------------------------------


def test_an_unchanged_table_needs_nothing() -> None:
    found = existing(("a", "bigint"), ("b", "decimal(38,0)"))
    assert ddl.changes(table(A, B), "d", found) == []


def test_a_new_nullable_column_at_the_end_is_added_to_all_partitions() -> None:
    found = existing(("a", "bigint"))
    assert ddl.changes(table(A, ("c", "STRING", True)), "d", found) == [
        "ALTER TABLE `d`.`ods_play` ADD COLUMNS (`c` STRING COMMENT 'what it is (id)') CASCADE"
    ]


@pytest.mark.parametrize(
    ("found", "message", "what_to_do"),
    [
        ([("a", "bigint")], "new column b is not nullable", "nullable: true"),
        ([("a", "bigint"), ("b", "decimal(38,0)"), ("c", "string")], "column c is gone from table.yaml", "never removed"),
        ([("a", "string"), ("b", "decimal(38,0)")], "column a is STRING, table.yaml declares BIGINT", "never changed"),
        ([("b", "decimal(38,0)"), ("a", "bigint")], "column a stands in another place", "new columns come last"),
    ],
)
def test_any_other_change_is_refused_with_table_column_and_what_to_do(
    found: list[tuple[str, str]], message: str, what_to_do: str
) -> None:
    with pytest.raises(EngineError) as refused:
        ddl.changes(table(A, B), "d", existing(*found))
    assert "ods.play in d" in refused.value.message
    assert message in refused.value.message
    assert what_to_do in refused.value.hint


def test_a_nullable_column_in_the_middle_is_refused() -> None:
    with pytest.raises(EngineError, match="stands in another place"):
        ddl.changes(table(A, ("c", "STRING", True), B), "d", existing(("a", "bigint"), ("b", "decimal(38,0)")))


def test_another_partitioning_is_refused() -> None:
    with pytest.raises(EngineError, match="not partitioned by dt, build"):
        ddl.changes(table(A), "d", existing(("a", "bigint"), keyed=(("dt", "string"),)))
    with pytest.raises(EngineError, match="not partitioned by dt, build"):
        ddl.changes(table(A), "d", [])


def test_describe_ends_where_the_partitions_begin() -> None:
    rows = [
        ("a", "bigint", "x"),
        ("dt", "string", None),
        ("", None, None),
        ("# Partition Information", None, None),
        ("dt", "string", ""),
    ]
    assert ddl.described(rows) == [("a", "bigint"), ("dt", "string")]


# -- partitions and pointers ---------------------------------------------------------------------------------------------


def test_partitions_are_added_a_hundred_at_a_time() -> None:
    many = [({"dt": f"2024-{n:03}", "build": "b"}, f"s3://b/{n}") for n in range(201)]
    statements = ddl.add_partitions(table(A), "d", many)
    assert [statement.count("PARTITION (") for statement in statements] == [100, 100, 1]
    assert statements[2] == (
        "ALTER TABLE `d`.`ods_play` ADD IF NOT EXISTS PARTITION (`dt` = '2024-200', `build` = 'b') LOCATION 's3://b/200'"
    )


def test_a_pointer_is_added_where_there_is_none_and_set_in_any_case() -> None:
    statements = pointers.switch(PLACES, table(A, partition=MONTH), (Partition("2024-03", 2), "abc"))
    place = "s3://bucket/lake/tables/ods/play/month=2024-03/version=2/build=abc"
    keyed = "PARTITION (`month` = '2024-03', `version` = 2)"
    assert statements == [
        f"ALTER TABLE `settlement_dev`.`ods_play` ADD IF NOT EXISTS {keyed} LOCATION '{place}'",
        f"ALTER TABLE `settlement_dev`.`ods_play` {keyed} SET LOCATION '{place}'",
    ]


def test_reference_data_is_pointed_to_as_a_whole() -> None:
    one = table(A, partition=[])
    assert pointers.switch(PLACES, one, (None, "abc")) == [
        "ALTER TABLE `settlement_dev`.`ods_play` SET LOCATION 's3://bucket/lake/tables/ods/play/build=abc'"
    ]


def test_the_location_is_read_back() -> None:
    assert pointers.location_in([("# Detailed", None, None), ("Location:           ", "s3://b/x ", None)]) == "s3://b/x"
    with pytest.raises(EngineError, match="no location"):
        pointers.location_in([("Owner:", "me", None)])


# -- places --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database", ["", "Settlement", "a-b", "a;b", "1a", "a b"])
def test_a_database_that_a_metastore_wouldn_t_take_is_refused(database: str) -> None:
    with pytest.raises(EngineError, match="database"):
        Places(database, "s3://bucket/lake")


@pytest.mark.parametrize("root", ["", "/tmp/lake", "s3://bucket/lake/"])
def test_a_root_that_is_no_address_is_refused(root: str) -> None:
    with pytest.raises(EngineError, match="warehouse"):
        Places("d", root)


def test_a_build_id_can_t_leave_its_table() -> None:
    with pytest.raises(EngineError, match="no build id"):
        PLACES.location(table(A), (Partition("2024-03-10"), "../x"))


def test_a_month_is_no_partition_of_a_table_of_days() -> None:
    with pytest.raises(EngineError, match="partitioned by dt"):
        keys(table(A), Partition("2024-03", 1))
