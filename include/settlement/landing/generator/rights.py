"""Who holds what of a recording: shares that are whole, partial or missing, and that change in the middle of a month.

Shares of a track and right type never exceed 1,000,000 ppm on any day, and no partner's rows overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np

from settlement.landing.generator.mixing import Hashes, Ints, choose, mix, modulo
from settlement.landing.generator.partners import FKMP, KOMCA, KOSCAP, SINCE, Partners
from settlement.landing.generator.repertoire import FIRST_TRACK_ID, Repertoire

_ALL: Final = 1_000_000
Holding = tuple[int, int]  # partner, share in ppm


class Right(NamedTuple):
    """A row of rights.csv."""

    track_id: int
    right_type: str
    partner_id: int
    share_ppm: int
    valid_from: str
    valid_to: str


class Case(NamedTuple):
    """Who holds a right: until the change and after it (None: no change), and how often of 1,000 tracks."""

    before: tuple[Holding, ...]
    after: tuple[Holding, ...] | None
    often: int


_AUTHOR: Final = (
    Case(((KOMCA, _ALL),), None, 660),
    Case(((KOMCA, 700_000), (KOSCAP, 200_000)), None, 90),
    Case(((KOMCA, 500_000), (KOSCAP, 500_000)), None, 80),
    Case(((KOSCAP, _ALL),), None, 60),
    Case(((KOMCA, 333_333), (KOSCAP, 333_333)), None, 20),
    Case(((KOMCA, _ALL),), ((KOSCAP, _ALL),), 20),
    Case(((KOMCA, 600_000), (KOSCAP, 400_000)), ((KOMCA, 400_000), (KOSCAP, 600_000)), 15),
    Case(((KOMCA, _ALL),), (), 10),
    Case((), None, 45),
)
_PERFORMER: Final = (
    Case(((FKMP, _ALL),), None, 905),
    Case(((FKMP, 600_000),), None, 35),
    Case((), ((FKMP, _ALL),), 15),
    Case((), None, 45),
)


def rights_rows(seed: int, partners: Partners, repertoire: Repertoire) -> Iterator[Right]:
    """The rows of rights.csv for the whole span, by track."""
    index = np.arange(len(repertoire), dtype=np.int64)
    producer = choose(seed, "producer.case", index, [case.often for case in _producers(0, 0)]).tolist()
    author = choose(seed, "author.case", index, [case.often for case in _AUTHOR]).tolist()
    performer = choose(seed, "performer.case", index, [case.often for case in _PERFORMER]).tolist()
    labels = labels_of(seed, partners, repertoire.artist_key)[repertoire.artist_of_track].tolist()
    changes = _change_days(partners, mix(seed, "rights.change", index))
    for track in range(len(repertoire)):
        cut = changes[track]
        held = _producers(labels[track], partners.next_label(labels[track], track))[producer[track]]
        yield from _rows(track, "producer", held, cut)
        yield from _rows(track, "author", _AUTHOR[author[track]], cut)
        yield from _rows(track, "performer", _PERFORMER[performer[track]], cut)


def labels_of(seed: int, partners: Partners, artist_key: Hashes) -> Ints:
    """The label of each artist."""
    return partners.label_of(mix(seed, "label.of", artist_key.view(np.int64)))


def _producers(label: int, other: int) -> tuple[Case, ...]:
    return (
        Case(((label, _ALL),), None, 865),
        Case(((label, 600_000), (other, 400_000)), None, 60),
        Case(((label, 850_000),), None, 20),
        Case(((label, _ALL),), ((other, _ALL),), 20),
        Case(((label, 700_000), (other, 300_000)), ((label, 300_000), (other, 500_000)), 20),
        Case((), None, 15),
    )


def _change_days(partners: Partners, hashes: Hashes) -> list[date]:
    """The last day of the old holdings, within a month of the span, per track."""
    months = partners.span.months
    month = modulo(hashes, len(months)).tolist()
    day = modulo(hashes >> np.uint64(20), 26).tolist()
    return [months[m] + timedelta(days=d) for m, d in zip(month, day, strict=True)]


def _rows(track: int, right_type: str, held: Case, cut: date) -> Iterator[Right]:
    track_id = FIRST_TRACK_ID + track
    until = "" if held.after is None else cut.isoformat()
    for partner, share in held.before:
        yield Right(track_id, right_type, partner, share, SINCE, until)
    for partner, share in held.after or ():
        yield Right(track_id, right_type, partner, share, (cut + timedelta(days=1)).isoformat(), "")
