"""A table's query as Hive's INSERT: over pinned builds, into the partition of one build."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from settlement.engines import ddl
from settlement.engines.dialect import Query
from settlement.engines.literals import hive_name
from settlement.engines.pinned import Inputs, pin_tables
from settlement.engines.places import BUILD, Pin, Places, full_name, keys
from settlement.tables import Table


def insert(table: Table, pin: Pin, inputs: Inputs, params: Mapping[str, str | int], places: Places) -> str:
    """`WITH … INSERT OVERWRITE TABLE … PARTITION (…) SELECT …`: Hive wants a query's CTEs in front of the INSERT.

    Args:
        table: a table with a query.
        pin: the partition and build that are written; the partition must have been added at its location.
        inputs: the builds of every table that the query reads.
        params: values of the query's parameters.
        places: where builds lie.

    Raises:
        KeyError: a table without an entry in `inputs`, or a parameter without a value.
    """
    assert table.select is not None, "who asks has looked"
    ctes, select = Query(pin_tables(table.select.tree, inputs, places.builds)).parts("hive", params)
    target = ddl.spec({**keys(table, pin[0]), BUILD: pin[1]})
    text = f"{ctes} INSERT OVERWRITE TABLE {full_name(table, places.builds)} PARTITION ({target}) {select}".lstrip()
    if ends_in_union(table.select.tree):
        text += f" DISTRIBUTE BY {', '.join(map(hive_name, table.definition.grain))}"
    return text


def ends_in_union(tree: exp.Expr) -> bool:
    """Whether branches of a UNION may write the result side by side, with nothing behind them that gathers their rows.

    On Tez each branch then writes a folder of its own into the partition (`HIVE_UNION_SUBDIR_1`), which other engines don't
    look into: rows would be lost. A GROUP BY, DISTINCT or window gathers; a join may not.
    """
    ctes = {cte.alias: cte.this for cte in tree.find_all(exp.CTE)}

    def reaches(query: exp.Expr) -> bool:
        if isinstance(query, exp.SetOperation):
            return True
        if not isinstance(query, exp.Select) or _gathers(query):
            return False
        sources = [query.args["from_"].this, *(join.this for join in query.args.get("joins") or [])]
        return any(reaches(_source(source, ctes)) for source in sources)

    return reaches(tree)


def _gathers(select: exp.Select) -> bool:
    windows = any(projection.find(exp.Window) for projection in select.selects)
    return bool(select.args.get("group") or select.args.get("distinct") or windows)


def _source(source: exp.Expr, ctes: Mapping[str, exp.Expr]) -> exp.Expr:
    if isinstance(source, exp.Subquery):
        inner: exp.Expr = source.this
        return inner
    return ctes.get(source.name, source) if isinstance(source, exp.Table) and not source.db else source
