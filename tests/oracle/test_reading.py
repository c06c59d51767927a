"""What the oracle reads and writes: lines, forms, CSV records and the canonical export."""

from pathlib import Path

import pytest

from tests.oracle import BadInputError, render, settle, settle_folders
from tests.oracle.exports import table
from tests.oracle.forms import instant_of
from tests.oracle.landing import csv_rows
from tests.oracle.plays import parse_play
from tests.worlds import in_memory, reference_files, write, write_reference
from tests.worlds.malformed import DEFECTS
from tests.worlds.plain import other_revenue, payment, plain_world, play

UWON = 1_000_000
GOOD = b'{"play_id":"a","user_id":1,"product_id":"P","track_id":1,"started_at":"2024-02-01T00:00:00Z","ms_played":60000'


def test_the_good_line_of_these_tests_is_a_play() -> None:
    assert parse_play(GOOD + b"}") is not None


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"} ]",
        b"}{}",
        b',"x":NaN}',
        b',"x":-Infinity}',
        b',"x":01}',
        b',"x":"\\ud800"}',
        b',"x":["\\udc00\\ud800"]}',
        b',"\\ud800":1}',
        b',"x":"\xff"}',
        b',"x":"\xed\xa0\x80"}',
        b',"x":"\t"}',
        b",}",
        b"}\x0b",
        b"}" + b" " * (1 << 20),
    ],
)
def test_a_line_that_is_not_one_strict_json_object_of_a_mebibyte_is_malformed(rest: bytes) -> None:
    assert parse_play(GOOD + rest) is None


@pytest.mark.parametrize(
    "rest",
    [
        b"}\r",
        b"} \t",
        b',"x":1e999}',
        b',"x":' + b"9" * 5000 + b"}",
        b',"x":"\\ud83d\\ude00\\u0000"}',
        ',"메모":"\u2028"}'.encode(),
        b',"device":5}',
        b',"subscription_id":true}',
        b"}" + b" " * ((1 << 20) - len(GOOD) - 1),
    ],
)
def test_what_is_odd_beside_the_required_fields_does_not_matter(rest: bytes) -> None:
    assert parse_play(GOOD + rest) is not None


@pytest.mark.parametrize("line", [b"\xef\xbb\xbf" + GOOD + b"}", GOOD.replace(b'"a"', b"-5") + b"}", b"", b"[]", b"null"])
def test_a_byte_order_mark_a_signed_id_and_another_json_value_make_a_line_malformed(line: bytes) -> None:
    assert parse_play(line) is None


def test_every_value_off_its_form_makes_a_line_malformed() -> None:
    for name, values in DEFECTS.items():
        for value in values:
            line = play("2024-02-01", "a", **{name: "DEFECT"}).line.replace(b'"DEFECT"', value.encode())
            assert parse_play(line) is None, line


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T09:00:00.5+09:00", 500_000),
        ("1969-12-31T23:59:59.000001-00:00", -999_999),
        ("0001-01-01T00:00:00+18:00", -62_135_661_600 * UWON),
        ("9999-12-31T23:59:59-18:00", 253_402_365_599 * UWON),
    ],
)
def test_an_instant_is_counted_in_microseconds_of_utc(text: str, instant: int) -> None:
    assert instant_of(text) == instant


def test_a_csv_record_keeps_its_line_breaks_and_loses_its_line_end() -> None:
    rows = csv_rows(b'a,b\r\n"x\r\ny","q""q"\r\n1,2')
    assert [(row.raw, row.fields) for row in rows] == [
        (b'"x\r\ny","q""q"', {"a": "x\r\ny", "b": 'q"q'}),
        (b"1,2", {"a": "1", "b": "2"}),
    ]


def test_an_export_is_sorted_by_key_and_quoted_where_it_must_be() -> None:
    rows = table("payment_bucket", [("d", text, "counted", 1, -2) for text in ("b", 'a"\n', "가", "B", "x,y")])
    body = 'd,B,counted,1,-2\nd,"a""\n",counted,1,-2\nd,b,counted,1,-2\nd,"x,y",counted,1,-2\nd,가,counted,1,-2\n'
    assert render("payment_bucket", rows) == "dt,payment_id,bucket,rows,base_uwon\n" + body
    assert render("play_bucket", table("play_bucket", [("d", "a", "x", 1), ("d", None, "malformed", 2)])).endswith(
        "d,,malformed,2\nd,a,x,1\n"
    )


def test_a_folder_without_its_marker_has_not_arrived() -> None:
    folders = in_memory(plain_world())
    del folders["payments/dt=2024-02-07"]["_SUCCESS"]
    with pytest.raises(BadInputError, match="payments/dt=2024-02-07 has not arrived"):
        settle_folders(folders, reference_files(plain_world()), ["2024-02"])


def test_a_world_on_disk_is_the_world_in_memory(tmp_path: Path) -> None:
    world = plain_world(play("2024-02-01", "a"), money=[payment("2024-02-02", "b"), other_revenue("2024-02-03", "c", 9)])
    write(world, tmp_path / "landing")
    write_reference(world, tmp_path / "reference")
    on_disk = settle(tmp_path / "landing", tmp_path / "reference", ["2024-02"])
    assert on_disk == settle_folders(in_memory(world), reference_files(world), ["2024-02"])
    assert len(list((tmp_path / "landing").glob("*/*/_SUCCESS"))) == 4 * len(world.days)
