"""Definitions of tables: what is unsound is refused with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from settlement import tables
from settlement.engines.duckdb import DuckDBEngine, require_schema
from settlement.errors import EngineError, TableError
from settlement.settings import Settings, sql_dir

YAML = """\
description: plays of a day by product
rule: §2
owner: settlement
stage: daily
grain: [product_id]
partition: [dt]
reads:
  ods.play: same
columns:
  - name: product_id
    type: STRING
    unit: id
    description: product of the plays
  - name: plays
    type: BIGINT
    unit: plays
    description: number of plays
"""
SQL = """\
-- plays of a day by product
SELECT
  CAST(product_id AS STRING) AS product_id,
  CAST(count(*) AS BIGINT) AS plays
FROM ods.play
WHERE dt = :dt
GROUP BY product_id
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The package's tables and one more, `mart.extra`."""
    root = tmp_path / "sql"
    shutil.copytree(sql_dir(), root)
    extra = root / "mart" / "extra"
    extra.mkdir()
    (extra / "table.yaml").write_text(YAML, "utf-8")
    (extra / "query.sql").write_text(SQL, "utf-8")
    return root


def change(root: Path, name: str, old: str, new: str) -> None:
    path = root / "mart" / "extra" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def error_of(root: Path) -> str:
    with pytest.raises(TableError) as caught:
        tables.load(root)
    return str(caught.value)


def test_a_sound_tree_loads_in_dependency_order(tree: Path) -> None:
    catalog = tables.load(tree)
    assert catalog["mart.extra"].inputs == ("ods.play",)
    order = catalog.order(catalog.tables.keys())
    assert order.index("ods.play") < order.index("mart.extra")
    assert "mart.extra" in catalog.readers("ods.play")


def test_an_unknown_column_is_named_with_its_line(tree: Path) -> None:
    change(tree, "query.sql", "CAST(product_id AS", "CAST(produkt_id AS")
    assert "mart/extra/query.sql:3:" in error_of(tree)
    assert "produkt_id" in error_of(tree)


def test_an_unknown_table_is_named_with_its_line(tree: Path) -> None:
    change(tree, "query.sql", "FROM ods.play", "FROM ods.plai")
    assert "mart/extra/query.sql:5: reads unknown table ods.plai" in error_of(tree)


def test_a_missing_description_is_named_with_its_line(tree: Path) -> None:
    change(tree, "table.yaml", "    description: number of plays\n", "")
    assert "mart/extra/table.yaml:14: columns.1.description" in error_of(tree)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("CAST(count(*) AS BIGINT)", "CAST(count(*) AS STRING)", "query.sql:4: column plays is STRING, table.yaml declares BIGINT"),
        ("CAST(count(*) AS BIGINT)", "count(*)", "query.sql:4: column plays must be a CAST"),
        ("AS plays", "AS played", "column 2 is played, table.yaml declares plays"),
        (",\n  CAST(count(*) AS BIGINT) AS plays", "", "does not yield plays"),
        ("count(*) AS BIGINT", "count(*) / 2 AS BIGINT", "`/` is not exact on every engine"),
        ("count(*) AS BIGINT", "stddev(ms_played) AS BIGINT", "is not on the list of allowed functions"),
        ("CAST(product_id AS STRING)", "CAST(upper(product_id) AS STRING)", "query.sql:3: function UPPER is not on the list"),
        ("count(*) AS BIGINT", "CAST(count(*) AS DOUBLE) AS BIGINT", "query.sql:4: type DOUBLE is not exact or not portable"),
        ("GROUP BY product_id", "GROUP BY product_id; SELECT 1", "must be exactly one SELECT"),
        ("FROM ods.play", "FROM ods.play WHERE WHERE", "query.sql:5: not valid SQL"),
    ],
)  # fmt: skip
def test_a_query_off_the_dialect_or_the_declaration_is_refused(tree: Path, old: str, new: str, message: str) -> None:
    change(tree, "query.sql", old, new)
    assert message in error_of(tree)


def test_a_cte_that_is_read_twice_is_refused(tree: Path) -> None:
    sql = SQL.replace(
        "FROM ods.play\nWHERE dt = :dt", "FROM seen INNER JOIN (SELECT product_id AS p FROM seen) AS t ON p = product_id"
    )
    (tree / "mart/extra/query.sql").write_text(
        sql.replace("SELECT\n", "WITH seen AS (SELECT product_id FROM ods.play WHERE dt = :dt)\nSELECT\n", 1)
    )
    assert "seen is read 2 times" in error_of(tree)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: BIGINT", "type: INT", "table.yaml:14: column plays: type INT is not one of"),
        ("grain: [product_id]", "grain: [nothing]", "table.yaml:5: grain names nothing"),
        ("partition: [dt]", "partition: [day]", "partition is [dt], [month, version] or []"),
        ("  ods.play: same", "  ods.play: yesterday", "table.yaml:8: reads.ods.play"),
        ("reads:\n  ods.play: same\n", "", "says no window for ods.play"),
        ("  ods.play: same", "  ods.play: same\n  ods.track: same", "names ods.track, which neither the query nor a check reads"),
        ("stage: daily\n", "", "a table has a stage unless it is reference data"),
        ("name: plays", "name: product_id", "column product_id is declared twice"),
        ("owner: settlement", "owner: [", "not valid YAML"),
        ("rule: §2", "rule: §2\ncolour: red", "colour"),
    ],
)
def test_an_unsound_definition_is_refused(tree: Path, old: str, new: str, message: str) -> None:
    change(tree, "table.yaml", old, new)
    assert message in error_of(tree)


def test_a_circle_of_tables_is_refused(tree: Path) -> None:
    play = tree / "ods" / "play_copy"
    query = (play / "query.sql").read_text("utf-8")
    (play / "query.sql").write_text(
        query.replace("WHERE earlier > 0", "WHERE file IN (SELECT file FROM ods.play WHERE dt = :dt) OR earlier > 0")
    )
    definition = (play / "table.yaml").read_text("utf-8")
    (play / "table.yaml").write_text(definition.replace("reads:\n", "reads:\n  ods.play: same\n"))
    assert "read each other in a circle" in error_of(tree)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n", "checks.sql:1: SQL without a `-- check:"),
        ("-- check: one (fail): a meaning\nSELECT product_id FROM mart.extra\n", "check one has no SELECT that ends with `;`"),
        ("-- check: one (fail): a\nSELECT 1 AS x FROM mart.nothing;\n", "reads unknown table mart.nothing"),
        ("-- check: a (fail): a\nSELECT 1 AS x;\n-- check: a (warn): b\nSELECT 1 AS x;\n", "two checks carry one name"),
    ],
)
def test_unsound_checks_are_refused(tree: Path, text: str, message: str) -> None:
    (tree / "mart/extra/checks.sql").write_text(text, "utf-8")
    assert message in error_of(tree)


def test_a_file_of_undeclared_types_is_refused(tmp_path: Path) -> None:
    """DuckDB writes HUGEINT to Parquet as DOUBLE: money would be lost in silence."""
    catalog = tables.load(sql_dir())
    engine = DuckDBEngine(Settings(), tmp_path / "spill")
    target = tmp_path / "part-00000.parquet"
    with engine.session({}) as session:
        session.con.execute(f"COPY (SELECT 'qualified' AS bucket, sum(1) AS rows) TO '{target}' (FORMAT parquet)")
    with pytest.raises(EngineError, match="rows double, declared is bucket string, rows int64"):
        require_schema(catalog["mart.usage_buckets"], target)


def test_a_folder_without_tables_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no tables are there"):
        tables.read(tmp_path / "gone")
