"""Listening histories as CSV, columns found by name: one row a play, with a stable key."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from settlement.errors import BadInput
from settlement.landing.importers.listen import Listen, Place, ms_of, text_of, utc_ms_of
from settlement.landing.importers.sources import Source

COLUMNS: Final = ("user", "ended_at_utc_min", "artist", "track", "ms_played", "src_row_id")


def read_listens_csv(source: Source) -> Iterator[Listen]:
    """The plays of the file, in its order; raises BadInput with file, row (1 = the first data row) and reason."""
    reader = csv.reader(io.StringIO(source.text, newline=""), strict=True)
    header = next(reader, [])
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise BadInput(str(source.path), f"no column {', '.join(missing)}", hint=f"needed: {', '.join(COLUMNS)}")
    at = [header.index(name) for name in COLUMNS]
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            place = Place(str(source.path), number)
            if len(row) != len(header):
                raise place.bad(f"has {len(row)} fields, the header has {len(header)}")
            user, ended, artist, track, ms_played, key = (row[column] for column in at)
            yield Listen(
                text_of(user, "user", place),
                text_of(key, "src_row_id", place),
                artist=text_of(artist, "artist", place),
                track=text_of(track, "track", place),
                ended_ms=utc_ms_of(ended, "ended_at_utc_min", place),
                ms_played=ms_of(ms_played, "ms_played", place),
            )
    except csv.Error as error:
        raise Place(str(source.path), number + 1).bad(f"broken CSV: {error}") from error
