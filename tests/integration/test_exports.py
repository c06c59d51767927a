"""`settlement export`: what is asked for, or an error that says what is wrong."""

from __future__ import annotations

import pytest

from settlement.export import EXPORTS
from tests.integration.bad import HouseIn
from tests.integration.example import FIRST, LAST, MONTH, NEXT
from tests.integration.house import DAILY_EXPORTS, House
from tests.integration.shelf import Shelf


def refusal(house: House, table: str, *options: str) -> str:
    answer = house.command("export", table, *options, "--out", house.root / "out.csv")
    assert answer.code == 1, answer.said
    assert not (house.root / "out.csv").exists()
    assert "Traceback" not in answer.err
    return answer.said


@pytest.mark.parametrize("table", DAILY_EXPORTS)
def test_a_day_is_a_part_of_its_month(table: str, house_in: HouseIn, shelf: Shelf) -> None:
    house = house_in("days")
    header, *rows = shelf.expected()[table].splitlines(keepends=True)
    for day in (FIRST, f"{MONTH}-02", f"{MONTH}-10", LAST):
        of_day = [row for row in rows if row.startswith(f"{day},".encode())]
        assert house.export(table, "--day", day) == b"".join([header, *of_day])


def test_a_table_is_named_with_or_without_its_schema(house_in: HouseIn) -> None:
    house = house_in("closed")
    assert house.export("mart.pool", "--month", MONTH) == house.export("pool", "--month", MONTH)


def test_an_unknown_table(house_in: HouseIn) -> None:
    said = refusal(house_in("closed"), "salary", "--month", MONTH)
    assert f"no export salary → known: {', '.join(EXPORTS)}" in said


@pytest.mark.parametrize(
    ("table", "options", "says"),
    [
        ("pool", ("--month", NEXT), f"mart.pool has nothing published for {NEXT}"),
        ("pool", ("--month", MONTH, "--version", "2"), f"mart.pool has nothing published for {MONTH} version 2"),
        ("pool", ("--day", FIRST), f"mart.pool has nothing published for {FIRST}"),
        ("usage_buckets", ("--day", f"{NEXT}-01"), f"mart.usage_buckets has nothing published for {NEXT}-01"),
        ("usage_buckets", ("--month", NEXT), f"mart.usage_buckets has nothing published for {NEXT}"),
        ("pool", (), "say either --day or --month"),
        ("pool", ("--day", FIRST, "--month", MONTH), "say either --day or --month"),
        ("pool", ("--day", "2026-02-30"), "--day '2026-02-30': must be a real date YYYY-MM-DD"),
        ("pool", ("--month", "2026-13"), "must be YYYY-MM"),
        ("pool", ("--month", f"{MONTH}..{NEXT}"), f"--month '{MONTH}..{NEXT}': must be YYYY-MM"),
    ],
)
def test_what_is_not_there_is_an_error(table: str, options: tuple[str, ...], says: str, house_in: HouseIn) -> None:
    assert says in refusal(house_in("closed"), table, *options)


@pytest.mark.fault(24)
def test_what_is_sealed_and_not_published_is_not_exported(house_in: HouseIn) -> None:
    house = house_in("almost")
    assert f"nothing published for {LAST}" in refusal(house, "usage_buckets", "--day", LAST)
    assert f"nothing published for {MONTH}" in refusal(house, "settlement_line", "--month", MONTH)


def test_a_warehouse_that_is_none(house_in: HouseIn) -> None:
    house = house_in("new")
    assert f"{house.warehouse} is no warehouse: " in refusal(house, "pool", "--month", MONTH)
    assert not house.warehouse.exists()


def test_a_file_that_can_not_be_written(house_in: HouseIn) -> None:
    house = house_in("closed")
    (house.root / "file").write_text("")
    for out in (house.root / "file" / "out.csv", house.root):
        answer = house.command("export", "pool", "--month", MONTH, "--out", out)
        assert answer.code == 1
        assert answer.err.startswith("error: ")
        assert str(house.root.parent) in answer.err
        assert "  → " in answer.err
