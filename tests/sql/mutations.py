"""Mutants of a query: its tree with one small mistake, such as a person makes.

A mutant that DuckDB can't bind (an ungrouped column, say) is no mutant: nobody could have committed it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from settlement.engines.dialect import Hive4, Query
from settlement.tables import Table
from sqlglot import exp

# An operator sees a node of the query and yields what it would change: (words for it, change of the same node in a copy).
Change = tuple[str, Callable[[exp.Expression], object]]
Operator = Callable[[exp.Expression], Iterator[Change]]

_WIDTH = 90
_FLIPPED: dict[type[exp.Expression], tuple[type[exp.Binary], str]] = {
    exp.LT: (exp.LTE, "<="),
    exp.LTE: (exp.LT, "<"),
    exp.GT: (exp.GTE, ">="),
    exp.GTE: (exp.GT, ">"),
    exp.EQ: (exp.NEQ, "<>"),
    exp.NEQ: (exp.EQ, "="),
}
_OTHER_PARAMETER = {"first_day": "last_day", "last_day": "first_day", "month": "previous_month", "previous_month": "month"}
_OTHER_AGGREGATE: dict[type[exp.Expression], type[exp.Func]] = {exp.Sum: exp.Max, exp.Max: exp.Min, exp.Min: exp.Max}


@dataclass(frozen=True)
class Mutant:
    """A table whose query has one mistake, and where and what it is."""

    name: str
    table: Table


def mutants(table: Table) -> Iterator[Mutant]:
    """All mutants of a table's query, in the order of its lines."""
    tree = table.tree
    assert tree is not None
    found = [
        (_line(node), number, words, change)
        for number, node in enumerate(tree.walk())
        for operator in OPERATORS
        for words, change in operator(node)
    ]
    seen: Counter[str] = Counter()
    for line, number, words, change in sorted(found, key=lambda f: f[:2]):
        name = f"line {line}: {words}"
        seen[name] += 1
        copy = tree.copy()
        change(list(copy.walk())[number])
        yield Mutant(name if seen[name] == 1 else f"{name} ({seen[name]})", _with_tree(table, copy))


def _with_tree(table: Table, tree: exp.Expression) -> Table:
    mutated = replace(table)
    vars(mutated)["select"] = Query(tree)  # where the cached property looks first
    return mutated


def _line(node: exp.Expression) -> int:
    """The line on which a node begins: of its first token, or of the first in what stands around it."""
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    if lines or node.parent is None:
        return min(lines, default=1)
    return _line(node.parent)


def _text(node: exp.Expression | None) -> str:
    text = " ".join(node.sql(dialect=Hive4).split()) if node is not None else ""
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _around(node: exp.Expression) -> str:
    """What makes a small node recognisable: the smallest thing with a name around it."""
    parent = node.parent
    while isinstance(parent, exp.Neg | exp.Paren | exp.Cast | exp.TryCast) and parent.parent is not None:
        parent = parent.parent
    return _text(parent)


def drop_predicate(node: exp.Expression) -> Iterator[Change]:
    """A condition of WHERE, HAVING, ON, or one arm of AND and OR, is forgotten."""
    if isinstance(node, exp.And | exp.Or):
        for side, other in (("this", "expression"), ("expression", "this")):
            if not isinstance(node.args[side], type(node)):  # else its own arms are dropped
                yield f"drop {_text(node.args[side])}", lambda n, other=other: n.replace(n.args[other])
    if isinstance(node, exp.Where | exp.Having) and not isinstance(node.this, exp.And):
        yield f"drop {_text(node)}", lambda n: n.pop()
    if isinstance(node, exp.Join) and node.args.get("on") and not isinstance(node.args["on"], exp.And):
        yield f"drop ON {_text(node.args['on'])}", lambda n: n.set("on", exp.true())


