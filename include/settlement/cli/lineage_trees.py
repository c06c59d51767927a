"""Lineage as trees to read in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from rich.markup import escape
from rich.tree import Tree

from settlement.lineage import How, sources
from settlement.tables import Catalog

_HOW = {How.IDENTITY: "as it is", How.TRANSFORMATION: "computed", How.AGGREGATION: "computed over rows"}


def table_tree(title: str, table: str, edges: Mapping[str, Sequence[str]]) -> Tree:
    """A table and all that its edges lead to."""
    tree = Tree(title)
    _grow(tree, table, edges)
    return tree


def _grow(tree: Tree, name: str, edges: Mapping[str, Sequence[str]]) -> None:
    for other in edges[name]:
        _grow(tree.add(other), other, edges)


def column_tree(catalog: Catalog, table: str, column: str) -> Tree:
    """A column and all that it is made from, back to what landed; what is told already is told once."""
    return _ColumnTree(catalog).of(table, column)


class _ColumnTree:
    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._sources = cache(lambda table: sources(catalog, catalog[table]))
        self._told: set[tuple[str, str]] = set()

    def of(self, table: str, column: str) -> Tree:
        tree = Tree(escape(f"{table}.{column} · {self._meaning(table, column)}"), highlight=False)
        self._grow(tree, table, column)
        return tree

    def _grow(self, tree: Tree, table: str, column: str) -> None:
        for source in self._sources(table).get(column, ()):  # a column of the partition is made from nothing
            key = (source.table, source.column)
            label = f"{source.table}.{source.column} ({_HOW[source.how]})"
            if self._catalog.reads_before(table, source.table):
                tree.add(escape(f"{label}, of the month before"))
            elif key in self._told:
                tree.add(escape(f"{label}, see above"))
            else:
                self._told.add(key)
                self._grow(tree.add(escape(f"{label} · {self._meaning(*key)}")), *key)

    def _meaning(self, table: str, column: str) -> str:
        known = {c.name: c.description for c in self._catalog[table].columns}
        return known.get(column, "its partition")
