"""From the Hive dialect of query.sql to an engine's SQL: dialect, macros, parameters, table names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.dialects.hive import Hive

from settlement.engines.macros import MACROS, Target


class Hive4(Hive):
    """Hive 4 sorts NULL last (first when descending); stock sqlglot believes the opposite."""

    NULL_ORDERING = "nulls_are_large"


def expand_macros(tree: exp.Expr, target: Target) -> exp.Expr:
    """Replace macro calls (FLOOR_DIV, MUL, EPOCH_DAY, DAY_TEXT) by the engine's expressions, innermost first."""
    calls = [node for node in tree.find_all(exp.Anonymous) if node.name.upper() in MACROS]
    for call in sorted(calls, key=lambda node: node.depth, reverse=True):
        text = MACROS[call.name.upper()](target, *(argument.sql(target) for argument in call.expressions))
        call.replace(sqlglot.parse_one(text, read=target))
    return tree


class Query:
    """One SELECT in the Hive dialect, rendered for an engine once and then filled with parameters."""

    def __init__(self, tree: exp.Expr) -> None:
        self.tree = tree
        self._templates: dict[Target, str] = {}

    def render(self, target: Target, params: Mapping[str, str | int]) -> str:
        """The engine's SQL.

        Args:
            target: the engine's dialect.
            params: values of the named parameters; text or int.

        Raises:
            KeyError: a parameter of the query has no value.
        """
        if target not in self._templates:
            tree = expand_macros(_strict(self.tree.transform(_mark)), target)
            self._templates[target] = tree.sql(dialect=target, comments=False)
        return _MARK.sub(lambda match: _literal(params[match[1]]), self._templates[target])


# Private-use characters around a parameter's name: no query holds any.
_MARK = re.compile("\ue000([a-z_]+)\ue001")


def _mark(node: exp.Expr) -> exp.Expr:
    return exp.Var(this=f"\ue000{node.name}\ue001") if isinstance(node, exp.Placeholder) else node


def _strict(tree: exp.Expr) -> exp.Expr:
    """Hive's CAST gives NULL where a value doesn't fit: here it is an error."""
    for cast in list(tree.find_all(exp.TryCast)):
        cast.replace(exp.Cast(this=cast.this, to=cast.args["to"]))
    return tree


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"
