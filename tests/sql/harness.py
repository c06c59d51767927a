"""Reads a fixture, puts its rows into typed in-memory tables of DuckDB and runs the table's query or checks on them.

A fixture `tests/sql/<schema>/<table>/<case>.yaml` holds
- `rule`: the section; `what`: one sentence
- `params`: `dt`, or `month` and `version`; first_day and the like follow from them. `catalogue_day` beside a month is the
  snapshot that a restatement reads; without it, it is the month's last day
- `given`: rows of the inputs, by table; an input that isn't named is an empty table
- `expect`: the table's rows, in any order; or `error`: a part of the message with which the query must stop
- `defaults`, `expect_defaults`: what rows leave out. Behind them stands defaults.yaml of this folder, and a partition column
  that is left out is that of the partition which is built (`dt` in a month: its last day)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from settlement import pipeline
from settlement.engines.duckdb import Session
from settlement.engines.files import TYPES, literal, quote
from settlement.tables import Catalog, Table, load
from settlement.warehouse import Partition
from tests.sql.rows import Field as RowField
from tests.sql.rows import FixtureError, Row, Value, fields_of, whole

HERE = Path(__file__).parent
SQL = HERE.parents[1] / "include" / "sql"
_databases = count(1)

RowsByTable = dict[str, list[Row]]
Answer = Counter[tuple[Value, ...]]


class _Loader(yaml.CSafeLoader):
    """Safe YAML in which a date stays the text that it is."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class Given(BaseModel):
    """What fixtures of queries and of checks have in common."""

    model_config = ConfigDict(extra="forbid")

    params: dict[str, str | int] = Field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = Field(default_factory=dict)
    given: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)


class _CaseFile(Given):
    rule: str = Field(min_length=2)
    what: str = Field(min_length=8)
    expect: list[dict[str, Any]] | None = None
    expect_defaults: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Case:
    """A fixture of a query: whole, typed rows by input, and what must come out."""

    path: Path
    table: Table
    params: Mapping[str, str | int]
    given: RowsByTable
    expect: Answer
    error: str | None


@cache
def catalog() -> Catalog:
    """The tables under include/sql."""
    return load(SQL)


@cache
def shared_defaults() -> dict[str, dict[str, Any]]:
    """Neutral values by input table, for every fixture."""
    return read_yaml(HERE / "defaults.yaml")


def read_yaml(path: Path) -> dict[str, Any]:
    """A yaml file that holds one mapping; raises FixtureError that names it."""
    try:
        document = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise FixtureError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(document, dict):
        raise FixtureError(f"{path}: must hold a mapping")
    return document


def case_paths(table: Table) -> list[Path]:
    """The fixtures of a table's query."""
    schema, name = table.name.split(".")
    return sorted((HERE / schema / name).glob("*.yaml"))


def read_case(table: Table, path: Path) -> Case:
    """One fixture of a table's query; raises FixtureError that names the yaml."""
    try:
        file = _CaseFile.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise FixtureError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if (file.expect is None) == (file.error is None):
        raise FixtureError(f"{path}: must say either what to expect or the error")
    params = parameters(table, file.params, path)
    given = rows_by_table(file, params, table.inputs, path)
    columns = fields_of(catalog(), table.name)[: len(table.columns)]
    expect = Counter(tuple(row.values()) for row in whole(columns, file.expect or [], file.expect_defaults, f"{path}: expect"))
    return Case(path, table, params, given, expect, file.error)


def parameters(table: Table, params: Mapping[str, Any], path: Path) -> dict[str, str | int]:
    """All named parameters of the partition that a fixture names."""
    partition = table.definition.partition
    optional = {"catalogue_day"} if "month" in partition else set()
    if not set(partition) <= set(params) <= {*partition, *optional}:
        raise FixtureError(f"{path}: params must be {' and '.join(partition)}{', perhaps catalogue_day' if optional else ''}")
    built = Partition(params.get("dt") or params["month"], params.get("version", 0))
    return pipeline.parameters(built, params.get("catalogue_day"))


def rows_by_table(file: Given, params: Mapping[str, str | int], inputs: Sequence[str], path: Path) -> RowsByTable:
    """Whole rows of every input, those that the fixture doesn't name without any."""
    for name in {*file.given, *file.defaults} - set(inputs):
        raise FixtureError(f"{path}: {name} is not read: there are {', '.join(inputs)}")
    return {
        name: list(
            whole(fields_of(catalog(), name), file.given.get(name, []), row_defaults(name, file, params), f"{path}: {name}")
        )
        for name in inputs
    }


def row_defaults(name: str, file: Given, params: Mapping[str, str | int]) -> dict[str, Any]:
    """What a row of a table takes for the columns that it leaves out."""
    own = {"dt": params.get("dt", params.get("last_day")), "month": params.get("month"), "version": params.get("version")}
    partition = {f.name: own[f.name] for f in fields_of(catalog(), name) if own.get(f.name) is not None}
    return partition | shared_defaults().get(name, {}) | file.defaults.get(name, {})


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False})


@contextmanager
def session(rows: RowsByTable, params: Mapping[str, str | int]) -> Iterator[Session]:
    """A session in which exactly these tables stand; the connection is the process's, the database goes at the end."""
    name = f"fixture_{next(_databases)}"
    con = _connection().cursor()
    con.execute(f"ATTACH ':memory:' AS {name}")
    con.execute(f"USE {name}")
    try:
        for table, given in rows.items():
            con.execute(_table_sql(table, given))
        yield Session(con, params)
    finally:
        con.execute("USE memory")
        con.execute(f"DETACH {name}")
        con.close()


def _table_sql(name: str, rows: Sequence[Row]) -> str:
    fields: Sequence[RowField] = fields_of(catalog(), name)
    columns = ", ".join(f"{quote(f.name)} {TYPES[f.type]}" for f in fields)
    sql = f"CREATE SCHEMA IF NOT EXISTS {name.split('.', maxsplit=1)[0]}; CREATE TABLE {name} ({columns});"
    if rows:
        values = ", ".join("(" + ", ".join(map(_sql, row.values())) + ")" for row in rows)
        sql += f"INSERT INTO {name} VALUES {values};"
    return sql


def _sql(value: Value) -> str:
    if value is None:
        return "NULL"
    return literal(value) if isinstance(value, str) else str(value)


def answer(open_session: Session, table: Table) -> Answer:
    """The rows of the table's query, counted; raises duckdb.Error."""
    rows = open_session.con.execute(open_session.select(table)).fetchall()
    return Counter(tuple(int(v) if isinstance(v, Decimal) else v for v in row) for row in rows)


def difference(table: Table, expect: Answer, found: Answer) -> str:
    """Rows that are missing and rows that are too many, readable; empty when there are none."""
    names = [c.name for c in table.columns]

    def shown(sign: str, rows: Answer) -> list[str]:
        return [f"{sign} {dict(zip(names, row, strict=True))}" for row in sorted(rows.elements(), key=repr)]

    return "\n".join([*shown("missing:   ", expect - found), *shown("unexpected:", found - expect)])
