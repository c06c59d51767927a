"""The script that builds a stage on Hive: pins in the SQL, the order of its statements, and that nothing in it needs parsing."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from settlement import pipeline
from settlement.engines.dialect import Hive4, Query
from settlement.engines.insertion import ends_in_union
from settlement.engines.pinned import Inputs, pin_tables
from settlement.engines.places import Pin, Places
from settlement.engines.script import Script, stage_script
from settlement.settings import sql_dir
from settlement.tables import Catalog, load
from settlement.warehouse import Partition

PLACES = Places("settlement_dev", "s3://bucket/lake")
DAY = Partition("2024-03-10")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(sql_dir())


def inputs_of(catalog: Catalog, stage: str, pin: Pin) -> dict[str, list[Pin]]:
    names = {name for table in catalog.of_stage(stage) for name in table.inputs}
    return {
        name: [(None, "release")] if catalog[name].definition.source == "reference" else [pin]
        for name in sorted(names)
        if catalog[name].definition.stage != stage
    }


def script(catalog: Catalog, stage: str = "ods", build_id: str = "abc") -> Script:
    inputs: Inputs = {catalog[name]: pins for name, pins in inputs_of(catalog, stage, (DAY, "raw1")).items()}
    return stage_script(catalog, stage, DAY, build_id, inputs, pipeline.parameters(DAY), PLACES)


# -- pins ----------------------------------------------------------------------------------------------------------------


def pinned(catalog: Catalog, sql: str, pins: list[Pin], name: str = "ods.product") -> str:
    tree = pin_tables(sqlglot.parse_one(sql, read=Hive4), {catalog[name]: pins}, "d_build")
    return Query(tree).render("hive", {})


def test_a_table_becomes_the_rows_of_its_pins_under_the_same_name(catalog: Catalog) -> None:
    sql = pinned(catalog, "SELECT d.name FROM ods.product AS d", [(DAY, "abc")])
    assert sql == (
        "SELECT `d`.`name` FROM (SELECT `product_id`, `name`, `service`, `cohort`, `list_price_krw`, `dt` "
        "FROM `d_build`.`ods_product` WHERE `dt` = '2024-03-10' AND `build` = 'abc') AS `d`"
    )
    assert pinned(catalog, "SELECT product.name FROM ods.product", [(DAY, "abc")]).endswith(") AS `product`")


def test_without_pins_there_are_no_rows(catalog: Catalog) -> None:
    assert "WHERE 1 = 0" in pinned(catalog, "SELECT name FROM ods.product", [])


def test_many_pins_are_a_range_of_days_and_their_builds(catalog: Catalog) -> None:
    pins: list[Pin] = [(Partition(day), f"b{day[-2:]}") for day in pipeline.days_of("2024-02")]
    sql = pinned(catalog, "SELECT name FROM ods.product", pins)
    assert "WHERE `dt` BETWEEN '2024-02-01' AND '2024-02-29' AND `build` IN ('b01', 'b02'" in sql
    assert sql.count("'b") == 29


def test_reference_data_is_pinned_by_its_release(catalog: Catalog) -> None:
    assert "WHERE `build` = 'hash'" in pinned(catalog, "SELECT source FROM ref.rate_card", [(None, "hash")], "ref.rate_card")


def test_a_table_that_nobody_pinned_is_an_error(catalog: Catalog) -> None:
    with pytest.raises(KeyError, match=r"ods\.track"):
        pinned(catalog, "SELECT title FROM ods.track", [(DAY, "abc")])


def test_the_query_itself_stays_as_it_is(catalog: Catalog) -> None:
    tree = catalog["ods.play"].tree
    assert tree is not None
    before = tree.sql(Hive4)
    pin_tables(tree, {catalog[name]: [] for name in catalog["ods.play"].inputs}, "d_build")
    assert tree.sql(Hive4) == before


def test_pins_choose_exactly_their_rows(catalog: Catalog) -> None:
    """Builds of one day side by side, and one of another day."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA d_build")
    con.execute(
        "CREATE TABLE d_build.ods_advance (advance_id TEXT, partner_id BIGINT, granted_on TEXT, amount_krw BIGINT, dt TEXT, build TEXT)"
    )
    for day, build in [("2024-03-09", "a"), ("2024-03-09", "b"), ("2024-03-10", "c"), ("2024-03-11", "d")]:
        con.execute("INSERT INTO d_build.ods_advance VALUES (?, 1, '', 1, ?, ?)", [build, day, build])
    tree = sqlglot.parse_one("SELECT advance_id FROM ods.advance", read=Hive4)

    def found(*pins: Pin) -> list[str]:
        query = Query(pin_tables(tree, {catalog["ods.advance"]: pins}, "d_build"))
        return sorted(row[0] for row in con.execute(query.render("duckdb", {})).fetchall())

    assert found((Partition("2024-03-09"), "b"), (Partition("2024-03-10"), "c")) == ["b", "c"]
    assert found((Partition("2024-03-09"), "a"), (Partition("2024-03-11"), "d")) == ["a", "d"]
    assert found() == []


