"""Instants as text: a Korean day and second, written the ways clients write them (offsets, Z, fractions)."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final

import numpy as np

from settlement.landing.generator.mixing import Ints, Texts, draw

_DAY: Final = 86_400
_KST: Final = 9 * 3_600
# Offsets and how many of 256 clients write them.
_OFFSETS: Final = (
    ("+09:00", _KST, 236),
    ("Z", 0, 10),
    ("+00:00", 0, 2),
    ("-08:00", -8 * 3_600, 3),
    ("+05:30", 5 * 3_600 + 1_800, 2),
    ("-03:30", -3 * 3_600 - 1_800, 1),
    ("+14:00", 14 * 3_600, 1),
    ("-18:00", -18 * 3_600, 1),
)
_OFFSET: Final = np.repeat(np.arange(len(_OFFSETS)), [often for _, _, often in _OFFSETS])
_OFFSET_SECONDS: Final = np.array([seconds for _, seconds, _ in _OFFSETS], dtype=np.int64)
_FRACTIONS: Final = 1_024  # distinct fractions; half of the clients write none
_FRACTION_DIGITS: Final = (3, 3, 3, 6, 1, 2, 4, 5)


@lru_cache(maxsize=1)
def _times() -> Texts:
    clock = [f"{hour:02d}:{minute:02d}:" for hour in range(24) for minute in range(60)]
    return np.array([f"{prefix}{second:02d}" for prefix in clock for second in range(60)], dtype=object)


@lru_cache(maxsize=1)
def _tails() -> Texts:
    """Every fraction with every offset; the text of fraction f and offset o is at f × offsets + o."""
    fractions = []
    for number in range(_FRACTIONS):
        digits = _FRACTION_DIGITS[number // 2 % len(_FRACTION_DIGITS)]
        value = draw(0, "fraction", number) % 10**digits
        fractions.append("" if number % 2 else f".{value:0{digits}d}")
    return np.array([fraction + offset for fraction in fractions for offset, _, _ in _OFFSETS], dtype=object)


def instant_texts(day: Ints, second: Ints, writing: Ints) -> tuple[Texts, Texts, Texts]:
    """Date, time, and fraction with offset of Korean instants: three parallel vectors of text.

    Args:
        day: ordinals of Korean dates.
        second: seconds of that day, 0 … 86,399.
        writing: any number of 0 or more: the low 8 bits choose the offset, the next 10 the fraction.
    """
    if not len(day):
        none = np.array([], dtype=object)
        return none, none, none
    offset = _OFFSET[writing & 0xFF]
    local = second + _OFFSET_SECONDS[offset] - _KST
    local_day = day + local // _DAY
    first, last = int(local_day.min()), int(local_day.max())
    dates = np.array([date.fromordinal(number).isoformat() for number in range(first, last + 1)], dtype=object)
    tails = _tails()[((writing >> 8) & 0x3FF) * len(_OFFSETS) + offset]
    return dates[local_day - first], _times()[local % _DAY], tails


def instants(day: Ints, second: Ints, writing: Ints) -> list[str]:
    """The instants of `instant_texts`, each in one piece."""
    parts = (column.tolist() for column in instant_texts(day, second, writing))
    return [f"{date_}T{time}{tail}" for date_, time, tail in zip(*parts, strict=True)]
