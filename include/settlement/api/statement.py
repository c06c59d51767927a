"""From a tree to an engine's statement: its text, the values to bind in the order of the text, and what comes back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from settlement.api.model import Model, type_of
from settlement.api.planning import Plan
from settlement.api.tree import Tree
from settlement.engines.dialect import DIALECTS, expand_macros
from settlement.engines.macros import Target
from settlement.engines.pinned import pin_tables
from settlement.engines.places import Pin
from settlement.tables import Catalog, Table

if TYPE_CHECKING:
    import pyarrow as pa

# Private-use characters around a parameter's name: no text of the model holds any.
_MARK = re.compile("\ue000(p[0-9]+)\ue001")


@dataclass(frozen=True)
class Statement:
    """What an engine is asked.

    Attributes:
        text: one SELECT with `?` for each value.
        values: to bind, in order.
        schema: of the answer: text, 64-bit integers, 38-digit decimals.
        pins: the builds that it reads, by table.
    """

    text: str
    values: tuple[str | int, ...]
    schema: pa.Schema
    pins: Mapping[Table, Sequence[Pin]]


def for_duckdb(tree: Tree, schema: pa.Schema, pins: Mapping[Table, Sequence[Pin]]) -> Statement:
    """The statement over views named `schema.table`, which are the pinned builds' files."""
    text, values = _rendered(tree.select, tree.values, "duckdb")
    return Statement(text, values, schema, _used(tree.select, pins))


def for_trino(tree: Tree, schema: pa.Schema, pins: Mapping[Table, Sequence[Pin]], database: str) -> Statement:
    """The statement over the tables of builds in a metastore's database, by pins."""
    text, values = _rendered(pin_tables(tree.select, pins, database), tree.values, "trino")
    return Statement(text, values, schema, _used(tree.select, pins))


def schema_of(model: Model, catalog: Catalog, plan: Plan) -> pa.Schema:
    """The columns of an answer: dimensions, then measures."""
    import pyarrow as pa

    kinds = {"text": pa.string(), "id": pa.int64(), "BIGINT": pa.int64(), "DECIMAL(38,0)": pa.decimal128(38, 0)}
    keys = [pa.field(name, kinds[model.dimensions[name].type], nullable=False) for name in plan.dimensions]
    figures = [
        pa.field(name, kinds[type_of(catalog, model, plan.source, name)], metadata={"unit": model.measures[name].unit})
        for name in plan.measures
    ]
    return pa.schema([*keys, *figures])


def _used(select: exp.Select, pins: Mapping[Table, Sequence[Pin]]) -> dict[Table, Sequence[Pin]]:
    names = {f"{node.db}.{node.name}" for node in select.find_all(exp.Table)}
    return {table: found for table, found in pins.items() if table.name in names}


def _rendered(tree: exp.Expr, values: Mapping[str, str | int], target: Target) -> tuple[str, tuple[str | int, ...]]:
    marked = expand_macros(tree.transform(_mark), target)
    text = marked.sql(dialect=DIALECTS[target], comments=False)
    return _MARK.sub("?", text), tuple(values[name] for name in _MARK.findall(text))


def _mark(node: exp.Expr) -> exp.Expr:
    return exp.Var(this=f"\ue000{node.name}\ue001") if isinstance(node, exp.Placeholder) else node
