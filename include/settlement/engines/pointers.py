"""The tables for people: each published partition points to the build that is the ledger's head.

A switch is one change in the metastore: readers see the old build or the new one. It may be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence

from settlement.engines import ddl
from settlement.engines.literals import hive_text
from settlement.engines.places import Pin, Places, full_name, keys
from settlement.errors import EngineError
from settlement.tables import Table


def prepare(places: Places, tables: Sequence[Table]) -> list[str]:
    """The database and tables for people, where they aren't there yet."""
    create = [ddl.create(table, places.database, places.pointer_folder(table), by_build=False) for table in tables]
    return [f"CREATE DATABASE IF NOT EXISTS {places.database}", *create]


def switch(places: Places, table: Table, pin: Pin) -> list[str]:
    """Point a partition (of reference data: the table) to a build."""
    name, location = full_name(table, places.database), places.location(table, pin)
    given = keys(table, pin[0])
    if not given:
        return [f"ALTER TABLE {name} SET LOCATION {hive_text(location)}"]
    return [
        *ddl.add_partitions(table, places.database, [(given, location)]),
        f"ALTER TABLE {name} PARTITION ({ddl.spec(given)}) SET LOCATION {hive_text(location)}",
    ]


def describe(places: Places, table: Table, pin: Pin) -> str:
    """The statement whose rows `location_in` reads back."""
    given = keys(table, pin[0])
    return f"DESCRIBE FORMATTED {full_name(table, places.database)}" + (f" PARTITION ({ddl.spec(given)})" if given else "")


def location_in(rows: Sequence[Sequence[str | None]]) -> str:
    """The location that DESCRIBE FORMATTED tells.

    Raises:
        EngineError: it tells none.
    """
    for name, value, *_ in rows:
        if (name or "").strip() == "Location:":
            return (value or "").strip()
    raise EngineError("the metastore tells no location of a partition", "look at DESCRIBE FORMATTED of it")
