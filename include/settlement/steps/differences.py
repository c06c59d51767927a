"""What a version changes against another one: royalties per partner, product and right type, in whole won."""

from __future__ import annotations

from typing import Any

from settlement.ledger.records import Build, pin
from settlement.release import Release
from settlement.reports.changes import Delta
from settlement.steps.context import Context
from settlement.steps.pinning import catalogue_day
from settlement.warehouse import Partition

_ROYALTIES, _PARTNERS = "mart.statement_royalty", "ods.partner"
Key = tuple[int, str, str]
"""partner_id, product_id, right_type"""


def differences(context: Context, old: Build | None, new: Build) -> list[Delta]:
    """Royalties that differ between two published builds of `lines`, largest change first; without an old one all are new."""
    before = royalties(context, old) if old else {}
    now = royalties(context, new)
    names = (_names(context, old) if old else {}) | _names(context, new)
    found = [
        Delta(partner_id, names.get(partner_id, ""), product_id, right_type, before.get(key, 0), now.get(key, 0))
        for key in before.keys() | now.keys()
        if before.get(key, 0) != now.get(key, 0)
        for partner_id, product_id, right_type in [key]
    ]
    return sorted(found, key=lambda d: (-abs(d.delta_krw), d.partner_id, d.product_id, d.right_type))


def royalties(context: Context, lines: Build) -> dict[Key, int]:
    """Whole won of every royalty of a build of `lines`."""
    columns = "partner_id, product_id, right_type, royalty_krw"
    rows = _read(context, lines.release, _ROYALTIES, lines.partition, lines.build_id, columns)
    return {(int(partner), str(product), str(right)): int(krw) for partner, product, right, krw in rows}


def partner_names(context: Context, release: str, snapshot: Partition, build_id: str) -> dict[int, str]:
    """Names of the partners of a catalogue snapshot, by id."""
    rows = _read(context, release, _PARTNERS, snapshot, build_id, "partner_id, name")
    return {int(partner): str(name) for partner, name in rows}


def _names(context: Context, lines: Build) -> dict[int, str]:
    day = catalogue_day(lines.partition, dict(lines.pins))
    assert day is not None, "a month reads a catalogue"
    snapshot = Partition(day)
    return partner_names(context, lines.release, snapshot, lines.pins[pin("ods", snapshot)])


def _read(context: Context, release: str, table: str, partition: Partition, build_id: str, columns: str) -> list[tuple[Any, ...]]:
    catalog = Release.load(release, context.warehouse).catalog  # the one that wrote the files
    with context.engine.session({}) as session:
        session.add(catalog[table], [context.warehouse.build_dir(table, partition, build_id)])
        return session.run(f"SELECT {columns} FROM {table}", table).fetchall()  # names of our own
