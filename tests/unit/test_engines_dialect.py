"""What query.sql becomes for Hive and Trino: names, constants, macros, and the check that stands where Hive would answer NULL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlglot

from settlement import pipeline
from settlement.engines.dialect import Hive4, Query
from settlement.engines.literals import hive_text, sql_text
from settlement.settings import sql_dir
from settlement.tables import Catalog, Table, load
from settlement.warehouse import Partition

HOSTILE = "x'; DROP TABLE t; -- # \n!quit ${hiveconf:a} \\ é 가 😀 \t\0\r \" ` /* */ ---"


def rendered(sql: str, target: str, **params: str | int) -> str:
    return Query(sqlglot.parse_one(sql, read=Hive4)).render(target, params)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(sql_dir())


def queried(catalog: Catalog) -> Iterator[Table]:
    return (table for table in catalog.tables.values() if table.select is not None)


def parameters(table: Table) -> dict[str, str | int]:
    partition = Partition("2024-03-10") if "dt" in table.partition_types else Partition("2024-03", 7)
    return pipeline.parameters(partition)


# -- constants -----------------------------------------------------------------------------------------------------------


def test_a_hive_constant_is_one_line_of_plain_ascii() -> None:
    text = hive_text(HOSTILE)
    inside = text[1:-1]
    assert text[0] == text[-1] == "'"
    assert inside.isascii()
    assert not any(sign in inside for sign in ("'", ";", "--", "#", "!", "$", "\n", "\0", '"', "`"))


def test_a_hive_constant_says_what_it_was_given() -> None:
    # Hive's \uXXXX is a UTF-16 unit, as Python reads a pair of surrogates.
    inside = hive_text(HOSTILE)[1:-1]
    assert inside.encode().decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16") == HOSTILE


def test_plain_text_stays_readable() -> None:
    assert hive_text("s3://bucket/a_b/dt=2024-03-10") == "'s3://bucket/a_b/dt=2024-03-10'"
    assert hive_text("") == "''"


def test_a_constant_for_trino_doubles_its_quotes() -> None:
    assert sql_text("a'b\\") == "'a''b\\'"


@pytest.mark.parametrize(("target", "shown"), [("hive", hive_text(HOSTILE)), ("trino", sql_text(HOSTILE))])
def test_a_parameter_is_quoted_for_its_engine(target: str, shown: str) -> None:
    assert rendered("SELECT CAST(:p AS STRING) AS a", target, p=HOSTILE).count(shown) == 1


def test_a_constant_of_a_query_is_quoted_as_a_parameter_is() -> None:
    assert "'a\\u003Bb'" in rendered("SELECT 'a;b' AS a", "hive")


# -- names and types -----------------------------------------------------------------------------------------------------


def test_names_are_quoted_so_that_no_engine_s_reserved_word_is_in_the_way() -> None:
    sql = "SELECT a.`rows` FROM mart.usage AS a"
    assert rendered(sql, "hive") == "SELECT `a`.`rows` FROM `mart`.`usage` AS `a`"
    assert rendered(sql, "trino") == 'SELECT "a"."rows" FROM "mart"."usage" AS "a"'


def test_a_parameter_in_a_macro_is_no_name() -> None:
    assert "CAST('2024-03-10' AS DATE)" in rendered("SELECT EPOCH_DAY(:dt) AS a", "hive", dt="2024-03-10")
    assert "TRY_CAST('2024-03-10' AS DATE)" in rendered("SELECT EPOCH_DAY(:dt) AS a", "trino", dt="2024-03-10")


def test_a_cast_that_doesn_t_fit_is_an_error_on_trino() -> None:
    assert rendered("SELECT CAST(a AS BIGINT) AS a FROM t", "trino") == 'SELECT CAST("a" AS BIGINT) AS "a" FROM "t"'


def test_null_is_sorted_alike_when_descending() -> None:
    sql = "SELECT row_number() OVER (ORDER BY a DESC) AS n FROM t"
    assert "NULLS FIRST" in rendered(sql, "trino")  # Trino's own is last, Hive's first
    assert "NULLS" not in rendered(sql, "hive")


def test_hive_gets_the_ctes_apart() -> None:
    query = Query(sqlglot.parse_one("WITH a AS (SELECT 1 AS x) SELECT x FROM a WHERE x = :x", read=Hive4))
    assert query.parts("hive", {"x": 1}) == ("WITH `a` AS (SELECT 1 AS `x`)", "SELECT `x` FROM `a` WHERE `x` = 1")
    assert query.render("hive", {"x": 1}) == " ".join(query.parts("hive", {"x": 1}))
    assert Query(sqlglot.parse_one("SELECT 1 AS x", read=Hive4)).parts("hive", {})[0] == ""


@pytest.mark.parametrize("target", ["hive", "trino"])
def test_every_query_renders_without_a_macro_or_a_parameter_left(target: str, catalog: Catalog) -> None:
    for table in queried(catalog):
        assert table.select is not None
        sql = table.select.render(target, parameters(table))  # type: ignore[arg-type]
        assert not any(word in sql for word in ("FLOOR_DIV", "MUL(", "EPOCH_DAY", "DAY_TEXT", "\ue000", "TRY_CAST(:"))
        assert len(sqlglot.parse(sql, read=Hive4 if target == "hive" else target)) == 1


def test_duckdb_s_names_stay_unquoted() -> None:
    assert rendered("SELECT a.b FROM mart.usage AS a", "duckdb") == "SELECT a.b FROM mart.usage AS a"


# -- overflow on Hive ----------------------------------------------------------------------------------------------------


def test_hive_checks_nested_macros_once_at_the_outermost() -> None:
    sql = rendered("SELECT FLOOR_DIV(MUL(MUL(a, 1000000), b), c) AS x FROM t", "hive")
    assert sql.count("ASSERT_TRUE(FALSE)") == 1
    for name in ("a", "b", "c"):
        assert sql.count(f"NOT `{name}` IS NULL") == 1
    assert "NOT 1000000" not in sql


def test_hive_checks_macros_that_stand_apart_each_by_itself() -> None:
    assert rendered("SELECT MUL(a, b) + FLOOR_DIV(c, d) AS x FROM t", "hive").count("ASSERT_TRUE(FALSE)") == 2


def test_the_check_asks_for_the_text_since_hive_would_drop_a_question_for_null() -> None:
    sql = rendered("SELECT MUL(a, b) AS x FROM t", "hive")
    assert "CONCAT_WS('', CAST((CAST(`a` AS DECIMAL(38, 0)) * CAST(`b` AS DECIMAL(38, 0))) AS STRING)) = ''" in sql


@pytest.mark.parametrize("target", ["trino", "duckdb"])
def test_engines_that_refuse_by_themselves_get_no_check(target: str) -> None:
    assert "ASSERT_TRUE" not in rendered("SELECT MUL(a, b) AS x FROM t", target).upper()
