"""What is played: recordings, artists and albums, invented here or taken from a listening history by the importers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from settlement.landing.generator.mixing import Hashes, Ints, mix, modulo
from settlement.landing.generator.names import album_title, artist_name, track_title

FIRST_TRACK_ID: Final = 1_000_001
FIRST_ALBUM_ID: Final = 20_000_001
_VOLUMES: Final = 4  # albums an invented artist may have
_EVERY: Final = 150  # of so many ranks one track is never registered, another one late
_NEVER_RANK: Final = 40
_LATE_RANK: Final = 75


@dataclass(frozen=True)
class Repertoire:
    """Recordings 0 … n − 1 (track_id = FIRST_TRACK_ID + index), parallel to each other; albums and artists likewise.

    `artist_key` is a stable number per artist: the label follows from it. `never` and `late` are recordings that are
    played but that the catalogue lacks for good, or until the middle of the first month.
    """

    titles: Sequence[str]
    artists: Sequence[str]
    albums: Sequence[str]
    artist_of_track: Ints
    album_of_track: Ints
    artist_of_album: Ints
    artist_key: Hashes
    duration_ms: Ints
    never: frozenset[int] = field(default=frozenset())
    late: frozenset[int] = field(default=frozenset())

    def __len__(self) -> int:
        return len(self.titles)


def durations(seed: int, tracks: int) -> Ints:
    """Length of each invented recording: 2:00 to 5:00, in ms."""
    return 120_000 + modulo(mix(seed, "duration", np.arange(tracks, dtype=np.int64)), 180_001)


def track_at_rank(seed: int, rank: Ints, tracks: int) -> Ints:
    """The recording at each popularity rank: ids say nothing about popularity."""
    step = next(n for n in range(max(1, tracks * 5 // 8), 2 * tracks + 2) if np.gcd(n, tracks) == 1)
    return (rank * step + seed % tracks) % tracks


def synthetic_repertoire(seed: int, tracks: int) -> Repertoire:
    """Invented recordings by about an eighth as many artists."""
    index = np.arange(tracks, dtype=np.int64)
    artist = modulo(mix(seed, "artist.of", index), max(1, tracks // 8))
    keys, album = np.unique(artist * _VOLUMES + modulo(mix(seed, "album.of", index), _VOLUMES), return_inverse=True)
    present, artist_of_album = np.unique(keys // _VOLUMES, return_inverse=True)
    at_rank = track_at_rank(seed, index, tracks)
    return Repertoire(
        titles=[track_title(seed, number) for number in range(tracks)],
        artists=[artist_name(seed, number) for number in present.tolist()],
        albums=[album_title(seed, *divmod(key, _VOLUMES)) for key in keys.tolist()],
        artist_of_track=artist_of_album[album].astype(np.int64),
        album_of_track=album.astype(np.int64),
        artist_of_album=artist_of_album.astype(np.int64),
        artist_key=mix(seed, "artist.key", present),
        duration_ms=durations(seed, tracks),
        never=frozenset(at_rank[_NEVER_RANK::_EVERY].tolist()),
        late=frozenset(at_rank[_LATE_RANK::_EVERY].tolist()),
    )
