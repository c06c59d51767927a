"""What a build's tables hold, as hashes: equal for equal rows, whatever files they are in."""

from __future__ import annotations

from collections.abc import Mapping

from settlement.engines.duckdb import Session
from settlement.export import canonical_hash
from settlement.storage import Location
from settlement.tables import Table
from settlement.warehouse import Partition


def content_hashes(session: Session, folders: Mapping[Table, Location], partition: Partition) -> dict[str, str]:
    """Content hash per table: of a month's table that of its canonical export, if it has one; else the engine's row hash."""
    hashes: dict[str, str] = {}
    for table, folder in folders.items() if partition.is_month else ():
        session.add(table, [folder])
        exported = canonical_hash(session, table)
        if exported is not None:
            hashes[table.name] = exported
    rest = {table: folder for table, folder in folders.items() if table.name not in hashes}
    return {**hashes, **session.rows_hashes(rest)}