# -- the script ----------------------------------------------------------------------------------------------------------


def test_tables_stand_before_their_partitions_and_these_before_their_rows(catalog: Catalog) -> None:
    kinds = [statement.split(" ", 2)[0] if "INSERT" not in statement else "INSERT" for statement in script(catalog).statements]
    assert [kind for number, kind in enumerate(kinds) if not number or kinds[number - 1] != kind] == [
        "SET",
        "CREATE",
        "ALTER",
        "INSERT",
    ]


def test_every_table_of_the_stage_is_filled_after_those_that_it_reads(catalog: Catalog) -> None:
    inserts = [statement for statement in script(catalog).statements if "INSERT OVERWRITE" in statement]
    names = [statement.split("`settlement_dev_build`.`")[-1] for statement in inserts]
    assert len(names) == len(catalog.of_stage("ods"))
    targets = [statement.split("INSERT OVERWRITE TABLE ")[1].split(" ")[0] for statement in inserts]
    assert targets.index("`settlement_dev_build`.`ods_play_copy`") < targets.index("`settlement_dev_build`.`ods_play`")
    play = inserts[targets.index("`settlement_dev_build`.`ods_play`")]
    assert play.startswith("WITH ")
    assert "FROM `settlement_dev_build`.`ods_play_copy` WHERE `dt` = '2024-03-10' AND `build` = 'abc'" in play
    assert "FROM `settlement_dev_build`.`raw_play` WHERE `dt` = '2024-03-10' AND `build` = 'raw1'" in play
    assert (
        "INSERT OVERWRITE TABLE `settlement_dev_build`.`ods_play` PARTITION (`dt` = '2024-03-10', `build` = 'abc') SELECT" in play
    )


def test_builds_are_registered_where_a_warehouse_on_disk_has_them(catalog: Catalog) -> None:
    found = script(catalog)
    place = "s3://bucket/lake/tables/ods/play/dt=2024-03-10/build=abc"
    assert found.outputs["ods.play"] == place
    assert any(f"(`dt` = '2024-03-10', `build` = 'abc') LOCATION '{place}'" in statement for statement in found.statements)
    assert any(
        "(`build` = 'release') LOCATION 's3://bucket/lake/tables/ref/service_rule/build=release'" in s for s in found.statements
    )


@pytest.mark.parametrize("stage", ["ods", "daily"])
def test_a_statement_is_a_line_that_nobody_has_to_parse(catalog: Catalog, stage: str) -> None:
    """Semicolons end statements, and only they."""
    found = script(catalog, stage)
    assert found.text.isascii()
    assert found.text.count(";") == found.text.count("\n") == len(found.statements)
    for line in found.text.splitlines():
        assert "--" not in line
        assert "${" not in line
        assert line.split(" ")[0] in {"SET", "CREATE", "ALTER", "WITH", "INSERT"}


