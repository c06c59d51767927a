"""The catalogues' tables for people follow the ledger's heads: each published partition points to the head's files.

The ledger is the truth, a metastore or Glue its projection. Killed in between, or a catalogue down: readers see the build
before; the publication run again points to the head. The settings say which catalogues there are; each is pointed in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from settlement.engines import glue, pointers
from settlement.engines.places import Pin, Places
from settlement.errors import EngineError
from settlement.ledger.records import Build
from settlement.settings import settings
from settlement.steps.compute import hive_of, is_embedded, places_of
from settlement.steps.context import Context
from settlement.tables import Table

# Points the partition of each table to a build and tells where it points then, by the table's name.
Pointing = Callable[[Places, Sequence[Table], Pin], Mapping[str, str]]


def follow(context: Context, head: Build) -> None:
    """Point the partition of each of the stage's tables to a head, and read back that it does.

    Two publications at once may point in any order: whoever was last looks whether it is still the head, and points again.

    Raises:
        EngineError: a catalogue doesn't answer, or says something else; the ledger's head stands.
    """
    if is_embedded(context):
        return
    wrong = _pointed(context, head)
    while (newest := context.ledger.head_build(head.stage, head.partition)) is not None and newest.build_id != head.build_id:
        head = newest
        wrong = _pointed(context, head)
    if wrong:
        raise EngineError(wrong, "clear the publication: it points to the ledger's head again")


def _pointed(context: Context, head: Build) -> str:
    """Point every catalogue to a build; a sentence if one says afterwards that it doesn't."""
    places, pin = places_of(context), (head.partition, head.build_id)
    tables = context.release.catalog.of_stage(head.stage)
    for name in settings().catalogue:
        found = _CATALOGUES[name](places, tables, pin)
        for table in tables:
            if found[table.name] != places.location(table, pin):
                return (
                    f"{table.name} {head.partition} points to {found[table.name] or 'nothing'} in the {name}, "
                    f"not to build {head.build_id}, which is published"
                )
    return ""


def _in_metastore(places: Places, tables: Sequence[Table], pin: Pin) -> dict[str, str]:
    found = {}
    with hive_of().session() as session:
        for statement in pointers.prepare(places, tables):
            session.run(statement)
        for table in tables:
            for statement in pointers.switch(places, table, pin):
                session.run(statement)
            found[table.name] = pointers.location_in(session.rows(pointers.describe(places, table, pin)))
    return found


_CATALOGUES: Mapping[str, Pointing] = {"metastore": _in_metastore, "glue": glue.point}
