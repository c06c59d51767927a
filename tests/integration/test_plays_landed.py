"""Lines of plays never stop a run: what is no play is `malformed`. An empty folder that has arrived is legal."""

from __future__ import annotations

import csv
import gzip

import pytest

from settlement.pipeline import DAY_STAGES
from tests.integration.bad import HouseIn
from tests.integration.example import LAST, MONTH
from tests.integration.house import House
from tests.integration.shelf import settle_day_stage
from tests.worlds.plain import play

MIB = 1 << 20


def buckets(house: House, lines: bytes) -> dict[str, str]:
    """Settle the last day with these lines; bucket → rows."""
    house.land("plays", LAST, {"part.jsonl.gz": lines})
    settle_last_day(house)
    rows = csv.DictReader(house.export("usage_buckets", "--day", LAST).decode().splitlines())
    return {row["bucket"]: row["rows"] for row in rows}


def settle_last_day(house: House) -> None:
    context = house.context("last-day")
    for stage in DAY_STAGES:
        settle_day_stage(context, house.landing, stage, LAST)


def of_length(play_id: str, length: int) -> bytes:
    """A good play of exactly so many bytes."""
    line = play(LAST, play_id, memo="").line
    return line.replace(b'"memo": ""', b'"memo": "' + b"x" * (length - len(line)) + b'"')


def test_a_line_that_is_not_utf8_is_malformed(house_in: HouseIn) -> None:
    bad = play(LAST, "bad", device="caf?").line.replace(b"?", b"\xe9")
    assert buckets(house_in("almost"), bad + b"\n" + play(LAST, "good").line) == {"malformed": "1", "qualified": "1"}


def test_a_line_of_a_mebibyte_is_good_and_one_more_byte_is_malformed(house_in: HouseIn) -> None:
    lines = [of_length("a", MIB), of_length("b", MIB + 1), of_length("c", MIB) + b"\r", of_length("d", MIB + 1) + b"\r"]
    assert [len(line) for line in lines] == [MIB, MIB + 1, MIB + 1, MIB + 2]
    house = house_in("almost")
    assert buckets(house, b"\n".join(lines) + b"\n") == {"malformed": "2", "qualified": "2"}
    exported = house.export("play_bucket", "--day", LAST).decode()
    assert f"{LAST},a,qualified,1\n" in exported
    assert f"{LAST},c,qualified,1\n" in exported


def test_a_line_of_twenty_mebibytes_is_one_malformed_row(house_in: HouseIn) -> None:
    lines = [play(LAST, "a").line, of_length("b", 20 * MIB), play(LAST, "c").line]
    assert buckets(house_in("almost"), b"\n".join(lines)) == {"malformed": "1", "qualified": "2"}


def test_lines_that_are_nothing_at_all_are_malformed(house_in: HouseIn) -> None:
    lines = [
        b"",
        b"\x00",
        b"[]",
        b"null",
        b'{"play_id": ',
        b"\xef\xbb\xbf" + play(LAST, "bom").line,
        play(LAST, "x").line + b" {}",
    ]
    assert buckets(house_in("almost"), b"\n".join(lines) + b"\n") == {"malformed": "7"}


def test_a_malformed_line_does_not_keep_a_month_open(house_in: HouseIn) -> None:
    house = house_in("almost")
    house.land("plays", LAST, {"part.jsonl.gz": b"\xff\xfe\n" + play(LAST, "good").line + b"\n"})
    answer = house.run()
    assert answer.code == 0, answer.err
    assert house.exports(MONTH) == house.expected(MONTH)


def test_unknown_fields_are_counted_and_said(house_in: HouseIn) -> None:
    house = house_in("almost")
    lines = play(LAST, "a", mood="sad", weather=1).line + b"\n" + play(LAST, "b", mood="gay").line
    house.land("plays", LAST, {"part.jsonl.gz": lines})
    answer = house.run()
    assert answer.code == 0
    assert "raw.play unknown_fields: plays carry fields that the contract does not know" in answer.said
    assert LAST in answer.err


@pytest.mark.parametrize("with_files", [False, True], ids=["no file", "files without rows"])
def test_empty_folders_that_have_arrived_are_legal(with_files: bool, house_in: HouseIn) -> None:
    house = house_in("almost")
    house.land("plays", LAST, {"empty.jsonl.gz": b""} if with_files else {})
    for kind in ("payments", "other_revenue"):
        house.land(kind, LAST, {"empty.csv.gz": header(house, kind)} if with_files else {})
    answer = house.run()
    assert answer.code == 0, answer.err
    assert house.exports(MONTH) == house.expected(MONTH)


def header(house: House, kind: str) -> bytes:
    """The header of a file of the kind that landed on some day."""
    file = next(path for path in sorted((house.landing / kind).glob("dt=*/*.csv.gz")))
    return gzip.decompress(file.read_bytes()).splitlines()[0] + b"\n"


def test_an_empty_catalogue_knows_no_product(house_in: HouseIn) -> None:
    house = house_in("almost")
    house.land("catalog", LAST, {})
    assert buckets(house, play(LAST, "a").line) == {"unknown_product": "1"}
    assert house.ledger.head("daily", next(p for p in house.ledger.heads("daily") if p.key == LAST)) is not None