def flip_comparison(node: exp.Expression) -> Iterator[Change]:
    """A bound is moved by one, or a condition is turned round."""
    if type(node) in _FLIPPED:
        kind, sign = _FLIPPED[type(node)]
        yield f"{_text(node)} → {sign}", lambda n: n.replace(kind(this=n.this, expression=n.expression))
    if isinstance(node, exp.Between):
        yield from _between(node)
    if isinstance(node, exp.Not):
        yield f"{_text(node)} → without NOT", lambda n: n.replace(n.this)
    if isinstance(node, exp.Is) and not isinstance(node.parent, exp.Not):
        yield f"{_text(node)} → IS NOT", lambda n: n.replace(exp.Not(this=n.copy()))
    if isinstance(node, exp.In):
        for number, item in enumerate(node.expressions):
            yield f"{_text(node)} → without {_text(item)}", lambda n, number=number: n.expressions[number].pop()


def _between(node: exp.Between) -> Iterator[Change]:
    def bounds(low: type[exp.Binary] | None, high: type[exp.Binary] | None) -> Callable[[exp.Expression], object]:
        def change(n: exp.Expression) -> None:
            parts = [
                kind(this=n.this.copy(), expression=n.args[end])
                for kind, end in ((low, "low"), (high, "high"))
                if kind is not None
            ]
            n.replace(exp.and_(*parts))

        return change

    yield f"{_text(node)} → above the lower bound", bounds(exp.GT, exp.LTE)
    yield f"{_text(node)} → below the upper bound", bounds(exp.GTE, exp.LT)
    yield f"{_text(node)} → no lower bound", bounds(None, exp.LTE)
    yield f"{_text(node)} → no upper bound", bounds(exp.GTE, None)


def swap_join(node: exp.Expression) -> Iterator[Change]:
    """LEFT JOIN ↔ INNER JOIN."""
    if isinstance(node, exp.Join) and node.side == "LEFT":
        yield f"LEFT JOIN {_text(node.this)} → INNER JOIN", lambda n: (n.set("side", None), n.set("kind", "INNER"))
    if isinstance(node, exp.Join) and node.kind == "INNER":
        yield f"INNER JOIN {_text(node.this)} → LEFT JOIN", lambda n: (n.set("side", "LEFT"), n.set("kind", None))


def change_constant(node: exp.Expression) -> Iterator[Change]:
    """A number is one off, a text another, a parameter its neighbour."""
    if isinstance(node, exp.Literal) and node.is_int and not isinstance(node.parent, exp.DataTypeParam):
        for step in (1, -1):
            other = int(node.this) + step
            yield f"{_around(node)}: {node.this} → {other}", lambda n, other=other: n.replace(exp.Literal.number(other))
    if isinstance(node, exp.Literal) and node.is_string:
        yield f"{_around(node)}: '{node.this}' → '{node.this}~'", lambda n: n.replace(exp.Literal.string(n.this + "~"))
    if isinstance(node, exp.Placeholder) and node.name in _OTHER_PARAMETER:
        name = _OTHER_PARAMETER[node.name]
        yield f"{_around(node)}: :{node.name} → :{name}", lambda n: n.replace(exp.Placeholder(this=name))


def change_case(node: exp.Expression) -> Iterator[Change]:
    """Two results are swapped, a WHEN is forgotten or always true."""
    if not isinstance(node, exp.Case):
        return
    branches = node.args["ifs"]
    for number, branch in enumerate(branches):
        words = f"CASE … WHEN {_text(branch.this)}"
        following = branches[number + 1] if number + 1 < len(branches) else node
        if isinstance(following, exp.If) or node.args.get("default") is not None:
            yield f"{words}: swap its result with the next", lambda n, number=number: _swap_results(n, number)
        if len(branches) > 1:
            yield f"{words}: drop", lambda n, number=number: n.args["ifs"][number].pop()
        else:
            yield f"{words}: never", lambda n: n.replace(n.args.get("default") or exp.null())
            yield f"{words}: always", lambda n: n.replace(n.args["ifs"][0].args["true"])


def _swap_results(case: exp.Expression, number: int) -> None:
    branches = case.args["ifs"]
    one = branches[number]
    other, key = (branches[number + 1], "true") if number + 1 < len(branches) else (case, "default")
    first, second = one.args["true"], other.args[key]
    one.set("true", second.copy())
    other.set(key, first.copy())


