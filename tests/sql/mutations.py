"""Mutants of a query: its tree with one small mistake, such as a person makes.

A mutant that DuckDB can't bind (an ungrouped column, say) is no mutant: nobody could have committed it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from settlement.engines.dialect import Query
from settlement.tables import Table
from tests.sql.operators import OPERATORS


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
    plain = tree.copy()
    for node in plain.walk():
        node._meta = None  # token positions: copied for each mutant they cost as much as all the rest
    seen: Counter[str] = Counter()
    for line, number, words, change in sorted(found, key=lambda f: f[:2]):
        name = f"line {line}: {words}"
        seen[name] += 1
        copy = plain.copy()
        change(list(copy.walk())[number])
        yield Mutant(name if seen[name] == 1 else f"{name} ({seen[name]})", _with_tree(table, copy))


def _with_tree(table: Table, tree: exp.Expr) -> Table:
    mutated = replace(table)
    vars(mutated)["select"] = Query(tree)  # where the cached property looks first
    return mutated


def _line(node: exp.Expr) -> int:
    """The line on which a node begins: of its first token, or of the first in what stands around it."""
    lines = [part.meta["line"] for part in node.walk() if "line" in part.meta]
    if lines or node.parent is None:
        return min(lines, default=1)
    return _line(node.parent)
