"""From a plan to one SQL tree in Trino's words, with values as parameters and a partner's scope beside each table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from settlement.api.identity import Scope
from settlement.api.model import PARTNER, Model, type_of
from settlement.api.planning import Condition, Plan
from settlement.tables import Catalog

_FACT = "f"
_TIME = {"day": "dt", "month": "month", "version": "version"}
_OPERATORS = {"at_least": exp.GTE, "at_most": exp.LTE}
OWNER = "partner_id"  # the column that says whose a row is
_TYPES = {"BIGINT": "BIGINT", "DECIMAL(38,0)": "DECIMAL(38, 0)", "STRING": "VARCHAR"}


@dataclass(frozen=True)
class Tree:
    """A SELECT over tables named `schema.table`, and the values of its parameters by their names."""

    select: exp.Select
    values: Mapping[str, str | int]


@dataclass
class _Values:
    """Gives each value a parameter."""

    found: dict[str, str | int] = field(default_factory=dict)

    def bind(self, value: str | int) -> exp.Placeholder:
        name = f"p{len(self.found)}"
        self.found[name] = value
        return exp.Placeholder(this=name)


def tree_of(model: Model, catalog: Catalog, plan: Plan, scope: Scope, rows: int | None = None, skipped: int = 0) -> Tree:
    """The query of a plan. Every name in it comes from the model, every value of the question is a parameter.

    Args:
        scope: whose rows there may be.
        rows, skipped: the part of the answer that is wanted; default: all of it.
    """
    values = _Values()
    asked = {*plan.dimensions, *(c.dimension for c in plan.conditions)}
    dimensions = {name: _dimension(model, plan, name) for name in asked}
    keys = [exp.cast(dimensions[name].copy(), _sql_type(model, name)).as_(name, quoted=True) for name in plan.dimensions]
    figures = [_measure(model, catalog, plan, name).as_(name, quoted=True) for name in plan.measures]
    select = exp.select(*keys, *figures).from_(_fact(model, plan, scope, values))
    for lookup in _lookups(model, asked):
        select = _joined(select, model, lookup, scope, values)
    for condition in plan.conditions:
        select = select.where(_condition(dimensions[condition.dimension].copy(), condition, values))
    if keys:
        select = select.group_by(*(dimensions[name].copy() for name in plan.dimensions))
    else:
        select = select.having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(0)))
    ordered = [exp.Ordered(this=exp.column(name, quoted=True), desc=is_down, nulls_first=False) for name, is_down in plan.order]
    select = select.order_by(*ordered) if ordered else select
    if rows is not None:
        select = select.limit(rows)
    if skipped:
        select = select.offset(skipped)
    return Tree(select, dict(values.found))


def _sql_type(model: Model, dimension: str) -> exp.DataType:
    return exp.DataType.build("VARCHAR" if model.dimensions[dimension].type == "text" else "BIGINT")


def _fact(model: Model, plan: Plan, scope: Scope, values: _Values) -> exp.Subquery:
    """The source's own rows, cut down beside the table itself: nothing that is asked can widen them."""
    source = model.sources[plan.source]
    conditions: list[exp.Expr] = []
    if model.is_scoped(plan.source) and not scope.is_all:
        conditions.append(_owned(source.columns[PARTNER], scope, values))
    conditions += [_column(None, name).eq(values.bind(value)) for name, value in sorted(source.only.items())]
    return _rows(source.table, [exp.Star()], conditions, _FACT)


def _rows(table: str, columns: Sequence[exp.Expr], conditions: Iterable[exp.Expr], alias: str) -> exp.Subquery:
    schema, name = table.split(".")
    rows = exp.select(*columns).from_(exp.table_(name, db=schema, quoted=True))
    for condition in conditions:
        rows = rows.where(condition)
    return rows.subquery(exp.to_identifier(alias, quoted=True))


def _owned(column: str, scope: Scope, values: _Values) -> exp.In:
    """The condition that a row is one of the scope's partners'."""
    return exp.In(this=_column(None, column), expressions=[values.bind(partner) for partner in sorted(scope.partners)])


def _lookups(model: Model, dimensions: Iterable[str]) -> list[str]:
    """The tables of the catalogue that dimensions need, each after the one that leads to it."""
    found: list[str] = []

    def add(lookup: str) -> None:
        if through := model.catalogue[lookup].through:
            add(through)
        if lookup not in found:
            found.append(lookup)

    for name in sorted(dimensions):
        if of := model.dimensions[name].of:
            add(of)
    return found


def _joined(select: exp.Select, model: Model, lookup: str, scope: Scope, values: _Values) -> exp.Select:
    entry = model.catalogue[lookup]
    used = {d.column for d in model.dimensions.values() if d.of == lookup and d.column}
    later = {other.key for other in model.catalogue.values() if other.through == lookup}
    columns = [_column(None, name) for name in sorted({entry.key, *used, *later})]
    conditions = [_owned(entry.key, scope, values)] if entry.key == OWNER and not scope.is_all else []
    alias = _alias(lookup)
    rows = _rows(entry.table, columns, conditions, alias)
    left = _column(_alias(entry.through) if entry.through else _FACT, entry.key)
    return select.join(rows, on=left.eq(_column(alias, entry.key)), join_type="left")


def _alias(lookup: str) -> str:
    return f"of_{lookup}"


def _dimension(model: Model, plan: Plan, name: str) -> exp.Expr:
    """A dimension as an expression that is never null."""
    dimension, source = model.dimensions[name], model.sources[plan.source]
    if dimension.time == "month" and source.time == "day":
        start, length = exp.Literal.number(1), exp.Literal.number(7)
        return exp.Substring(this=_column(_FACT, "dt"), start=start, length=length)
    if dimension.time:
        return _column(_FACT, _TIME[dimension.time])
    if dimension.of:
        assert dimension.column is not None
        nothing = exp.Literal.string("") if dimension.type == "text" else exp.Literal.number(0)
        return exp.Coalesce(this=_column(_alias(dimension.of), dimension.column), expressions=[nothing])
    return _column(_FACT, source.columns[name])


def _measure(model: Model, catalog: Catalog, plan: Plan, name: str) -> exp.Expr:
    way = model.measures[name].ways[plan.source]
    figure: exp.Expr
    if way.sum:
        figure = exp.Sum(this=_column(_FACT, way.sum))
    elif way.distinct:
        figure = exp.Count(this=exp.Distinct(expressions=[_column(_FACT, way.distinct)]))
    else:
        figure = exp.Count(this=exp.Star())
    return exp.cast(figure, exp.DataType.build(_TYPES[type_of(catalog, model, plan.source, name)]))


def _condition(dimension: exp.Expr, condition: Condition, values: _Values) -> exp.Expr:
    bound = [values.bind(value) for value in dict.fromkeys(condition.values)]
    if condition.op in _OPERATORS:
        return _OPERATORS[condition.op](this=dimension, expression=bound[0])
    among = exp.In(this=dimension, expressions=bound)
    return exp.Not(this=among) if condition.op == "not_in" else among


def _column(table: str | None, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(table, quoted=True) if table else None)
