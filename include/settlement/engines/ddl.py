"""Hive's DDL, derived from table.yaml: external Parquet tables, their partitions, and the one change that a table may undergo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from settlement.engines.literals import hive_name, hive_text
from settlement.engines.places import BUILD, full_name
from settlement.errors import EngineError
from settlement.tables import Column, Table

Columns = Sequence[tuple[str, str]]  # name and type, as Hive says them
Keys = Mapping[str, str | int]
_AT_ONCE = 100  # partitions that one statement adds
_COMMENT = 250  # characters: a metastore keeps 256 of a column's


def create(table: Table, database: str, location: str, *, by_build: bool = True) -> str:
    """CREATE EXTERNAL TABLE IF NOT EXISTS: dropped, its files stay.

    Args:
        table: the table.
        database: of builds, or of people.
        location: where new partitions would lie if nobody said where; each is given its own.
        by_build: whether it is keyed by build as well.
    """
    columns = ", ".join(_column(column) for column in table.columns)
    partition = ", ".join(f"{hive_name(name)} {kind}" for name, kind in _keys_of(table, by_build))
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {full_name(table, database)} ({columns}) "
        f"COMMENT {hive_text(table.definition.description)} "
        + (f"PARTITIONED BY ({partition}) " if partition else "")
        + f"STORED AS PARQUET LOCATION {hive_text(location)} TBLPROPERTIES ('external.table.purge' = 'false')"
    )


def changes(table: Table, database: str, existing: Columns, *, by_build: bool = True) -> list[str]:
    """The statements that bring a table which exists up to its table.yaml: new nullable columns at the end are added.

    Args:
        existing: its columns with those of its partitions behind them, as DESCRIBE lists them.

    Raises:
        EngineError: anything else is different. Files that were published can't be changed.
    """
    wanted = [(column.name, _plain(column.type)) for column in table.columns]
    keyed = [(name, _plain(kind)) for name, kind in _keys_of(table, by_build)]
    found = [(name, _plain(kind)) for name, kind in existing]
    place = f"{table.name} in {database}"
    split = len(found) - len(keyed)
    if split < 0 or found[split:] != keyed:
        given = ", ".join(name for name, _ in found)
        wants = ", ".join(name for name, _ in keyed) or "nothing"
        raise EngineError(f"{place} is not partitioned by {wants}: its columns are {given}", _START_ANEW)
    _require_prefix(place, wanted, found[:split])
    added = table.columns[split:]
    for column in added:
        if not column.nullable:
            hint = "files that were built before don't have it: declare it nullable: true, or make a table of another name"
            raise EngineError(f"{place}: new column {column.name} is not nullable", hint)
    listed = ", ".join(_column(column) for column in added)
    # CASCADE: partitions that are there know their own columns, else they would never show the new one.
    return [f"ALTER TABLE {full_name(table, database)} ADD COLUMNS ({listed})" + (" CASCADE" if keyed else "")] if added else []


def add_partitions(table: Table, database: str, places: Sequence[tuple[Keys, str]]) -> list[str]:
    """ADD IF NOT EXISTS of partitions at their locations, so many a statement as Hive likes."""
    name, rest, found = full_name(table, database), iter(places), []
    while some := list(islice(rest, _AT_ONCE)):
        listed = " ".join(f"PARTITION ({spec(keys)}) LOCATION {hive_text(location)}" for keys, location in some)
        found.append(f"ALTER TABLE {name} ADD IF NOT EXISTS {listed}")
    return found


def spec(keys: Keys) -> str:
    """The inside of PARTITION (…)."""
    return ", ".join(
        f"{hive_name(name)} = {hive_text(value) if isinstance(value, str) else value}" for name, value in keys.items()
    )


def described(rows: Sequence[Sequence[str | None]]) -> list[tuple[str, str]]:
    """The columns, those of its partitions included, from the rows of DESCRIBE: they end where the list of partitions begins."""
    found = []
    for name, kind, *_ in rows:
        if not name or name.startswith("#"):
            break
        found.append((name.strip(), (kind or "").strip()))
    return found


_START_ANEW = "make a table of another name, or drop this one (its files stay) and register its builds anew"


def _require_prefix(place: str, wanted: Columns, found: Columns) -> None:
    names, there = [name for name, _ in wanted], [name for name, _ in found]
    for name, kind in found:
        if name not in names:
            hint = "a column is never removed or renamed: take it back into table.yaml, or make a table of another name"
            raise EngineError(f"{place}: column {name} is gone from table.yaml", hint)
        declared = dict(wanted)[name]
        if declared != kind:
            hint = "a type is never changed: declare the old one, or make a column of another name"
            raise EngineError(f"{place}: column {name} is {kind}, table.yaml declares {declared}", hint)
    if names[: len(there)] != there:
        first = next(name for name, other in zip(names, there, strict=False) if name != other)
        hint = f"the order is {', '.join(there)}: keep it, new columns come last"
        raise EngineError(f"{place}: column {first} stands in another place in table.yaml", hint)


def _keys_of(table: Table, by_build: bool) -> list[tuple[str, str]]:
    return [*table.partition_types.items(), *([(BUILD, "STRING")] if by_build else [])]


def _column(column: Column) -> str:
    text = f"{column.description} ({column.unit})"
    return f"{hive_name(column.name)} {column.type} COMMENT {hive_text(text[:_COMMENT])}"


def _plain(kind: str) -> str:
    return kind.replace(" ", "").upper()
