"""The reader of listening history: cutting lines, and which of them are well formed (rules §2.1)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.landing import plays
from tests.oracle.plays import parse_play
from tests.worlds.malformed import DEFECTS

PLAY: dict[str, Any] = {
    "play_id": "p1", "user_id": 7, "subscription_id": None, "product_id": "sub", "track_id": "11",
    "started_at": "2026-02-01T10:00:00+09:00", "ms_played": 60000, "device": "app", "country": "KR", "offline": False, "flags": [],
}  # fmt: skip


def rows(*lines: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = plays.parse(list(lines), "plays/f.jsonl.gz", 1).to_pylist()
    return found


def line(**changes: Any) -> bytes:
    return json.dumps(PLAY | changes, ensure_ascii=False).encode()


def well_formed(raw: bytes) -> bool:
    return bool(rows(raw)[0]["well_formed"])


def test_a_play_keeps_its_line_its_texts_its_instant_and_its_korean_date() -> None:
    raw = line(started_at="2026-02-01T23:30:00.25Z")
    (row,) = rows(raw)
    assert row["line"] == raw.decode()
    assert (row["play_id"], row["user_id"], row["track_id"], row["ms_played"]) == ("p1", "7", "11", "60000")
    assert row["instant_us"] == 1_769_988_600_250_000
    assert row["kst_day"] == 20_486  # 2026-02-02 in Korea
    assert row["subscription_id"] is None
    assert not row["flagged"]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"null", b"[]", b"7", b'"x"', b"{}", b"{", line() + b" x", line() + b"{}", b"\xef\xbb\xbf" + line(),
        line().replace(b'"p1"', b'"p\xff1"'), line(device="x").replace(b'"x"', b'"\\ud800"'), line().replace(b"7", b"07"),
        line().replace(b"false", b"False"), line().replace(b"60000", b"NaN"), line().replace(b"60000", b"6e4"),
        line().replace(b"60000", b"60000.0"), line().replace(b": 7", b": -0"), line().replace(b'"p1"', b'"p\n1"'),
    ],
)  # fmt: skip
def test_a_line_that_is_not_one_json_object_with_its_fields_is_malformed(raw: bytes) -> None:
    assert not well_formed(raw)


@pytest.mark.parametrize(
    "changes",
    [
        {"play_id": ""}, {"play_id": "a b"}, {"play_id": "x" * 65}, {"play_id": 10**18}, {"play_id": -5}, {"play_id": None},
        {"play_id": True}, {"product_id": "한"}, {"product_id": "a\n"}, {"user_id": "1a"}, {"user_id": ""}, {"user_id": "1" * 19},
        {"user_id": 1.0}, {"track_id": -1}, {"track_id": "٣"}, {"track_id": ["1"]}, {"ms_played": 86_400_001},
        {"ms_played": "123456789"}, {"ms_played": True}, {"started_at": 0}, {"started_at": "2026-02-30T00:00:00Z"},
        {"started_at": "2026-02-01T24:00:00Z"}, {"started_at": "2026-02-01T00:60:00Z"}, {"started_at": "2026-02-01T00:00:60Z"},
        {"started_at": "2026-02-01T00:00:00+18:01"}, {"started_at": "2026-02-01T00:00:00+09:60"},
        {"started_at": "2026-02-01T00:00:00"}, {"started_at": "2026-02-01 00:00:00Z"}, {"started_at": "2026-02-01T00:00:00z"},
        {"started_at": "2026-02-01T00:00:00.Z"}, {"started_at": "2026-02-01T00:00:00.1234567Z"}, {"started_at": "0000-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_a_required_field_off_its_form_is_malformed(changes: dict[str, Any]) -> None:
    assert not well_formed(line(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"play_id": 5}, {"play_id": 10**18 - 1}, {"play_id": "x" * 64}, {"play_id": "-5"}, {"user_id": "007"}, {"user_id": 0},
        {"track_id": 10**18 - 1}, {"track_id": 0}, {"ms_played": 86_400_000}, {"ms_played": "00000060"}, {"ms_played": 0},
        {"started_at": "0001-01-01T00:00:00+18:00"}, {"started_at": "9999-12-31T23:59:59.999999-18:00"},
        {"device": 7}, {"country": False}, {"offline": "yes"}, {"flags": "bot"}, {"subscription_id": "x"}, {"subscription_id": 1.5},
        {"extra": {"deep": [1e300, "\U0001f3a7"]}},
    ],
)  # fmt: skip
def test_a_play_at_the_edge_of_its_forms_is_well_formed(changes: dict[str, Any]) -> None:
    assert well_formed(line(**changes))


def test_a_number_too_large_for_a_double_in_another_field_is_still_json() -> None:
    assert well_formed(line().replace(b'"KR"', b'"KR", "x": 1e400, "y": ' + b"9" * 5000))


def test_an_integer_and_the_same_digits_in_quotes_are_alike() -> None:
    bare, quoted = rows(
        line(user_id=7, track_id=11, ms_played=60000, subscription_id=3),
        line(user_id="7", subscription_id="3", ms_played="60000"),
    )
    assert {k: v for k, v in bare.items() if k not in ("line", "row_no")} == {
        k: v for k, v in quoted.items() if k not in ("line", "row_no")
    }


def test_optional_fields_of_a_wrong_type_are_ignored() -> None:
    (row,) = rows(line(device=7, country=["KR"], offline="no", subscription_id="S1"))
    assert (row["device"], row["country"], row["offline"], row["subscription_id"]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("flags", "flagged"),
    [([], False), (None, False), (["bot"], True), ("", True), ({}, True), (0, True), (False, True), ([None], True)],
)
def test_flags_count_unless_null_or_an_empty_array(flags: Any, flagged: bool) -> None:
    assert rows(line(flags=flags))[0]["flagged"] is flagged


def test_unknown_fields_are_counted() -> None:
    assert [row["unknown_fields"] for row in rows(line(), line(a=1, b=2), b"broken")] == [0, 2, 0]


def test_what_is_no_utf_8_is_kept_as_escapes_beside_other_lines() -> None:
    first, second = rows(b"\xff\xfe{", line())
    assert first["line"] == "\\xff\\xfe{"
    assert not first["well_formed"]
    assert second["well_formed"]


@pytest.mark.parametrize(("size", "good"), [(1 << 20, True), ((1 << 20) + 1, False)])
def test_a_line_of_a_mebibyte_is_read_and_a_longer_one_is_malformed(size: int, good: bool) -> None:
    raw = line(pad="")
    raw = raw.replace(b'"pad": ""', b'"pad": "' + b"x" * (size - len(raw)) + b'"')
    assert len(raw) == size
    (block,) = plays.blocks(io.BytesIO(raw + b"\r\n"))
    assert well_formed(block[0]) is good


def test_a_line_ends_at_lf_and_one_cr_before_it_is_dropped() -> None:
    assert [list(b) for b in plays.blocks(io.BytesIO(b"a\r\nb\r\r\n\nc\rd"))] == [[b"a", b"b\r", b""], [b"c\rd"]]


def test_an_endless_line_is_cut_and_the_next_one_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plays, "_BLOCK", 1000)
    data = b"x" * (plays.MAX_LINE * 2) + b"\nnext\n"
    found = [raw for block in plays.blocks(io.BytesIO(data)) for raw in block]
    assert [len(raw) for raw in found] == [plays.MAX_LINE + 1, 4]


@given(
    st.lists(st.binary(max_size=40).filter(lambda b: b"\n" not in b and not b.endswith(b"\r")), max_size=30), st.integers(1, 50)
)
def test_lines_do_not_depend_on_how_the_stream_is_cut(lines: list[bytes], size: int) -> None:
    class Slow(io.BytesIO):
        def read(self, _count: int | None = -1) -> bytes:
            return super().read(size)

    found = [raw for block in plays.blocks(Slow(b"".join(raw + b"\n" for raw in lines))) for raw in block]
    assert found == lines


def test_every_defect_of_the_worlds_is_malformed_for_the_reader_and_for_the_oracle() -> None:
    values = [(field, value) for field, found in DEFECTS.items() for value in found]
    assert values
    for field, value in values:
        text = ", ".join(f'"{k}": {value if k == field else json.dumps(v)}' for k, v in PLAY.items())
        raw = ("{" + text + "}").encode("utf-8", "surrogatepass")
        assert not well_formed(raw), raw
        assert parse_play(raw) is None, raw