def change_aggregate(node: exp.Expression) -> Iterator[Change]:
    """Another aggregate, DISTINCT where there was none or none where there was, a forgotten key of the group."""
    if type(node) in _OTHER_AGGREGATE:
        kind = _OTHER_AGGREGATE[type(node)]
        yield f"{_text(node)} → {kind.__name__.lower()}", lambda n: n.replace(kind(this=n.this))
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
        one = exp.Distinct(expressions=[exp.Literal.number(1)])
        yield f"{_around(node)}: count(*) → count(DISTINCT 1)", lambda n: n.set("this", one.copy())
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
        yield f"{_text(node)} → without DISTINCT", lambda n: n.set("this", n.this.expressions[0])
    if isinstance(node, exp.Select) and node.args.get("distinct"):
        yield f"SELECT DISTINCT {', '.join(map(_text, node.selects))} → SELECT", lambda n: n.set("distinct", None)
    if isinstance(node, exp.Union) and not node.args["distinct"]:
        yield f"UNION ALL … {_text(node.expression)} → UNION", lambda n: n.set("distinct", True)
    if isinstance(node, exp.Group):
        for number, key in enumerate(node.expressions):
            yield f"GROUP BY without {_text(key)}", lambda n, number=number: n.expressions[number].pop()


def change_window(node: exp.Expression) -> Iterator[Change]:
    """A key of the partition or of the order is forgotten, or sorts the other way."""
    if not isinstance(node, exp.Window):
        return
    order = node.args.get("order")
    for number, key in enumerate(node.args.get("partition_by") or []):
        yield f"{_text(node)} → PARTITION BY without {_text(key)}", lambda n, number=number: n.args["partition_by"].pop(number)
    for number, key in enumerate(order.expressions if order else []):
        words = f"{_text(node)} → ORDER BY"
        yield f"{words} without {_text(key)}", lambda n, number=number: _drop_order(n, number)
        yield f"{words} {_text(key.this)} turned round", lambda n, number=number: _turn_order(n, number)


def _drop_order(window: exp.Expression, number: int) -> None:
    order = window.args["order"]
    if len(order.expressions) > 1:
        order.expressions[number].pop()
    else:
        order.pop()


def _turn_order(window: exp.Expression, number: int) -> None:
    key = window.args["order"].expressions[number]
    key.set("desc", not key.args.get("desc"))


def change_arithmetic(node: exp.Expression) -> Iterator[Change]:
    """Operands swapped or left out, another sign, a null that isn't replaced."""
    if isinstance(node, exp.Coalesce):
        yield f"{_text(node)} → {_text(node.this)}", lambda n: n.replace(n.this)
    if isinstance(node, exp.Anonymous) and node.name == "FLOOR_DIV":
        yield f"{_text(node)} → arguments swapped", lambda n: n.set("expressions", list(reversed(n.expressions)))
    if isinstance(node, exp.Anonymous) and node.name == "MUL":
        yield f"{_text(node)} → {_text(node.expressions[0])}", lambda n: n.replace(n.expressions[0])
    if isinstance(node, exp.Sub):
        yield f"{_text(node)} → swapped", lambda n: n.replace(exp.Sub(this=_wrapped(n.expression), expression=_wrapped(n.this)))
        yield f"{_text(node)} → +", lambda n: n.replace(exp.Add(this=n.this, expression=n.expression))
    if isinstance(node, exp.Add):
        yield f"{_text(node)} → -", lambda n: n.replace(exp.Sub(this=n.this, expression=n.expression))
    if isinstance(node, exp.Neg):
        yield f"{_around(node)}: {_text(node)} → {_text(node.this)}", lambda n: n.replace(n.this)
    if isinstance(node, exp.Mod):
        yield f"{_text(node)} → {_text(node.this)}", lambda n: n.replace(n.this)


def _wrapped(node: exp.Expression) -> exp.Expression:
    return exp.Paren(this=node.copy()) if isinstance(node, exp.Binary) else node.copy()


OPERATORS: Iterable[Operator] = (
    drop_predicate,
    flip_comparison,
    swap_join,
    change_constant,
    change_case,
    change_aggregate,
    change_window,
    change_arithmetic,
)
