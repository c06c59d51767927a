"""Pins in a query: each table that it names becomes the rows of the builds that are pinned, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from settlement.engines.places import BUILD, Pin, short_name
from settlement.tables import Table

Inputs = Mapping[Table, Sequence[Pin]]


def pin_tables(tree: exp.Expr, inputs: Inputs, database: str) -> exp.Expr:
    """The query over the tables of builds.

    `ods.play AS p` becomes `(SELECT … FROM <database>.ods_play WHERE build IN (…)) AS p`. The id of a build is its own; the
    days beside it are there for engines that look partitions up by the first key. A table without pins has no rows.

    Args:
        tree: the query; it isn't changed.
        inputs: the builds of every table that the query names.
        database: the database of builds.

    Raises:
        KeyError: the query names a table that `inputs` lacks.
    """
    by_name = {table.name: table for table in inputs}
    pinned = tree.copy()
    for node in list(pinned.find_all(exp.Table)):
        if node.db:
            table = by_name[f"{node.db}.{node.name}"]
            node.replace(_rows(table, inputs[table], database, node.alias or node.name))
    return pinned


def _rows(table: Table, pins: Sequence[Pin], database: str, alias: str) -> exp.Subquery:
    names = [*(column.name for column in table.columns), *table.partition_types]
    select = exp.select(*(exp.column(name, quoted=True) for name in names)).from_(exp.table_(short_name(table), db=database))
    return select.where(_condition(pins)).subquery(alias)


def _condition(pins: Sequence[Pin]) -> exp.Expr:
    if not pins:
        return exp.EQ(this=exp.Literal.number(1), expression=exp.Literal.number(0))
    builds = _among(BUILD, sorted({build_id for _, build_id in pins}))
    keys = sorted({partition.key for partition, _ in pins if partition is not None})
    if not keys:
        return builds
    name = "month" if len(keys[0]) == 7 else "dt"
    return exp.and_(_between(name, keys[0], keys[-1]), builds)


def _among(name: str, values: Sequence[str]) -> exp.Expr:
    column = exp.column(name, quoted=True)
    if len(values) == 1:
        return column.eq(exp.Literal.string(values[0]))
    return exp.In(this=column, expressions=[exp.Literal.string(value) for value in values])


def _between(name: str, first: str, last: str) -> exp.Expr:
    column = exp.column(name, quoted=True)
    if first == last:
        return column.eq(exp.Literal.string(first))
    return exp.Between(this=column, low=exp.Literal.string(first), high=exp.Literal.string(last))
