"""Hostile text in CSV cells: what is guarded, that it comes back, and that the engine guards alike."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from settlement.reports.guard import guarded, guarded_sql, unguarded


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)", "\ttab", "\rcr", "\nlf", "'", "'=1", "  =1", "\u00a0-1", "\u3000@x", "\ufeff=1", "\u200b+1",
        "\x00=1", "＝1", "＋1", "－1", "＠1", "﹦1", " \t =1", "=", "=한글🌙", "=1\r\n=2",
    ],
)  # fmt: skip
def test_text_that_could_start_a_formula_gets_one_quote_that_comes_off_again(text):
    assert guarded(text) == "'" + text
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["", "a=1", "한글", "1-1", " 공백", "(=1)", '"=1"', "🌙=", "\u0301=", "a\t", "·-", "#1"])
def test_other_text_stays_as_it_is(text):
    assert guarded(text) == text
    assert unguarded(text) == text


def test_the_engine_guards_every_character_as_python_does():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = [before + after for before in characters for after in ("", "=")]
    with duckdb.connect() as con:
        con.register("texts", pa.table({"text": texts}))
        cells = con.sql(f"SELECT {guarded_sql('text')} AS cell FROM texts").to_arrow_table()["cell"].to_pylist()
    assert cells == [guarded(text) for text in texts]
    assert texts == [unguarded(cell) for cell in cells]
