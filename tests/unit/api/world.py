"""A small world in DuckDB: every table that the model names, with rows of five partners; and questions about it."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

from settlement.api.identity import Scope
from settlement.api.model import packaged
from settlement.api.planning import Plan
from settlement.api.statement import for_duckdb, schema_of
from settlement.api.tree import Tree
from settlement.engines.files import arrow_schema
from settlement.tables import Table
from settlement.warehouse import Partition

MODEL, CATALOG = packaged()
PARTNERS = (0, 1, 2, 3, 4)
MINE = 3
ALL, OWN = Scope(is_all=True), Scope(frozenset({MINE}))
MONTH, DAYS = "2026-02", ("2026-02-01", "2026-02-28")
_TABLES = sorted({s.table for s in MODEL.sources.values()} | {k.table for k in MODEL.catalogue.values()})
_TEXTS = {
    "product_id": ["P", "A"], "right_type": ["producer", "author", "performer"], "kind": ["royalty", "unmatched"], "device": ["", "app"],
    "country": ["", "KR"], "bucket": ["qualified", "duplicate"], "title": ["곡", "O'Brien", '"; --', "%"], "label": ["", "레이블"],
    "service": ["sub_stream", "ad_stream"], "cohort": ["new"], "winner": ["unit_leg", "rev_leg"], "name": ["이름"],
}  # fmt: skip
_KEYS = {"ods.product": ("product_id", ["P", "A"]), "ods.track": ("track_id", [1, 2, 3]), "ods.album": ("album_id", [1, 2])}
_KEYS["ods.partner"] = ("partner_id", list(PARTNERS))


def world(partners: tuple[int, ...] = PARTNERS) -> duckdb.DuckDBPyConnection:
    """A connection to the tables; with rows of some partners only, but otherwise the same ones."""
    con = duckdb.connect()
    dice = random.Random(7)
    for name in _TABLES:
        rows = [row for row in _rows(dice, CATALOG[name]) if row.get("partner_id", partners[0]) in partners]
        table = pa.Table.from_pylist(rows, schema=_schema(CATALOG[name]))
        schema = name.split(".")[0]
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        con.register("given", table)
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
        con.unregister("given")
    return con


def _schema(table: Table) -> pa.Schema:
    kinds = {"STRING": pa.string(), "BIGINT": pa.int64()}
    return pa.schema([*arrow_schema(table), *(pa.field(name, kinds[kind]) for name, kind in table.partition_types.items())])


def _rows(dice: random.Random, table: Table) -> list[dict[str, Any]]:
    if table.name in _KEYS:
        key, values = _KEYS[table.name]
        return [{**_row(dice, table), key: value, "dt": DAYS[-1]} for value in values]
    return [_row(dice, table) for _ in range(60)]


def _row(dice: random.Random, table: Table) -> dict[str, Any]:
    row = {column.name: _value(dice, column.name, column.type) for column in table.columns}
    if "dt" in table.partition_types:
        return {**row, "dt": dice.choice(DAYS)}
    return {**row, "month": MONTH, "version": 1}


def _value(dice: random.Random, name: str, kind: str) -> Any:
    if name == "partner_id":
        return dice.choice(PARTNERS)
    if kind == "STRING":
        return dice.choice(_TEXTS.get(name, ["x", "y"]))
    if kind == "BOOLEAN":
        return True
    return (
        dice.choice([1, 2, 3]) if name.endswith("_id") else dice.randrange(10**6) * (10**25 if kind.startswith("DECIMAL") else 1)
    )


def answered(con: duckdb.DuckDBPyConnection, plan: Plan, tree: Tree) -> list[tuple[Any, ...]]:
    """The rows of a query, its parameters bound."""
    pins = {CATALOG[name]: [(Partition(DAYS[0]), "build")] for name in _TABLES}
    statement = for_duckdb(tree, schema_of(MODEL, CATALOG, plan), pins)
    return con.execute(statement.text, list(statement.values)).fetchall()


HOSTILE = (
    "' OR 1=1 --", "x' UNION SELECT * FROM mart.settlement_line --", "3) OR (1=1", '"; DROP TABLE ods.partner; --', "?", "$1", ":p0", "p0",
    "\\", "''", "%", "_", "NULL", "partner_id", "2 OR partner_id = 1", "곡", "O'Brien", "", "-- ", "/*", "*/", "\u200b", "１", "@@x",
)  # fmt: skip
_NAMES = [*MODEL.measures, *MODEL.dimensions]
_OPS = ["in", "in", "not_in", "at_least", "at_most"]
_text = st.one_of(st.sampled_from(["P", "A", "producer", "royalty", *DAYS]), st.sampled_from(HOSTILE), st.text(max_size=9))
_number = st.sampled_from([*PARTNERS, *PARTNERS, 10**18, -1])
_foreign = st.sampled_from(["partner_id", "*", "f.partner_id", "mart.pool", "1; SELECT 1", *_NAMES])


@st.composite
def _filter(draw: st.DrawFn, dimensions: list[str]) -> dict[str, Any]:
    name = draw(st.sampled_from([*dimensions, "partner"]))
    is_number = MODEL.dimensions[name].type == "id" and draw(st.integers(0, 19)) > 0
    op = draw(st.sampled_from(_OPS))
    values = draw(st.lists(_number if is_number else _text, min_size=1, max_size=4 if op.endswith("in") else 1))
    return {"dimension": name, "op": op, "values": values}


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """Questions, most of which a partner may ask; some name what isn't there, isn't theirs, or would be a wrong sum."""
    scoped = [name for name in MODEL.sources if MODEL.is_scoped(name)]
    source = draw(st.sampled_from([*scoped, *scoped, *MODEL.sources]))
    dimensions = [name for name in MODEL.dimensions_of(source) if name != "version"]
    own = [name for name, measure in MODEL.measures.items() if source in measure.ways]
    asked = {
        "measures": draw(st.lists(st.sampled_from(own), min_size=1, max_size=3, unique=True)),
        "dimensions": draw(st.lists(st.sampled_from(dimensions), max_size=5, unique=True)),
        "period": {"from": MONTH, "to": MONTH},
        "filters": draw(st.lists(_filter(dimensions), max_size=2)),
        "limit": draw(st.one_of(st.none(), st.integers(1, 50))),
    }
    if draw(st.integers(0, 19)) == 0:
        asked[draw(st.sampled_from(["measures", "dimensions"]))].append(draw(_foreign))
    names = [*asked["measures"], *asked["dimensions"]]
    return {**asked, "order": draw(st.lists(st.sampled_from([*names, *(f"-{name}" for name in names)]), max_size=1))}
