"""Lines that no reader may take for a play: broken JSON, broken UTF-8, missing fields, values off their form.

Each defect takes a good line as rendering.STYLES[0] writes it. Bytes that aren't UTF-8 travel as surrogate escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_MIB: Final = 1 << 20
_GIANT: Final = 7  # the malformed line of this number is over 1 MiB; one is enough
Defect = Callable[[str], str]


def spoil(line: str, number: int) -> bytes:
    """The line with the `number`-th defect (numbers go round)."""
    if number == _GIANT:
        return f'{line[:-1]},"padding":"{"가" * (_MIB // 3)}"}}'.encode()
    return DEFECTS[number % len(DEFECTS)](line).encode("utf-8", "surrogateescape")


def _value(field: str, value: str) -> Defect:
    """Put another value (JSON text) into a field."""
    pattern = re.compile(rf'"{field}":("[^"]*"|[^,}}]*)')
    return lambda line: pattern.sub(lambda _: f'"{field}":{value}', line, count=1)


def _text(field: str, change: Callable[[str], str]) -> Defect:
    """Change the text of a field that is written in quotes."""
    pattern = re.compile(rf'"{field}":"([^"]*)"')
    return lambda line: pattern.sub(lambda match: f'"{field}":"{change(match[1])}"', line, count=1)


def _without(field: str) -> Defect:
    pattern = re.compile(rf'"{field}":("[^"]*"|[^,}}]*),')
    return lambda line: pattern.sub("", line, count=1)


def _to(line_text: str) -> Defect:
    return lambda _: line_text


DEFECTS: Final[tuple[Defect, ...]] = (
    lambda line: line[: len(line) * 2 // 3],  # cut short
    _to(""),  # an empty line
    _value("device", '"\udcff\udcfe"'),  # bytes that are no UTF-8
    _value("device", '"\\ud800"'),  # a lone surrogate, escaped
    _without("play_id"),
    _value("user_id", "-5"),
    _value("ms_played", "86400001"),
    _value("started_at", '"2026-02-30T10:00:00+09:00"'),
    lambda line: line + " trailing",
    _value("device", '"\udced\udca0\udc80"'),  # a lone surrogate as bytes
    lambda line: f"[{line}]",
    _value("ms_played", "1234.5"),
    _text("started_at", lambda text: text.replace("T", " ")),
    _value("track_id", "1234567890123456789"),  # 19 digits
    _text("play_id", lambda text: f"{text} 1"),
    _value("user_id", "true"),
    lambda line: line + line,  # two objects
    _value("started_at", '"2026-02-01T24:00:00+09:00"'),
    _value("product_id", '""'),
    _value("ms_played", "null"),
    lambda line: line.replace('"', "'"),
    _value("started_at", '"2026-02-01T10:00:00+18:30"'),
    _value("device", '"a\tb"'),  # a bare tab within a string
    _value("play_id", '"' + "p" * 65 + '"'),
    _value("ms_played", "6e4"),
    _without("started_at"),
    _value("started_at", '"2026-02-01T10:00:00.1234567+09:00"'),
    _value("track_id", "007"),  # JSON has no leading zeros
    _to("null"),
    _value("started_at", '"2026-02-01T10:00:60Z"'),
    lambda line: line.replace(",", ",,", 1),
    _value("user_id", '"12 34"'),
    _value("started_at", '"2026-02-01T10:00:00"'),  # no offset
    _value("country", "NaN"),
    _to(" \t "),
    _value("started_at", '"0000-01-01T00:00:00Z"'),
    _value("track_id", '"١٢٣"'),  # digits, but not ASCII
    _value("product_id", '"상품"'),
    lambda line: line[:-1] + ",}",
    _value("started_at", '"2026-02-01t10:00:00z"'),
    _value("ms_played", '"-1"'),
    _value("device", '"\udcc0\udc80"'),  # an overlong NUL
)
