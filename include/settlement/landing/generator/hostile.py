"""Text that breaks careless readers: what titles, names and memos of real catalogues hold, on purpose and often."""

from __future__ import annotations

from typing import Final

# Each is put around an ordinary name; every one must survive CSV, JSON, SQL, Excel and the flat file unchanged.
_AROUND: Final = (
    '{} "라이브", 서울',  # quotes and a comma
    "{}\t(탭)",
    "{}\n둘째 줄",  # a line feed inside a quoted field
    "{}\r\n셋째 줄",
    "{} | B-side | 파이프",
    "C:\\{}\\n\\",  # backslashes, the last one before the closing quote
    "=1+1&{}",  # a formula, for a careless spreadsheet
    "+82 {}",
    "-{}",
    "@{}",
    "{} 🎧👩‍🎤🇰🇷",  # joined emoji, outside the basic plane
    "\u202e{}\u202c שלום",  # right to left, with its control characters
    "e\u0301\u0323{}",  # combining marks
    "\u00a0{}\u00a0",  # no-break spaces at both ends
    "  {}  ",
    "{}\u2028갈라진 줄\u0085",  # line separators that are not line ends
    "'{}'; DROP TABLE tracks; --",
    '""{}""',
    "{}\x0b\x1f",  # control characters
    "NULL",
    "\\N{}",
    "한글 조합: \u1112\u1161\u11ab{}",  # decomposed Hangul
    "{}\ufeff",
    "<b>{}</b>&amp;",
)


def hostile(text: str, number: int) -> str:
    """The text in its `number`-th hostile dress (numbers go round)."""
    return _AROUND[number % len(_AROUND)].format(text)


def now_and_then(text: str, index: int, every: int) -> str:
    """Every `every`-th text in hostile dress, a different one each time; the others as they are."""
    return hostile(text, index // every) if index % every == every // 2 else text
