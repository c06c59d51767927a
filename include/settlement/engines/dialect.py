"""From the Hive dialect of query.sql to an engine's SQL: dialect, macros, parameters, table names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.hive import Hive

from settlement.engines.macros import MACROS, Target


class Hive4(Hive):
    """Hive 4 sorts NULL last (first when descending); stock sqlglot believes the opposite."""

    NULL_ORDERING = "nulls_are_large"


def expand_macros(tree: exp.Expression, target: Target) -> exp.Expression:
    """Replace macro calls (FLOOR_DIV, MUL, EPOCH_DAY, DAY_TEXT) by the engine's expressions, innermost first."""
    calls = [node for node in tree.find_all(exp.Anonymous) if node.name.upper() in MACROS]
    for call in sorted(calls, key=lambda node: node.depth, reverse=True):
        text = MACROS[call.name.upper()](target, *(argument.sql(target) for argument in call.expressions))
        call.replace(sqlglot.parse_one(text, read=target))
    return tree


def translate(
    tree: exp.Expression,
    target: Target,
    params: Mapping[str, str | int],
    tables: Mapping[str, str] | None = None,
) -> str:
    """Render a parsed SELECT for `target`.

    Args:
        tree: a SELECT in the Hive dialect, left unchanged.
        target: the engine's dialect.
        params: values of the named parameters; text or int.
        tables: new names of tables, by `schema.table`; others keep theirs.

    Raises:
        KeyError: a parameter of the query has no value.
    """

    def bind(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Placeholder):
            value: Any = params[node.name]
            return exp.Literal.number(value) if isinstance(value, int) else exp.Literal.string(value)
        if tables and isinstance(node, exp.Table) and (new := tables.get(f"{node.db}.{node.name}")):
            renamed = sqlglot.to_table(new, dialect=target)
            renamed.set("alias", node.args.get("alias"))
            return renamed
        return node

    return expand_macros(tree.transform(bind), target).sql(dialect=target)
