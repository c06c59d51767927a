"""ListenBrainz exports: a listen a line (JSONL), or one JSON array of them.

`listened_at` is the beginning of a listen, in seconds since 1970. The export doesn't say how long was listened: the
recording's duration is taken where the row has one (`duration_ms`, or `duration` in seconds), else 210,000 ms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from settlement.landing.forms import MAX_PLAY_MS
from settlement.landing.importers.listen import Listen, Place, text_of
from settlement.landing.importers.sources import Source
from settlement.landing.importers.spotify import rows_of

DEFAULT_MS: Final = 210_000
_LATEST: Final = 253_402_300_799  # the last second of the year 9999


def read_listenbrainz(source: Source) -> Iterator[Listen]:
    """The listens of an export, in its order; raises BadInput with file, row and reason."""
    rows = enumerate(rows_of(source), start=1) if source.text.lstrip().startswith("[") else _lines(source)
    for number, row in rows:
        place = Place(str(source.path), number)
        if not isinstance(row, dict):
            raise place.bad("is not a JSON object")
        yield _listen(source.listener, row, place)


def _lines(source: Source) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(source.text.removesuffix("\n").split("\n"), start=1):
        try:
            yield number, orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Place(str(source.path), number).bad(f"not JSON: {error}") from error


def _listen(listener: str, row: Mapping[str, Any], place: Place) -> Listen:
    began, metadata = row.get("listened_at"), row.get("track_metadata")
    if isinstance(began, bool) or not isinstance(began, int) or not 0 <= began <= _LATEST:
        raise place.bad(f"listened_at is {began!r}: must be seconds since 1970")
    if not isinstance(metadata, dict):
        raise place.bad("no track_metadata")
    artist = text_of(metadata.get("artist_name"), "artist_name", place)
    track = text_of(metadata.get("track_name"), "track_name", place)
    more = metadata.get("additional_info")
    more = more if isinstance(more, dict) else {}
    duration, album, user = _duration(more), metadata.get("release_name"), row.get("user_name")
    ms_played = duration or DEFAULT_MS
    return Listen(
        user if isinstance(user, str) and user else listener,
        _key(began, row, more, artist, track),
        artist,
        track,
        ended_ms=began * 1_000 + ms_played,
        ms_played=ms_played,
        album=album if isinstance(album, str) else "",
        duration_ms=duration,
    )


def _key(began: int, row: Mapping[str, Any], more: Mapping[str, Any], artist: str, track: str) -> str:
    """What ListenBrainz itself tells listens apart by: the second, and the recording as it was submitted.

    The same listen in two files keeps one key: the settlement counts it once, as any play that is delivered twice.
    """
    recording = row.get("recording_msid") or more.get("recording_msid")
    if not isinstance(recording, str) or not recording:
        recording = hashlib.sha256(f"{artist}\x1f{track}".encode()).hexdigest()[:32]
    return f"{began}:{recording}"


def _duration(more: Mapping[str, Any]) -> int:
    """The recording's duration in ms; 0 when the row has none that makes sense."""
    for field, unit in (("duration_ms", 1), ("duration", 1_000)):
        value = more.get(field)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:9])
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value * unit <= MAX_PLAY_MS:
            return int(value * unit)
    return 0
