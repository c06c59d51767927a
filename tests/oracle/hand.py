"""Worlds whose figures a person can work out: author pools alone, by default a play is 1,000 won of its partner's.

Track 1 is partner 1's, track 2 partner 2's, track 3 partner 3's; track 9 is nobody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.oracle import Exports, Restatement, Value, settle_folders
from tests.oracle.conservation import assert_conserved
from tests.worlds import Snapshot, World, in_memory, reference_files
from tests.worlds.plain import PRODUCTS, SINCE, catalogue, rate

UWON = 1_000_000
WON_A_PLAY = 1_000
TRACKS = (1, 2, 3, 9)

Row = tuple[str, ...]


def author_rate(*, unit: object = "", sub: object = "", rev: object = "", until: str = "") -> tuple[Row, ...]:
    """A rate card under which only authors have pools, and none after `until`."""
    author, *others = rate("sub_stream", unit, sub, rev)
    return (*author[:4], until, *author[5:]), *((*row[:5], "true", "", "", "", "example") for row in others)


A_THOUSAND = author_rate(unit=WON_A_PLAY * UWON)


def share(track: int, partner: int, ppm: int = 1_000_000, since: str = SINCE) -> Row:
    """An author's right."""
    return str(track), "author", str(partner), str(ppm), since, ""


OWNED = tuple(share(number, number) for number in (1, 2, 3))


def user_centric(
    partner: int,
    right_type: str = "author",
    service: str = "sub_stream",
    since: str = SINCE,
    until: str = "",
    method: str = "user_centric",
) -> Row:
    """A contract, user-centric unless it says otherwise."""
    return str(partner), right_type, service, method, since, until


def partner(number: int, tax_kind: str = "exempt", threshold: int = 0, active_to: str = "") -> Row:
    """A partner."""
    return str(number), "name", "author", "", tax_kind, str(threshold), "csv", SINCE, active_to


def snapshot(
    *,
    rights: tuple[Row, ...] = OWNED,
    partners: Sequence[Row] = (),
    contracts: tuple[Row, ...] = (),
    advances: tuple[Row, ...] = (),
    products: tuple[Row, ...] = PRODUCTS,
) -> Snapshot:
    """A catalogue; of partners 1 to 4 those that are not given are exempt, without a threshold, active for ever."""
    given = {row[0]: row for row in (*map(partner, (1, 2, 3, 4)), *partners)}
    plain = catalogue(products=products, rights=rights, tracks=TRACKS)
    return replace(plain, partners=tuple(given.values()), contracts=contracts, advances=advances)


def exports_of(world: World, *restatements: Restatement) -> Exports:
    """The oracle's exports of a world, having seen that nothing is lost."""
    exports = settle_folders(in_memory(world), reference_files(world), list(world.months), restatements)
    lines_by_day: dict[str, int] = {}
    for line in world.plays:
        lines_by_day[str(line.dt)] = lines_by_day.get(str(line.dt), 0) + 1
    assert_conserved(exports, lines_by_day)
    return exports


def picked(exports: Exports, name: str, columns: str, **where: Value) -> list[tuple[Value, ...]]:
    """The named columns (separated by spaces) of the rows that have these values."""
    rows = [row for row in exports[name] if all(row[column] == value for column, value in where.items())]
    return [tuple(row[column] for column in columns.split()) for row in rows]
