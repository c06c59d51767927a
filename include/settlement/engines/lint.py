"""What a query may use: the functions and forms on which Hive, Trino and DuckDB agree, and types that are declared.

Every finding names file and line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify

from settlement.engines.dialect import Hive4
from settlement.engines.macros import MACROS
from settlement.errors import TableError

if TYPE_CHECKING:
    from settlement.tables import Table

ALLOWED: tuple[type[exp.Func], ...] = (
    exp.Cast, exp.Case, exp.If, exp.Coalesce, exp.Sum, exp.Count, exp.Min, exp.Max, exp.RowNumber, exp.Lead, exp.Abs,
    exp.And, exp.Or, exp.Exists, exp.Concat,
)  # fmt: skip
_FORBIDDEN: dict[type[exp.Expr], str] = {
    exp.Div: "`/` is not exact on every engine: use FLOOR_DIV",
    exp.IntDiv: "`DIV` differs between engines: use FLOOR_DIV",
    exp.Filter: "Hive has no FILTER: use a CASE",
    exp.Qualify: "Hive has no QUALIFY: use a subquery",
}
_FLOATS = {exp.DataType.Type.FLOAT, exp.DataType.Type.DOUBLE, exp.DataType.Type.TIMESTAMP}


def check_query(table: Table, tables: Mapping[str, Table]) -> None:
    """Refuse a query that engines would read differently, or that doesn't yield the declared columns and types."""
    assert table.tree is not None
    path = table.folder / "query.sql"
    _check_forms(path, table.tree)
    _check_ctes(path, table.tree)
    _check_output(path, table)
    _check_columns(path, table, tables)


def line_of(node: exp.Expr | None) -> int:
    """The line of the first token below `node` that knows one."""
    if node is not None:
        for part in node.walk():
            if "line" in part.meta:
                return int(part.meta["line"])
    return 1


def _check_forms(path: Path, tree: exp.Expr) -> None:
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if node.name.upper() not in MACROS:
                raise TableError(f"{path}:{line_of(node)}: function {node.name} is not on the list of allowed functions")
        elif isinstance(node, exp.Func) and not isinstance(node, ALLOWED):
            raise TableError(f"{path}:{line_of(node)}: function {node.sql_name()} is not on the list of allowed functions")
        for kind, reason in _FORBIDDEN.items():
            if isinstance(node, kind):
                raise TableError(f"{path}:{line_of(node)}: {reason}")
        if isinstance(node, exp.DataType) and node.this in _FLOATS:
            raise TableError(f"{path}:{line_of(node.parent)}: type {node.sql()} is not exact or not portable")


def _check_ctes(path: Path, tree: exp.Expr) -> None:
    reads = Counter(t.name for t in tree.find_all(exp.Table) if not t.db)
    for cte in tree.find_all(exp.CTE):
        if reads[cte.alias] != 1:
            raise TableError(
                f"{path}:{line_of(cte)}: {cte.alias} is read {reads[cte.alias]} times",
                "a CTE is read once (Trino inlines it): make it a table of its own, or use a window",
            )


def _check_output(path: Path, table: Table) -> None:
    tree = table.tree
    assert isinstance(tree, exp.Query)
    declared = [(c.name, c.type) for c in table.columns]
    for index, projection in enumerate(tree.selects):
        name = projection.alias_or_name
        line = line_of(projection)
        if index >= len(declared) or declared[index][0] != name:
            wanted = declared[index][0] if index < len(declared) else "nothing more"
            raise TableError(f"{path}:{line}: column {index + 1} is {name}, table.yaml declares {wanted}")
        cast = projection.unalias()
        if not isinstance(cast, exp.Cast):
            raise TableError(f"{path}:{line}: column {name} must be a CAST to its declared type {declared[index][1]}")
        given = cast.to.sql("hive").replace(" ", "")
        if given != declared[index][1].replace(" ", ""):
            raise TableError(f"{path}:{line}: column {name} is {given}, table.yaml declares {declared[index][1]}")
    if len(tree.selects) < len(declared):
        missing = [name for name, _ in declared[len(tree.selects) :]]
        raise TableError(f"{path}:{line_of(tree.selects[-1])}: does not yield {', '.join(missing)}")


def _check_columns(path: Path, table: Table, tables: Mapping[str, Table]) -> None:
    assert table.tree is not None
    schema: dict[str, Any] = {}
    for name in table.inputs:
        if name in tables:
            db, short = name.split(".")
            columns = {c.name: c.type for c in tables[name].columns} | tables[name].partition_types
            schema.setdefault(db, {})[short] = columns
    try:
        qualify(table.tree.copy(), schema=schema, dialect=Hive4, validate_qualify_columns=True)
    except OptimizeError as error:
        text = str(error).splitlines()[0]
        raise TableError(f"{path}:{_line_of_column(table.tree, text)}: {text}") from None


def _line_of_column(tree: exp.Expr, message: str) -> int:
    for column in tree.find_all(exp.Column):
        if f"'{column.name}'" in message or f"'{column.sql()}'" in message or f'"{column.name}"' in message:
            return line_of(column)
    return 1
