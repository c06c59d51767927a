"""From the Hive dialect of query.sql to an engine's SQL: dialect, macros, parameters, table names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property

import sqlglot
from sqlglot import exp
from sqlglot.dialects.hive import Hive
from sqlglot.generators.hive import HiveGenerator

from settlement.engines.literals import hive_text, sql_text
from settlement.engines.macros import EXACT, MACROS, Target, checked


class Hive4(Hive):
    """Hive 4 sorts NULL last (first when descending); stock sqlglot believes the opposite."""

    NULL_ORDERING = "nulls_are_large"

    class Generator(HiveGenerator):
        """Writes text constants as `hive_text` does."""

        def literal_sql(self, expression: exp.Literal) -> str:
            return hive_text(expression.this) if expression.is_string else super().literal_sql(expression)


DIALECTS: dict[Target, str | type[Hive4]] = {"duckdb": "duckdb", "hive": Hive4, "trino": "trino"}
_GIVEN = "given"  # on an expanded macro: the arguments that aren't macros themselves, those of nested ones included


def expand_macros(tree: exp.Expr, target: Target) -> exp.Expr:
    """Replace macro calls (FLOOR_DIV, MUL, EPOCH_DAY, DAY_TEXT) by the engine's expressions, innermost first."""
    dialect = DIALECTS[target]
    calls = [node for node in tree.find_all(exp.Anonymous) if node.name.upper() in MACROS]
    for call in sorted(calls, key=lambda node: node.depth, reverse=True):
        name = call.name.upper()
        text = MACROS[name](target, *(argument.sql(dialect) for argument in call.expressions))
        given = list(dict.fromkeys(leaf for argument in call.expressions for leaf in _leaves(argument, dialect)))
        if target == "hive" and name in EXACT and not _is_exact(call.parent):
            text = checked(text, given)
        expanded = sqlglot.parse_one(text, read=dialect).transform(_remark)
        if name in EXACT:
            expanded.meta[_GIVEN] = given
        call.replace(expanded)
    return tree


def _leaves(argument: exp.Expr, dialect: str | type[Hive4]) -> list[str]:
    if _GIVEN in argument.meta:
        found: list[str] = argument.meta[_GIVEN]
        return found
    return [] if isinstance(argument, exp.Literal) else [argument.sql(dialect)]


def _is_exact(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() in EXACT


class Query:
    """One SELECT in the Hive dialect, rendered for an engine once and then filled with parameters."""

    def __init__(self, source: exp.Expr | Callable[[], exp.Expr]) -> None:
        """`source` is the tree, or gives it when it is first needed: a task rarely needs all of a catalogue's."""
        self._source = source
        self._templates: dict[Target, tuple[str, str]] = {}

    @cached_property
    def tree(self) -> exp.Expr:
        return self._source if isinstance(self._source, exp.Expr) else self._source()

    def render(self, target: Target, params: Mapping[str, str | int]) -> str:
        """The engine's SQL: one SELECT, its CTEs in front.

        Args:
            target: the engine's dialect.
            params: values of the named parameters; text or int.

        Raises:
            KeyError: a parameter of the query has no value.
        """
        return " ".join(filter(None, self.parts(target, params)))

    def parts(self, target: Target, params: Mapping[str, str | int]) -> tuple[str, str]:
        """The same in two: `WITH …`, or nothing, and the SELECT. Hive wants an INSERT between them."""
        if target not in self._templates:
            self._templates[target] = self._template(target)
        ctes, select = (_MARK.sub(lambda match: _literal(target, params[match[1]]), part) for part in self._templates[target])
        return ctes, select

    def _template(self, target: Target) -> tuple[str, str]:
        tree = expand_macros(_strict(self.tree.transform(_mark)), target)
        ctes = tree.args.get("with_")
        tree.set("with_", None)
        # Words that one engine reserves are names in another.
        texts = [
            part.sql(dialect=DIALECTS[target], comments=False, identify=target != "duckdb") if part else ""
            for part in (ctes, tree)
        ]
        return texts[0], texts[1]


# Private-use characters around a parameter's name: no query holds any.
_MARK = re.compile("\ue000([a-z_]+)\ue001")


def _mark(node: exp.Expr) -> exp.Expr:
    return exp.Var(this=f"\ue000{node.name}\ue001") if isinstance(node, exp.Placeholder) else node


def _remark(node: exp.Expr) -> exp.Expr:
    """What `_mark` marked was written out and read again as a column's name: engines would quote it."""
    return exp.Var(this=node.name) if isinstance(node, exp.Column) and _MARK.fullmatch(node.name) else node


def _strict(tree: exp.Expr) -> exp.Expr:
    """Hive's CAST gives NULL where a value doesn't fit: on the other engines it is an error."""
    for cast in list(tree.find_all(exp.TryCast)):
        cast.replace(exp.Cast(this=cast.this, to=cast.args["to"]))
    return tree


def _literal(target: Target, value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return hive_text(value) if target == "hive" else sql_text(value)
