"""A disk that is full or can't be written: a clear refusal in every stage, and a run that succeeds once there is room."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from tests.faults.mounts import read_only, small_disk
from tests.integration.house import Answer, House
from tests.integration.shelf import Shelf

HouseIn = Callable[[str], House]
PLENTY = 64 << 20


def assert_clear_refusal(answer: Answer) -> None:
    assert answer.code == 1, answer.said
    assert answer.err.count("error: ") == 1, answer.err
    assert "Traceback" not in answer.err
    assert "  → " in answer.err, "says what to do"


@pytest.mark.fault(33)
def test_a_disk_that_is_enlarged_bit_by_bit_fails_clearly_in_every_stage(shelf: Shelf, house_in: HouseIn) -> None:
    """Each time the run gets a little further: it fails with one sentence until there is room for all of it."""
    expected, reports = shelf.expected(), shelf.published()
    house = house_in("almost")
    heads = len(house.heads())
    published = []
    with small_disk(house.root / "disk", house.warehouse) as disk:
        small = House(house.root, disk.place / house.warehouse.name)
        for free in (os.sysconf("SC_PAGE_SIZE"), 40 << 10, *range(100 << 10, 800 << 10, 60 << 10)):
            disk.leave(free)
            answer = small.run()
            if answer.code == 0:
                break
            assert_clear_refusal(answer)
            assert small.published().items() <= reports.items(), "what an approved version has published so far is whole"
            disk.leave(PLENTY)
            published.append(len(small.heads()) - heads)
        disk.leave(PLENTY)
        assert small.run().code == 0
        assert answer.code == 0, f"whatever room it is given, the run leaves none of it: {answer.said}"
        assert small.exports() == expected
        assert small.published() == reports
        small.assert_chain_holds()
        assert set(small.counted("published").values()) == {1}
    assert len(set(published)) >= 3, f"stages published before each failure: {published}"


@pytest.mark.fault(33)
def test_a_disk_that_is_full_when_the_rules_are_frozen(shelf: Shelf, house_in: HouseIn) -> None:
    reports = shelf.published()
    house = house_in("days")
    shutil.rmtree(house.warehouse / "releases")
    with small_disk(house.root / "disk", house.warehouse) as disk:
        small = House(house.root, disk.place / house.warehouse.name)
        for free in (40 << 10, 120 << 10, 250 << 10):
            disk.leave(free)
            assert_clear_refusal(small.run())
            assert list((small.warehouse / "releases").iterdir()) == []
        disk.leave(PLENTY)
        assert small.run().code == 0
        assert small.published() == reports


@pytest.mark.parametrize("full", [True, False], ids=["full", "too small for a ledger"])
def test_a_disk_without_room_for_a_ledger(full: bool, house_in: HouseIn) -> None:
    house = house_in("new")
    (house.root / "empty").mkdir()
    with small_disk(house.root / "disk", house.root / "empty") as disk:
        small = House(house.root, disk.place / "warehouse")
        disk.leave(os.sysconf("SC_PAGE_SIZE") * (1 if full else 8))
        answer = small.run()
        assert_clear_refusal(answer)
        assert "ledger" in answer.said


def test_a_disk_without_room_for_an_export(house_in: HouseIn) -> None:
    house = house_in("closed")
    (house.root / "empty").mkdir()
    with small_disk(house.root / "disk", house.root / "empty") as disk:
        disk.leave(os.sysconf("SC_PAGE_SIZE"))
        (disk.place / "ballast").write_bytes(b"x" * os.sysconf("SC_PAGE_SIZE"))
        out = disk.place / "lines.csv"
        assert_clear_refusal(house.command("export", "settlement_line", "--month", "2026-02", "--out", out))
        assert sorted(path.name for path in disk.place.iterdir()) == ["ballast", "empty"]


@pytest.mark.parametrize("part", ["tables", "verdicts", "published"])
@pytest.mark.fault(33)
def test_a_part_of_the_warehouse_that_is_not_writable(part: str, shelf: Shelf, house_in: HouseIn) -> None:
    expected, reports = shelf.expected(), shelf.published()
    house = house_in("days")
    with read_only(house.warehouse / part):
        assert_clear_refusal(house.run())
        assert house.published() == {}
        assert house.counted("closed") == {}
    assert house.run().code == 0
    assert house.exports() == expected
    assert house.published() == reports


def test_a_warehouse_that_is_not_writable(house_in: HouseIn) -> None:
    house = house_in("open")
    with read_only(house.warehouse):
        answer = house.run()
        assert_clear_refusal(answer)
        assert f"warehouse {house.warehouse} can't be written: Read-only file system" in answer.said
    assert house.run().code == 0


def test_a_warehouse_below_a_file_or_in_its_place(house_in: HouseIn) -> None:
    house = house_in("new")
    (house.root / "file").write_text("")
    for place, reason in ((house.root / "file", "File exists"), (house.root / "file" / "below", "Not a directory")):
        answer = House(house.root, place).run()
        assert_clear_refusal(answer)
        assert f"warehouse {place} can't be written: {reason}" in answer.said
