"""The metastore's tables for people follow the ledger's heads: each published partition points to the head's files.

The ledger is the truth, the metastore its projection. Killed in between, or the metastore down: readers see the build before;
the publication run again points to the head.
"""

from __future__ import annotations

from settlement.engines import pointers
from settlement.errors import EngineError
from settlement.ledger.records import Build
from settlement.steps.compute import hive_of, is_embedded, places_of
from settlement.steps.context import Context


def follow(context: Context, head: Build) -> None:
    """Point the partition of each of the stage's tables to a head, and read back that it does.

    Raises:
        EngineError: the metastore doesn't answer, or says something else; the ledger's head stands.
    """
    if is_embedded(context):
        return
    places = places_of(context)
    tables = context.release.catalog.of_stage(head.stage)
    pin = (head.partition, head.build_id)
    with hive_of().session() as session:
        for statement in pointers.prepare(places, tables):
            session.run(statement)
        for table in tables:
            for statement in pointers.switch(places, table, pin):
                session.run(statement)
            found = pointers.location_in(session.rows(pointers.describe(places, table, pin)))
            if found != places.location(table, pin):
                raise EngineError(
                    f"{table.name} {head.partition} points to {found}, not to build {head.build_id}, which is published",
                    "clear the publication: it points to the ledger's head again",
                )
