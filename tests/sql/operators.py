"""What a mistake can be: each operator sees one node of a query and yields what it would change there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from sqlglot import exp

from settlement.engines.dialect import Hive4

# Words for the change, and the change itself, made to the same node in a copy of the tree.
Change = tuple[str, Callable[[exp.Expr], object]]
Operator = Callable[[exp.Expr], Iterator[Change]]
Comparison = type[exp.LT | exp.LTE | exp.GT | exp.GTE | exp.EQ | exp.NEQ]

_WIDTH = 90
_FLIPPED: dict[type[exp.Expr], tuple[Comparison, str]] = {
    exp.LT: (exp.LTE, "<="),
    exp.LTE: (exp.LT, "<"),
    exp.GT: (exp.GTE, ">="),
    exp.GTE: (exp.GT, ">"),
    exp.EQ: (exp.NEQ, "<>"),
    exp.NEQ: (exp.EQ, "="),
}
_OTHER_PARAMETER = {
    "first_day": "last_day",
    "last_day": "first_day",
    "catalogue_day": "last_day",
    "month": "previous_month",
    "previous_month": "month",
}
_OTHER_AGGREGATE: dict[type[exp.Expr], type[exp.Sum | exp.Max | exp.Min]] = {
    exp.Sum: exp.Max,
    exp.Max: exp.Min,
    exp.Min: exp.Max,
}


def _text(node: exp.Expr | None) -> str:
    text = " ".join(node.sql(dialect=Hive4).split()) if node is not None else ""
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _around(node: exp.Expr) -> str:
    """What makes a small node recognisable: the smallest thing with a name around it."""
    parent = node.parent
    while isinstance(parent, exp.Neg | exp.Paren | exp.Cast | exp.TryCast) and parent.parent is not None:
        parent = parent.parent
    if isinstance(parent, exp.If) and isinstance(parent.parent, exp.Case):
        return f"WHEN {_text(parent.this)} THEN {_text(parent.args['true'])}"
    return _text(parent)


def _become(other: exp.Expr, node: exp.Expr) -> None:
    node.replace(other.copy())


def _become_part(key: str, node: exp.Expr) -> None:
    node.replace(node.args[key])


def _pop_item(key: str, number: int, node: exp.Expr) -> None:
    node.args[key][number].pop()


def _set(values: dict[str, object], node: exp.Expr) -> None:
    for key, value in values.items():
        node.set(key, value)


def drop_predicate(node: exp.Expr) -> Iterator[Change]:
    """A condition of WHERE, HAVING, ON, or one arm of AND and OR, is forgotten."""
    if isinstance(node, exp.And | exp.Or):
        for side, other in (("this", "expression"), ("expression", "this")):
            if not isinstance(node.args[side], type(node)):  # else its own arms are dropped
                yield f"drop {_text(node.args[side])}", partial(_become_part, other)
    if isinstance(node, exp.Where | exp.Having) and not isinstance(node.this, exp.And):
        yield f"drop {_text(node)}", lambda n: n.pop()
    if isinstance(node, exp.Join) and node.args.get("on") and not isinstance(node.args["on"], exp.And):
        yield f"drop ON {_text(node.args['on'])}", partial(_set, {"on": exp.true()})


def flip_comparison(node: exp.Expr) -> Iterator[Change]:
    """A bound is moved by one, or a condition is turned round."""
    if type(node) in _FLIPPED:
        kind, sign = _FLIPPED[type(node)]
        yield f"{_text(node)} → {sign}", partial(_compare, kind)
    if isinstance(node, exp.Between):
        yield f"{_text(node)} → above the lower bound", partial(_bound, exp.GT, exp.LTE)
        yield f"{_text(node)} → below the upper bound", partial(_bound, exp.GTE, exp.LT)
        yield f"{_text(node)} → no lower bound", partial(_bound, None, exp.LTE)
        yield f"{_text(node)} → no upper bound", partial(_bound, exp.GTE, None)
    if isinstance(node, exp.Not):
        yield f"{_text(node)} → without NOT", partial(_become_part, "this")
    if isinstance(node, exp.Is) and not isinstance(node.parent, exp.Not):
        yield f"{_text(node)} → IS NOT", partial(_become, exp.Not(this=node.copy()))
    if isinstance(node, exp.In):
        for number, item in enumerate(node.expressions):
            yield f"{_text(node)} → without {_text(item)}", partial(_pop_item, "expressions", number)


def _compare(kind: Comparison, node: exp.Expr) -> None:
    node.replace(kind(this=node.this, expression=node.expression))


def _bound(low: Comparison | None, high: Comparison | None, node: exp.Expr) -> None:
    parts = [
        kind(this=node.this.copy(), expression=node.args[end]) for kind, end in ((low, "low"), (high, "high")) if kind is not None
    ]
    node.replace(exp.and_(*parts))


def swap_join(node: exp.Expr) -> Iterator[Change]:
    """LEFT JOIN ↔ INNER JOIN."""
    if isinstance(node, exp.Join) and node.side == "LEFT":
        yield f"LEFT JOIN {_text(node.this)} → INNER JOIN", partial(_set, {"side": None, "kind": "INNER"})
    if isinstance(node, exp.Join) and node.kind == "INNER":
        yield f"INNER JOIN {_text(node.this)} → LEFT JOIN", partial(_set, {"side": "LEFT", "kind": None})


def change_constant(node: exp.Expr) -> Iterator[Change]:
    """A number is one off, a text another, a parameter its neighbour."""
    if isinstance(node, exp.Literal) and node.is_int and not isinstance(node.parent, exp.DataTypeParam):
        for other in (int(node.this) + 1, int(node.this) - 1):
            yield f"{_around(node)}: {node.this} → {other}", partial(_become, exp.Literal.number(other))
    if isinstance(node, exp.Literal) and node.is_string:
        yield f"{_around(node)}: '{node.this}' → '{node.this}~'", partial(_become, exp.Literal.string(f"{node.this}~"))
    if isinstance(node, exp.Placeholder) and node.name in _OTHER_PARAMETER:
        name = _OTHER_PARAMETER[node.name]
        yield f"{_around(node)}: :{node.name} → :{name}", partial(_become, exp.Placeholder(this=name))


def change_case(node: exp.Expr) -> Iterator[Change]:
    """Two results are swapped, a WHEN is forgotten or always true."""
    if not isinstance(node, exp.Case):
        return
    branches = node.args["ifs"]
    default = node.args.get("default")
    for number, branch in enumerate(branches):
        words = f"CASE … WHEN {_text(branch.this)}"
        if number + 1 < len(branches) or default is not None:
            yield f"{words}: swap its result with the next", partial(_swap_results, number)
        if len(branches) > 1:
            yield f"{words}: drop", partial(_pop_item, "ifs", number)
        else:
            yield f"{words}: never", partial(_become, default or exp.null())
            yield f"{words}: always", partial(_become, branch.args["true"])


def _swap_results(number: int, case: exp.Expr) -> None:
    branches = case.args["ifs"]
    one = branches[number]
    other, key = (branches[number + 1], "true") if number + 1 < len(branches) else (case, "default")
    first, second = one.args["true"], other.args[key]
    one.set("true", second.copy())
    other.set(key, first.copy())


def change_aggregate(node: exp.Expr) -> Iterator[Change]:
    """Another aggregate, DISTINCT where there was none or none where there was, a forgotten key of the group."""
    if type(node) in _OTHER_AGGREGATE:
        kind = _OTHER_AGGREGATE[type(node)]
        yield f"{_text(node)} → {kind.__name__.lower()}", partial(_become, kind(this=node.this.copy()))
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
        one = exp.Distinct(expressions=[exp.Literal.number(1)])
        yield f"{_around(node)}: count(*) → count(DISTINCT 1)", partial(_become, exp.Count(this=one))
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
        yield f"{_text(node)} → without DISTINCT", partial(_become, exp.Count(this=node.this.expressions[0].copy()))
    if isinstance(node, exp.Select) and node.args.get("distinct"):
        yield f"SELECT DISTINCT {', '.join(map(_text, node.selects))} → SELECT", partial(_set, {"distinct": None})
    if isinstance(node, exp.Union) and not node.args["distinct"]:
        yield f"UNION ALL … {_text(node.expression)} → UNION", partial(_set, {"distinct": True})
    if isinstance(node, exp.Group):
        for number, key in enumerate(node.expressions):
            yield f"GROUP BY without {_text(key)}", partial(_pop_item, "expressions", number)


def change_window(node: exp.Expr) -> Iterator[Change]:
    """A key of the partition or of the order is forgotten, or sorts the other way."""
    if not isinstance(node, exp.Window):
        return
    order = node.args.get("order")
    window = f"{_text(node.this)} OVER (…)"
    for number, key in enumerate(node.args.get("partition_by") or []):
        yield f"{window}: PARTITION BY without {_text(key)}", partial(_pop_item, "partition_by", number)
    for number, key in enumerate(order.expressions if order else []):
        words = f"{window}: ORDER BY"
        yield f"{words} without {_text(key)}", partial(_drop_order, number)
        yield f"{words} {_text(key.this)} turned round", partial(_turn_order, number)


def _drop_order(number: int, window: exp.Expr) -> None:
    order = window.args["order"]
    if len(order.expressions) > 1:
        order.expressions[number].pop()
    else:
        order.pop()


def _turn_order(number: int, window: exp.Expr) -> None:
    key = window.args["order"].expressions[number]
    key.set("desc", not key.args.get("desc"))


def change_arithmetic(node: exp.Expr) -> Iterator[Change]:
    """Operands swapped or left out, another sign, a null that isn't replaced."""
    if isinstance(node, exp.Coalesce):
        yield f"{_text(node)} → {_text(node.this)}", partial(_become_part, "this")
    if isinstance(node, exp.Anonymous) and node.name == "FLOOR_DIV":
        yield f"{_text(node)} → arguments swapped", lambda n: n.set("expressions", list(reversed(n.expressions)))
    if isinstance(node, exp.Anonymous) and node.name == "MUL":
        yield f"{_text(node)} → {_text(node.expressions[0])}", partial(_become, node.expressions[0])
    if isinstance(node, exp.Sub):
        swapped = exp.Sub(this=_wrapped(node.expression), expression=_wrapped(node.this))
        yield f"{_text(node)} → swapped", partial(_become, swapped)
        yield f"{_text(node)} → +", partial(_become, exp.Add(this=node.this.copy(), expression=node.expression.copy()))
    if isinstance(node, exp.Add):
        yield f"{_text(node)} → -", partial(_become, exp.Sub(this=node.this.copy(), expression=node.expression.copy()))
    if isinstance(node, exp.Neg):
        yield f"{_around(node)}: {_text(node)} → {_text(node.this)}", partial(_become_part, "this")
    if isinstance(node, exp.Mod):
        yield f"{_text(node)} → {_text(node.this)}", partial(_become_part, "this")


def _wrapped(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()


def change_output(node: exp.Expr) -> Iterator[Change]:
    """A column of the table gets the value of the next one that has its type."""
    if not isinstance(node, exp.Select) or node.parent is not None:
        return
    by_type: dict[str, list[exp.Expr]] = {}
    for column in node.selects:
        by_type.setdefault(column.unalias().args["to"].sql(), []).append(column)
    for columns in by_type.values():
        for column, other in zip(columns, columns[1:] + columns[:1], strict=True):
            value = other.unalias()
            if column.unalias() != value:
                words = f"{column.alias}: {_text(column.unalias().this)} → {_text(value.this)}"
                yield words, partial(_take_value, node.selects.index(column), value)


def _take_value(number: int, value: exp.Expr, select: exp.Expr) -> None:
    select.expressions[number].set("this", value.copy())


OPERATORS: tuple[Operator, ...] = (
    drop_predicate,
    flip_comparison,
    swap_join,
    change_constant,
    change_case,
    change_aggregate,
    change_window,
    change_arithmetic,
    change_output,
)
