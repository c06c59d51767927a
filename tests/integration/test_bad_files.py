"""Landed files that break the contract stop the run: the message names file, row and reason."""

from __future__ import annotations

import gzip

import pytest

from settlement.steps import build
from tests.integration.bad import PAYMENTS as FILE
from tests.integration.bad import HouseIn, payment_file, payments_landed, refused, revenue_file
from tests.integration.example import LAST
from tests.worlds.money import PAYMENT_COLUMNS


def test_a_quote_that_is_never_closed(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file() + b'"open,charge\n')
    refused(house, f"{FILE}, row 2: broken CSV: unexpected end of data")


def test_text_behind_a_closing_quote(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file() + b'"id"x,charge\n')
    refused(house, f"{FILE}, row 2: broken CSV", "expected after")


def test_a_field_too_many(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file({}).removesuffix(b"\n") + b",more\n")
    refused(house, f"{FILE}, row 2: broken CSV: 13 fields where the header has 12")


def test_a_field_too_few(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file() + b"id,charge\n")
    refused(house, f"{FILE}, row 2: broken CSV: 2 fields where the header has 12")


def test_a_missing_column_stops_the_run(house_in: HouseIn) -> None:
    columns = [name if name != "gross_krw" else "gross" for name in PAYMENT_COLUMNS]
    refused(payments_landed(house_in, payment_file(columns=columns)), f"{FILE}: column gross_krw is missing; the header is")


def test_a_column_twice(house_in: HouseIn) -> None:
    columns = [name if name != "kind" else "payment_id" for name in PAYMENT_COLUMNS]
    refused(payments_landed(house_in, payment_file(columns=columns)), f"{FILE}: column payment_id is there twice")


def test_a_file_without_a_header(house_in: HouseIn) -> None:
    refused(payments_landed(house_in, b""), f"{FILE}: no header row")


def test_a_csv_that_is_not_utf8(house_in: HouseIn) -> None:
    data = payment_file({"payment_id": "café"}, {"payment_id": "third"}).replace("é".encode(), b"\xe9")
    refused(payments_landed(house_in, data), f"{FILE}, row 2: not UTF-8")


def test_a_row_is_counted_by_records_not_by_lines(house_in: HouseIn) -> None:
    house = house_in("almost")
    rows = revenue_file(("r1", "P", "1", "two\nlines"), ("r2", "P", "1", "caf\ue000")).replace("\ue000".encode(), b"\xe9")
    house.land("other_revenue", LAST, {"part.csv.gz": rows})
    refused(house, f"other_revenue/dt={LAST}/part.csv.gz, row 3: not UTF-8")


def test_a_header_that_is_not_utf8(house_in: HouseIn) -> None:
    refused(payments_landed(house_in, b"\xff" + payment_file()), f"{FILE}: not UTF-8")


@pytest.mark.parametrize("kind", ["plays", "payments"])
@pytest.mark.parametrize("left", [0, 5, 25])
def test_a_gzip_cut_short(kind: str, left: int, house_in: HouseIn) -> None:
    house = house_in("almost")
    name = "part.jsonl.gz" if kind == "plays" else "part.csv.gz"
    house.land(kind, LAST, {name: b'{"play_id": "x"}\n' if kind == "plays" else payment_file({}, {})})
    file = house.folder(kind, LAST) / name
    file.write_bytes(file.read_bytes()[:left])
    refused(house, f"{kind}/dt={LAST}/{name}: gzip cut short")


def test_a_gzip_that_lacks_its_last_bytes(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file({}))
    file = house.folder("payments", LAST) / "part.csv.gz"
    file.write_bytes(file.read_bytes()[:-4])
    refused(house, f"{FILE}: gzip cut short")


def test_a_file_that_is_no_gzip(house_in: HouseIn) -> None:
    house = payments_landed(house_in, b"")
    (house.folder("payments", LAST) / "part.csv.gz").write_bytes(payment_file())
    refused(house, f"{FILE}: gzip damaged")


def test_a_gzip_with_a_wrong_checksum(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file({}))
    file = house.folder("payments", LAST) / "part.csv.gz"
    data = bytearray(file.read_bytes())
    data[-8] ^= 0xFF
    file.write_bytes(data)
    refused(house, f"{FILE}: gzip damaged")


def test_text_behind_the_gzip(house_in: HouseIn) -> None:
    house = payments_landed(house_in, payment_file({}))
    file = house.folder("payments", LAST) / "part.csv.gz"
    file.write_bytes(file.read_bytes() + b"more")
    refused(house, FILE, "gzip")


@pytest.mark.parametrize(
    ("kind", "name", "holds"),
    [
        ("plays", "part.csv.gz", "*.jsonl.gz"),
        ("payments", "part.csv", "*.csv.gz"),
        ("other_revenue", "part.jsonl.gz", "*.csv.gz"),
        ("catalog", "prices.csv.gz", "products.csv.gz, tracks.csv.gz"),
    ],
)
def test_a_file_that_the_contract_does_not_know(kind: str, name: str, holds: str, house_in: HouseIn) -> None:
    house = house_in("almost")
    (house.folder(kind, LAST) / name).write_bytes(gzip.compress(b""))
    refused(house, f"{kind}/dt={LAST}/{name}: not a file of the contract: {kind} holds {holds}")


def test_a_folder_inside_a_landing_folder(house_in: HouseIn) -> None:
    house = house_in("almost")
    (house.folder("plays", LAST) / "more.jsonl.gz").mkdir()
    refused(house, f"plays/dt={LAST}/more.jsonl.gz: not a file of the contract")


@pytest.mark.parametrize("kind", ["plays", "payments", "other_revenue", "catalog"])
@pytest.mark.fault(26)
def test_a_folder_without_success_has_not_arrived(kind: str, house_in: HouseIn) -> None:
    house = house_in("almost")
    (house.folder(kind, LAST) / "_SUCCESS").unlink()
    refused(house, f"{kind}/dt={LAST} has not arrived", str(house.folder(kind, LAST)), "has no _SUCCESS yet")


@pytest.mark.fault(26)
def test_a_folder_that_is_not_there_has_not_arrived(house_in: HouseIn) -> None:
    house = house_in("almost")
    house.folder("plays", LAST).rename(house.root / "elsewhere")
    refused(house, f"plays/dt={LAST} has not arrived", "does not exist")


def test_a_bad_file_that_another_process_reads_is_named_as_well(house_in: HouseIn, monkeypatch: pytest.MonkeyPatch) -> None:
    house = payments_landed(house_in, payment_file({"user_id": "x"}))
    monkeypatch.setattr(build, "_INLINE_BYTES", 0)
    refused(house, f"{FILE}, row 2: user_id is …: must be 1 to 18 digits")


@pytest.mark.parametrize("table", ["products", "partners", "advances"])
def test_a_catalogue_is_complete_or_empty(table: str, house_in: HouseIn) -> None:
    house = house_in("almost")
    house.snapshot(table, LAST).unlink()
    refused(house, f"catalog/dt={LAST}/{table}.csv.gz: missing: a catalogue snapshot is complete or empty")
