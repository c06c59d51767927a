"""Column lineage: which columns of what a query reads give each of its columns, read from the SQL itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from sqlglot import exp
from sqlglot.lineage import Node
from sqlglot.lineage import lineage as traced

from settlement.engines.dialect import Hive4
from settlement.tables import Catalog, Table


class How(IntEnum):
    """What becomes of a value on its way into a column; the later the more."""

    IDENTITY = 0  # the value itself, at most of another type
    TRANSFORMATION = 1  # computed from it
    AGGREGATION = 2  # computed from it over many rows


@dataclass(frozen=True, order=True)
class Source:
    """A column that gives a value to another."""

    table: str
    column: str
    how: How


def sources(catalog: Catalog, table: Table) -> dict[str, tuple[Source, ...]]:
    """For each column of a table: the columns that its value is made from, of the tables that the query reads.

    What only decides which rows there are (joins, filters, groups) is no source. Empty for a column that is a constant, and
    for a table without a query: what landed, reference data and the ledger's postings are where lineage ends.
    """
    if table.tree is None:
        return {column.name: () for column in table.columns}
    nodes = traced(None, table.tree, schema=_schema(catalog, table.inputs), dialect=Hive4)
    return {column.name: _sources(nodes[column.name]) for column in table.columns}


def _schema(catalog: Catalog, names: tuple[str, ...]) -> dict[str, dict[str, dict[str, str]]]:
    schema: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for name in names:
        table = catalog[name]
        database, _, short = name.partition(".")
        schema[database][short] = {c.name: c.type for c in table.columns} | table.partition_types
    return schema


def _sources(node: Node) -> tuple[Source, ...]:
    strongest: dict[tuple[str, str], How] = {}
    for table, column, how in _walk(node, How.IDENTITY):
        strongest[table, column] = max(how, strongest.get((table, column), how))
    return tuple(sorted(Source(table, column, how) for (table, column), how in strongest.items()))


def _walk(node: Node, how: How) -> Iterator[tuple[str, str, How]]:
    if isinstance(node.expression, exp.Table):
        yield f"{node.expression.db}.{node.expression.name}", node.name.rpartition(".")[2], how
        return
    how = max(how, _how(node.expression))
    for source in node.downstream:
        yield from _walk(source, how)


def _how(projection: exp.Expr) -> How:
    value = projection.unalias()
    while isinstance(value, exp.Cast | exp.Paren):
        value = value.this
    if isinstance(value, exp.Column | exp.Query):
        return How.IDENTITY
    return How.AGGREGATION if value.find(exp.AggFunc) else How.TRANSFORMATION
