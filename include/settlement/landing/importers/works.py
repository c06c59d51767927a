"""The repertoire of a listening history: real artists, tracks and albums, numbered in sorted order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from settlement.landing.generator.repertoire import FIRST_TRACK_ID, Repertoire
from settlement.landing.importers.listen import Listen

_LEAST_MS = 1_000
Work = tuple[str, str]  # artist, track


def works_of(listens: Iterable[Listen]) -> tuple[Repertoire, dict[Work, int]]:
    """The repertoire, and the track id of each (artist, track): by rank in sorted order.

    A recording lasts as long as the export says, else as its longest play. Its album is the first by name that the
    export gives it; without one it goes to the artist's collection.
    """
    longest: dict[Work, int] = {}
    albums: dict[Work, str] = {}
    for listen in listens:
        work = (listen.artist, listen.track)
        longest[work] = max(longest.get(work, _LEAST_MS), listen.duration_ms or listen.ms_played)
        if listen.album:
            albums[work] = min(albums.get(work, listen.album), listen.album)
    works = sorted(longest)
    artists = sorted({artist for artist, _ in works})
    artist_at = {artist: place for place, artist in enumerate(artists)}
    releases = sorted({(artist, albums.get((artist, track), "")) for artist, track in works})
    release_at = {release: place for place, release in enumerate(releases)}
    repertoire = Repertoire(
        titles=[track for _, track in works],
        artists=artists,
        albums=[album or f"{artist} 모음" for artist, album in releases],
        artist_of_track=np.array([artist_at[artist] for artist, _ in works], dtype=np.int64),
        album_of_track=np.array([release_at[work[0], albums.get(work, "")] for work in works], dtype=np.int64),
        artist_of_album=np.array([artist_at[artist] for artist, _ in releases], dtype=np.int64),
        artist_key=np.array([_key(artist) for artist in artists], dtype=np.uint64),
        duration_ms=np.array([longest[work] for work in works], dtype=np.int64),
    )
    return repertoire, {work: FIRST_TRACK_ID + place for place, work in enumerate(works)}


def _key(artist: str) -> int:
    return int.from_bytes(hashlib.sha256(artist.encode()).digest()[:8], "big")
