"""Spotify's account exports: `StreamingHistory*.json` and the extended `Streaming_History_Audio_*.json`.

Both give the end of a play in UTC. A row's key is file name and row number from 0: equal plays repeat legitimately.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import orjson

from settlement.errors import BadInput
from settlement.landing.importers.listen import Listen, Place, ms_of, text_of, utc_ms_of
from settlement.landing.importers.sources import Source

_UNKNOWN: Final = "(unknown)"  # rows of the extended export may have lost their title


def read_spotify(source: Source) -> Iterator[Listen]:
    """The plays of an export, in its order; raises BadInput with file, row and reason."""
    for number, row in enumerate(rows_of(source)):
        place = Place(str(source.path), number + 1)
        if not isinstance(row, dict):
            raise place.bad("is not a JSON object")
        key = f"{source.name}:{number}"
        if "endTime" in row:
            yield Listen(
                source.listener,
                key,
                artist=text_of(row.get("artistName"), "artistName", place),
                track=text_of(row.get("trackName"), "trackName", place),
                ended_ms=utc_ms_of(row["endTime"], "endTime", place),
                ms_played=ms_of(row.get("msPlayed"), "msPlayed", place),
            )
        elif "ts" in row:
            yield _extended(source.listener, key, row, place)
        else:
            raise place.bad("has neither endTime nor ts")


def rows_of(source: Source) -> list[object]:
    """The JSON array that a file holds; raises BadInput when it holds anything else."""
    try:
        rows = orjson.loads(source.text)
    except orjson.JSONDecodeError as error:
        raise BadInput(str(source.path), f"not JSON: {error}") from error
    if not isinstance(rows, list):
        raise BadInput(str(source.path), "not a JSON array of plays")
    return rows


def _extended(listener: str, key: str, row: Mapping[str, object], place: Place) -> Listen:
    offline = row.get("offline")
    return Listen(
        listener,
        key,
        artist=_first(row, "master_metadata_album_artist_name", "episode_show_name", "audiobook_title"),
        track=_first(row, "master_metadata_track_name", "episode_name", "audiobook_chapter_title", "spotify_track_uri"),
        ended_ms=utc_ms_of(row["ts"], "ts", place),
        ms_played=ms_of(row.get("ms_played"), "ms_played", place),
        album=_first(row, "master_metadata_album_album_name", unknown=""),
        device=_first(row, "platform", unknown=""),
        country=_first(row, "conn_country", unknown=""),
        offline=offline if isinstance(offline, bool) else None,
    )


def _first(row: Mapping[str, object], *fields: str, unknown: str = _UNKNOWN) -> str:
    """The first of the fields that holds a text: podcasts and audiobooks keep theirs elsewhere."""
    texts = (row.get(field) for field in fields)
    return next((text for text in texts if isinstance(text, str) and text), unknown)
