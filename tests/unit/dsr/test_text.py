"""Text of cells: what becomes of hostile titles, and that escapes are exact both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.reports.dsr.text import BadEscape, clean, escape, split_line
from tests.unit.dsr import made

HOSTILE = st.text(st.one_of(st.characters(codec=None), st.sampled_from("\\|\t\r\n#=\u202e\u200d\U0001f319 ")), max_size=40)


@made.PLAIN
@given(st.lists(st.lists(HOSTILE.map(clean), min_size=1, max_size=3), min_size=1, max_size=4))
def test_every_text_comes_back_from_its_cell(cells: list[list[str]]) -> None:
    line = "\t".join("|".join(map(escape, values)) for values in cells)
    assert "\n" not in line
    assert "\r" not in line
    assert [[cell] if isinstance(cell, str) else cell for cell in split_line(line)] == cells


@made.PLAIN
@given(HOSTILE)
def test_clean_text_fits_one_line_of_utf8_and_stays_clean(text: str) -> None:
    cleaned = clean(text)
    assert cleaned.encode().decode() == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb\nc\rd", "a b c d"),
        ("a\u2028b\u2029c\x85d\x00e\x7ff\x0bg", "a b c d e f g"),
        ("a\tb", "a\tb"),
        ("\n \t", ""),
        (" 곡\u3000", "곡"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("\u202eevil\u202c 👩\u200d🎤", "\u202eevil\u202c 👩\u200d🎤"),
        ("half \ud83c", "half \ufffd"),
    ],
)
def test_line_breaks_and_controls_are_spaces_and_all_else_stays(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_pipe_tab_and_backslash_are_escaped_by_one_backslash() -> None:
    assert escape("a|b\tc\\d") == "a\\|b\\\tc\\\\d"
    assert split_line("a\\|b\\\tc\\\\d\te|f") == ["a|b\tc\\d", ["e", "f"]]


@pytest.mark.parametrize(("line", "index"), [("a\\b\tc", 0), ("a\tb\tc\\", 2), ("a\\\\\\x", 0), ("a\\\tb\t\\n", 1)])
def test_a_backslash_that_escapes_nothing_is_refused_with_its_cell(line: str, index: int) -> None:
    with pytest.raises(BadEscape) as caught:
        split_line(line)
    assert caught.value.index == index
