"""Invented names: Hangul syllables strung together by number, so that no real artist, title or label is meant."""

from __future__ import annotations

from typing import Final

from settlement.landing.generator.hostile import now_and_then
from settlement.landing.generator.mixing import draw

_SYLLABLES: Final = (
    "가나다라마바사아자차카타파하거너더러머버서어저고노도로모보소오조구누두루무부수우주그느드르미비시이지새별달빛솔"
)
_LATIN: Final = ("Ba", "Ro", "Mi", "Ta", "Le", "No", "Ki", "Su", "Ve", "Do", "Pa", "Ze")
_ALBUMS: Final = ("1집", "2집", "EP", "싱글")


def _syllables(number: int, count: int) -> str:
    letters = []
    for _ in range(count):
        number, at = divmod(number, len(_SYLLABLES))
        letters.append(_SYLLABLES[at])
    return "".join(letters)


def _latin(number: int, count: int) -> str:
    parts: list[str] = []
    for _ in range(count):
        number, at = divmod(number, len(_LATIN))
        parts.append(_LATIN[at] if not parts else _LATIN[at].lower())
    return "".join(parts)


def artist_name(seed: int, index: int) -> str:
    """Name of the artist; two artists may share one, as in life."""
    number = draw(seed, "artist", index)
    plain = _latin(number >> 8, 3) if number % 5 == 0 else _syllables(number >> 8, 2 + number % 3)
    return now_and_then(plain, index, 29)


def track_title(seed: int, index: int) -> str:
    """Title of the track: one to three words."""
    number = draw(seed, "title", index)
    words = [_syllables(number >> (8 + 16 * word), 2 + (number >> word) % 2) for word in range(1 + number % 3)]
    return now_and_then(" ".join(words), index, 23)


def album_title(seed: int, artist: int, volume: int) -> str:
    """Title of an artist's album number `volume` (0 …)."""
    word = _syllables(draw(seed, "album", artist, volume) >> 8, 3)
    return now_and_then(f"{word} {_ALBUMS[volume % len(_ALBUMS)]}", artist + volume, 31)


def label_name(seed: int, index: int) -> str:
    """Name of a label or distributor, unlike every other by its number."""
    word = _syllables(draw(seed, "label", index) >> 8, 2)
    return now_and_then(f"{word}레코드 {index}", index, 7)
