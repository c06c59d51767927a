"""A month's versions: the number is kept, taken over or left behind; a closed month stays as it is."""

from __future__ import annotations

import pytest

from tests.integration.bad import HouseIn, reference_rows, with_fields
from tests.integration.example import MONTH, NEXT
from tests.integration.house import House
from tests.integration.shelf import Shelf


def change_rates(house: House, unit: int = 999_999) -> None:
    """Another unit price for the subscription."""
    rows = [
        with_fields("rate_card", row, {"unit_price_uwon": str(unit)}) if row[0] == "sub_stream" else row
        for row in reference_rows("rate_card")
    ]
    house.write_reference("rate_card", rows)


@pytest.mark.fault(28)
def test_a_closed_month_run_again_stays_as_it_is(house_in: HouseIn) -> None:
    house = house_in("closed")
    heads, records, reports, exports = house.heads(), list(house.ledger.records()), house.published(), house.exports()
    answer = house.run()
    assert answer.code == 0
    assert f"{MONTH} version 1: closed before" in answer.said
    assert house.heads() == heads
    assert list(house.ledger.records()) == records
    assert house.published() == reports
    assert house.exports() == exports


@pytest.mark.fault(28)
def test_a_closed_month_run_again_under_other_rules_stays_as_it_is(house_in: HouseIn) -> None:
    house = house_in("closed")
    heads, records, reports = house.heads(), list(house.ledger.records()), house.published()
    change_rates(house)
    assert "closed before" in house.run().said
    assert house.heads() == heads
    assert list(house.ledger.records()) == records
    assert house.published() == reports


def test_an_open_month_run_again_changes_nothing(house_in: HouseIn) -> None:
    house = house_in("open")
    heads, exports = house.heads(), house.exports()
    answer = house.run(approver=None)
    assert answer.code == 0
    assert f"{MONTH} version 1: open (87 unchanged)" in answer.said
    assert house.heads() == heads
    assert house.exports() == exports
    assert house.counted("reserved") == {("", MONTH, 1): 1}


def test_other_rules_take_the_number_over_until_statements_are_published(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = reference_rows("rate_card")
    house.write_reference("rate_card", [row for row in rows if row[0] != "ad_stream"])
    assert house.run().code == 1  # refused by the audit of the pools, after the number was reserved
    change_rates(house)
    assert house.run().code == 0
    assert house.counted("reserved") == {("", MONTH, 1): 2}
    assert house.counted("closed") == {("", MONTH, 1): 1}
    assert house.exports() == house.expected()


def test_other_rules_take_the_next_number_once_statements_are_published(house_in: HouseIn, shelf: Shelf) -> None:
    house = house_in("open")
    change_rates(house)
    answer = house.run(approver=None)
    assert answer.code == 0
    assert f"{MONTH} version 2: open" in answer.said
    assert house.exports(version=1) == shelf.expected()
    assert house.exports(version=2) == house.expected(version=2)
    assert house.exports() == house.exports(version=2), "the newest version is the default"
    assert house.published() == {}


def test_the_version_that_is_approved_is_the_one_that_is_closed(house_in: HouseIn) -> None:
    house = house_in("open")
    change_rates(house)
    assert house.run().code == 0
    assert house.counted("approved") == {("", MONTH, 2): 1}
    assert house.counted("closed") == {("", MONTH, 2): 1}
    assert {path.split("/")[1] for path in house.published()} == {"version=2"}
    assert house.exports(version=2) == house.expected(version=2)


def test_the_same_rules_again_find_their_version(house_in: HouseIn, shelf: Shelf) -> None:
    """The price of a subscriber has no part in provisional lines: the days stay as they are, under either rules."""
    house = house_in("open")
    before = house.reference.joinpath("rate_card.csv").read_bytes()
    rows = [with_fields("rate_card", row, {"per_subscriber_krw": "701"}) for row in reference_rows("rate_card")]
    house.write_reference("rate_card", [row for row in rows if row[0] == "sub_stream"] + reference_rows("rate_card")[3:])
    assert f"{MONTH} version 2: open" in house.run(approver=None).said
    house.reference.joinpath("rate_card.csv").write_bytes(before)
    answer = house.run()
    assert f"{MONTH} version 1: closed" in answer.said
    assert house.exports(version=1) == shelf.expected()
    assert {path.split("/")[1] for path in house.published()} == {"version=1"}


def test_the_same_rules_again_over_days_of_other_builds_take_a_number_of_their_own(house_in: HouseIn, shelf: Shelf) -> None:
    """The price of a play makes other provisional lines: the days are built anew, there and back."""
    house = house_in("open")
    before = house.reference.joinpath("rate_card.csv").read_bytes()
    change_rates(house)
    assert house.run(approver=None).code == 0
    house.reference.joinpath("rate_card.csv").write_bytes(before)
    assert f"{MONTH} version 3: open" in house.run(approver=None).said
    assert house.export("settlement_daily", "--month", MONTH) == shelf.expected()["settlement_daily"]
    assert house.export("statement", "--month", MONTH) == house.expected(version=3)["statement"]


@pytest.mark.parametrize("state", ["days", "open"])
def test_the_next_month_is_refused_while_a_month_is_open(state: str, house_in: HouseIn) -> None:
    house = house_in(state)
    if state == "days":
        house.write_reference("rate_card", [row for row in reference_rows("rate_card") if row[0] != "ad_stream"])
        assert house.run().code == 1
    answer = house.run(NEXT)
    assert answer.code == 1
    assert f"{NEXT} is refused while {MONTH} isn't closed" in answer.said
    assert house.counted("published")["raw", f"{NEXT}-01", 0] == 0


def test_a_range_stops_at_the_month_that_stays_open(house_in: HouseIn) -> None:
    house = house_in("days")
    answer = house.run(f"{MONTH}..{NEXT}", approver=None)
    assert answer.code == 1
    assert f"{MONTH} version 1: open" in answer.said
    assert f"{NEXT} is refused while {MONTH} isn't closed" in answer.said


def test_a_month_before_the_first_closed_one_is_refused(house_in: HouseIn) -> None:
    house = house_in("closed")
    answer = house.run("2026-01")
    assert answer.code == 1
    assert "2026-01 is refused while 2025-12 isn't closed" in answer.said
