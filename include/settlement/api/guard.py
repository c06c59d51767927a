"""The last look at a query before an engine gets it: known tables only, and of those with partners the caller's rows alone."""

from __future__ import annotations

from sqlglot import exp

from settlement.api.identity import Scope
from settlement.api.model import Model
from settlement.api.problems import Forbidden
from settlement.api.tree import OWNER, Tree
from settlement.tables import Catalog


def require_scope(tree: Tree, model: Model, catalog: Catalog, scope: Scope) -> None:
    """Refuse a query that could give rows beyond a scope, however it came about.

    Raises:
        Forbidden: it reads a table that the model doesn't name, or rows that aren't the caller's.
    """
    owned = {source.table for name, source in model.sources.items() if model.is_scoped(name)}
    names = {lookup.table for lookup in model.catalogue.values()}
    known = {source.table for source in model.sources.values()} | names
    for node in tree.select.find_all(exp.Table):
        name = f"{node.db}.{node.name}"
        if name not in known or node.catalog:
            raise _refused(name)
        if scope.is_all:
            continue
        has_owner = any(column.name == OWNER for column in catalog[name].columns)
        is_safe = _is_cut(node, tree, scope) if has_owner else name in names
        if not is_safe or name not in owned | names:
            raise _refused(name)


def _is_cut(node: exp.Table, tree: Tree, scope: Scope) -> bool:
    """Whether the SELECT that reads a table reads nothing else, and takes the scope's partners of it alone."""
    select = node.parent_select
    if not isinstance(select, exp.Select) or select.args.get("joins"):
        return False
    where = select.args.get("where")
    conditions = list(where.this.flatten()) if where and isinstance(where.this, exp.And) else [where.this] if where else []
    return any(_is_owner_condition(condition, tree, scope) for condition in conditions)


def _is_owner_condition(condition: exp.Expr, tree: Tree, scope: Scope) -> bool:
    if not isinstance(condition, exp.In) or not isinstance(condition.this, exp.Column) or condition.this.name != OWNER:
        return False
    values = [tree.values.get(value.name) for value in condition.expressions if isinstance(value, exp.Placeholder)]
    return len(values) == len(condition.expressions) > 0 and set(values) == set(scope.partners)


def _refused(name: str) -> Forbidden:
    return Forbidden(f"the query would read {name} beyond what the caller may see", "this is a defect of the service: report it")