def test_what_no_query_fills_is_said(catalog: Catalog) -> None:
    month = Partition("2024-03", 1)
    names = inputs_of(catalog, "statements", (month, "x"))
    inputs: Inputs = {catalog[name]: [] for name in names}
    found = stage_script(catalog, "statements", month, "abc", inputs, pipeline.parameters(month), PLACES)
    assert found.unfilled == ("mart.posting",)
    assert "mart.posting" in found.outputs


def test_a_table_reads_its_own_month_before(catalog: Catalog) -> None:
    """The carry: an earlier month's build of the same table, pinned, beside the one that is written."""
    month = Partition("2024-03", 1)
    names = {*inputs_of(catalog, "pools", (month, "x")), "mart.revenue_carry"}
    inputs: Inputs = {catalog[name]: [(Partition("2024-02", 2), "old")] if name == "mart.revenue_carry" else [] for name in names}
    found = stage_script(catalog, "pools", month, "new", inputs, pipeline.parameters(month), PLACES)
    (carry,) = [s for s in found.statements if "INSERT OVERWRITE TABLE `settlement_dev_build`.`mart_revenue_carry`" in s]
    assert "`month` BETWEEN '2024-02' AND '2024-03' AND `build` IN ('new', 'old')" in carry


def test_the_same_work_is_the_same_script(catalog: Catalog) -> None:
    assert script(catalog).sha256 == script(catalog).sha256
    assert script(catalog).sha256 != script(catalog, build_id="abd").sha256


# -- folders of unions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "ends"),
    [
        ("SELECT a FROM x.y", False),
        ("SELECT a FROM x.y UNION ALL SELECT a FROM x.z", True),
        ("WITH u AS (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) SELECT a FROM u", True),
        ("WITH u AS (SELECT a FROM x.y UNION ALL SELECT a FROM x.z), v AS (SELECT a FROM u) SELECT a FROM v WHERE a > 0", True),
        ("SELECT a FROM (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) AS u", True),
        ("SELECT b.a FROM x.y AS b INNER JOIN (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) AS u ON u.a = b.a", True),
        ("WITH u AS (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) SELECT a, sum(a) AS s FROM u GROUP BY a", False),
        ("WITH u AS (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) SELECT DISTINCT a FROM u", False),
        ("WITH u AS (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) SELECT row_number() OVER (ORDER BY a) AS n FROM u", False),
        ("WITH u AS (SELECT a FROM x.y UNION ALL SELECT a FROM x.z) SELECT b.a FROM x.y AS b WHERE EXISTS (SELECT 1 FROM u)", False),
    ],
)  # fmt: skip
def test_a_union_that_may_write_side_by_side_is_seen(sql: str, ends: bool) -> None:
    tree = sqlglot.parse_one(sql, read=Hive4)
    assert isinstance(tree, exp.Query)
    assert ends_in_union(tree) is ends


def test_such_a_table_is_gathered_before_it_is_written(catalog: Catalog) -> None:
    month = Partition("2024-03", 1)
    names = inputs_of(catalog, "lines", (month, "x"))
    found = stage_script(catalog, "lines", month, "abc", {catalog[n]: [] for n in names}, pipeline.parameters(month), PLACES)
    (share,) = [s for s in found.statements if "INSERT OVERWRITE TABLE `settlement_dev_build`.`mart_month_share`" in s]
    assert share.endswith(" DISTRIBUTE BY `track_id`, `right_type`, `partner_id`, `from_day`")
    (line,) = [s for s in found.statements if "INSERT OVERWRITE TABLE `settlement_dev_build`.`mart_settlement_line`" in s]
    assert "DISTRIBUTE BY" not in line


def test_engines_import_no_client_until_it_is_used() -> None:
    for name in ("hive", "trino"):
        text = (Path(sql_dir()).parent / "settlement" / "engines" / f"{name}.py").read_text("utf-8")
        top = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
        assert not any(
            "pyhive" in line or "TCLIService" in line or line.startswith(("import trino", "from trino")) for line in top
        )
