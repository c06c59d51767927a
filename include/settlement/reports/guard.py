"""CSV cells that no spreadsheet takes for a formula: a quote in front of hostile text, and the way back.

A text is guarded if it begins with `'`, tab, CR or LF, or if its first visible character is one of `= + - @` (or the
full-width or small form of one, which some spreadsheets fold). A guarded text gets one `'` in front, so that taking
one leading `'` off gives back exactly the catalogue's text, whatever it was. Numbers are no text: they stay as they are.
"""

from __future__ import annotations

import re

_SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
_FIRST = "'\t\r\n"
# Spaces, control and format characters: what a spreadsheet may trim, or a reader can't see, in front of a sign.
_SKIPPED = (
    (0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x61C, 0x61C), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200F),
    (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
)  # fmt: skip


def _hex(character: str | int) -> str:
    """A character as the engine's regular expressions write it."""
    return f"\\x{{{character if isinstance(character, int) else ord(character):x}}}"


_HOSTILE = re.compile(f"[{re.escape(_FIRST)}]|[{''.join(f'{chr(a)}-{chr(b)}' for a, b in _SKIPPED)}]*[{re.escape(_SIGNS)}]")
_HOSTILE_SQL = (
    f"^(?:[{''.join(map(_hex, _FIRST))}]|[{''.join(f'{_hex(a)}-{_hex(b)}' for a, b in _SKIPPED)}]*[{''.join(map(_hex, _SIGNS))}])"
)


def guarded(text: str) -> str:
    """The cell that holds `text`."""
    return f"'{text}" if _HOSTILE.match(text) else text


def unguarded(cell: str) -> str:
    """The text that a cell made by `guarded` holds."""
    return cell.removeprefix("'")


def guarded_sql(text: str) -> str:
    """DuckDB's expression for `guarded`; `text` is an expression, NULL stays NULL."""
    return f"CASE WHEN regexp_matches({text}, '{_HOSTILE_SQL}') THEN '''' || {text} ELSE {text} END"
