"""Content that changes under `_SUCCESS`: refused by name, accepted on record, never taken into a closed month."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from settlement.steps.ready import month_waits_for
from tests.integration.bad import HouseIn, refused
from tests.integration.example import DAY_BEFORE_LAST, LAST, MONTH, NEXT
from tests.integration.house import Answer, House
from tests.integration.shelf import Shelf, settle_days
from tests.worlds.plain import play


def accept(house: House, day: str) -> Answer:
    return house.command("landing", "accept", "--landing", house.landing, "--day", day, "--by", "Cho", "--reason", "sent twice")


def first_file(house: House, kind: str = "plays", day: str = LAST) -> Path:
    return next(path for path in sorted(house.folder(kind, day).iterdir()) if path.name.endswith(".gz"))


def change(house: House, day: str = LAST) -> str:
    """One more play in a file of the day; its name."""
    file = first_file(house, day=day)
    text = gzip.decompress(file.read_bytes()).removesuffix(b"\n")
    file.write_bytes(gzip.compress(text + b"\n" + play(day, "one-more", user_id=9).line + b"\n", mtime=0))
    return file.relative_to(house.landing).as_posix()


def test_changed_content_is_refused_by_name(house_in: HouseIn) -> None:
    house = house_in("days")
    name = change(house)
    refused(house, f"{name} is not what was ingested before", "settlement landing accept ", f"--day {LAST}")


@pytest.mark.parametrize("what", ["added", "removed", "renamed"])
def test_a_file_that_came_or_went_is_refused_by_name(what: str, house_in: HouseIn) -> None:
    house = house_in("days")
    file = first_file(house)
    other = file.with_name("z-more.jsonl.gz")
    if what == "added":
        other.write_bytes(file.read_bytes())
    elif what == "removed":
        file.unlink()
    else:
        file.rename(other)
    name = (other if what == "added" else file).relative_to(house.landing).as_posix()
    refused(house, name, "is not what was ingested before")


def test_what_was_accepted_is_settled(house_in: HouseIn) -> None:
    house = house_in("days")
    name = change(house)
    answer = accept(house, LAST)
    assert answer.code == 0, answer.err
    assert name in answer.out
    assert house.run().code == 0
    assert house.exports() == house.expected()
    [record] = house.ledger.records(kind="redelivery")
    assert record.partition.key == LAST
    assert {**record.body, "landing": ""} == {"by": "Cho", "reason": "sent twice", "files": [name], "landing": ""}


def test_what_was_accepted_after_the_statements_takes_the_next_number(house_in: HouseIn) -> None:
    house = house_in("open")
    change(house)
    assert accept(house, LAST).code == 0
    answer = house.run()
    assert answer.code == 0, answer.err
    assert f"{MONTH} version 2: closed" in answer.said
    assert house.exports() == house.expected(version=2)
    assert {path.split("/")[1] for path in house.published()} == {"version=2"}


def test_only_the_content_that_was_accepted_is_taken(house_in: HouseIn) -> None:
    house = house_in("days")
    change(house)
    assert accept(house, LAST).code == 0
    name = change(house)
    refused(house, f"{name} is not what was ingested before")


def test_an_acceptance_is_good_for_one_ingest(house_in: HouseIn) -> None:
    """A, B accepted and ingested, back to A, B again: the second B isn't taken on the old word."""
    house = house_in("days")
    original = first_file(house).read_bytes()
    change(house)
    changed = first_file(house).read_bytes()
    for data in (changed, original):
        first_file(house).write_bytes(data)
        assert accept(house, LAST).code == 0
        assert house.run(approver=None).code == 0
    first_file(house).write_bytes(changed)
    answer = house.run(approver=None)
    assert answer.code == 1
    assert "is not what was ingested before" in answer.said


def test_there_must_be_something_to_accept(house_in: HouseIn) -> None:
    house = house_in("almost")
    for day, says in ((DAY_BEFORE_LAST, "is as it was ingested: there is nothing to accept"), (LAST, "was never ingested")):
        answer = accept(house, day)
        assert (answer.code, says in answer.err) == (1, True), answer.err


def test_a_closed_month_is_not_delivered_again(house_in: HouseIn) -> None:
    house = house_in("closed")
    exports, reports = house.exports(), house.published()
    name = change(house)
    answer = accept(house, LAST)
    assert (answer.code, f"{LAST} can't be delivered again: {MONTH} version 1 is closed" in answer.err) == (1, True)
    for months in (MONTH, NEXT):
        answer = house.run(months)
        assert answer.code == 1
        assert f"{name} changed after it was settled, and {MONTH} version 1 is closed" in answer.said
    assert house.exports() == exports
    assert house.published() == reports
    assert not [head for head in house.ledger.heads("statements") if head.key == NEXT]


def test_a_file_packed_anew_can_be_accepted_and_the_month_closed(house_in: HouseIn, shelf: Shelf) -> None:
    """Other bytes, the same rows: nothing changes in the tables, yet the acceptance must last beyond the closing."""
    house = house_in("days")
    file = first_file(house)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), 9, mtime=1))
    assert accept(house, LAST).code == 0
    assert house.run().code == 0
    assert house.exports() == shelf.expected()
    again = house.run()
    assert again.code == 0, again.err


def test_the_manifest_names_the_delivery_that_was_accepted(house_in: HouseIn, shelf: Shelf) -> None:
    """The report says which input it was made from: other bytes are another input, even with the same rows."""
    house = house_in("days")
    file = first_file(house)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), 9, mtime=1))
    assert accept(house, LAST).code == 0
    assert house.run().code == 0
    manifest = f"month={MONTH}/version=1/partner=1/manifest.json"
    assert house.published()[manifest] != shelf.published()[manifest]


def test_a_month_waits_until_every_day_that_reads_a_redelivery_was_settled_again(house_in: HouseIn) -> None:
    house = house_in("days")
    change(house, DAY_BEFORE_LAST)
    assert accept(house, DAY_BEFORE_LAST).code == 0
    settle_days(house, [DAY_BEFORE_LAST], ("raw",))
    stale = [f"ods {day} (settled before raw {DAY_BEFORE_LAST} was published again)" for day in (DAY_BEFORE_LAST, LAST)]
    assert month_waits_for(house.ledger, MONTH) == stale
    settle_days(house, [DAY_BEFORE_LAST, LAST], ("ods", "daily"))
    assert month_waits_for(house.ledger, MONTH) == []
    assert house.run().code == 0
    assert house.exports() == house.expected()
