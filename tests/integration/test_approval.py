"""Somebody else approves: nothing is published without, and nobody who asked for a settlement approves it."""

from __future__ import annotations

from typing import NoReturn

import pytest

import settlement.run
from settlement.errors import SettlementError
from tests.integration.bad import HouseIn
from tests.integration.example import MONTH
from tests.integration.shelf import Shelf
from tests.integration.test_versions import change_rates


def test_without_an_approver_a_month_stays_open(house_in: HouseIn, shelf: Shelf) -> None:
    house = house_in("days")
    answer = house.run(approver=None)
    assert answer.code == 0
    assert f"{MONTH} version 1 is open: nothing was published to partners" in answer.said
    assert house.published() == {}
    assert house.counted("approved") == {}
    assert house.exports() == shelf.expected()


def test_an_open_month_is_approved_by_another_person_under_its_number(house_in: HouseIn, shelf: Shelf) -> None:
    house = house_in("open")
    heads = house.heads()
    answer = house.run(by="Dan", approver="Bea")
    assert answer.code == 0
    assert f"{MONTH} version 1: closed" in answer.said
    assert house.heads() == heads
    assert house.published() == shelf.published()
    [approved] = house.ledger.records(kind="approved")
    assert approved.body["approved_by"] == "Bea"
    assert approved.body["requesters"] == ["Ann", "Dan"]
    assert approved.body["rows_hashes"] == dict(house.context("look").ledger.build(heads["statements", MONTH, 1]).rows_hashes)


def test_who_asks_does_not_approve(house_in: HouseIn) -> None:
    house = house_in("days")
    answer = house.run(by="Ann", approver="Ann")
    assert answer.code == 1
    assert f"{MONTH} version 1 can't be approved by Ann, who is among its requesters (Ann)" in answer.said
    house.assert_nothing_published()
    assert house.counted("closed") == {}


def test_who_asked_in_an_earlier_run_does_not_approve(house_in: HouseIn) -> None:
    house = house_in("open")
    answer = house.run(by="Dan", approver="Ann")
    assert answer.code == 1
    assert "can't be approved by Ann, who is among its requesters (Ann, Dan)" in answer.said
    assert house.published() == {}
    assert house.counted("approved") == {}


def test_who_ran_it_again_without_a_change_does_not_approve(house_in: HouseIn) -> None:
    """Dan started a run of this version too; that it found everything done makes him no less a requester."""
    house = house_in("open")
    assert house.run(by="Dan", approver=None).code == 0
    answer = house.run(by="Eve", approver="Dan")
    assert answer.code == 1
    assert "can't be approved by Dan" in answer.said
    assert house.published() == {}


def test_who_asked_for_an_earlier_version_may_approve_the_next(house_in: HouseIn) -> None:
    house = house_in("open")
    change_rates(house)
    answer = house.run(by="Dan", approver="Ann")
    assert answer.code == 0, answer.err
    assert house.counted("closed") == {("", MONTH, 2): 1}


def test_an_approval_is_carried_out_before_other_rules_get_a_number_or_it_is_void(
    house_in: HouseIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Approved but not yet delivered; then other rules; then the old rules again: never is a void approval carried out."""
    house = house_in("open")
    rates = house.reference / "rate_card.csv"
    before = rates.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(settlement.run, "deliver", _no_delivery)
        assert "planted" in house.run(approver="Bea").said
    assert house.counted("approved") == {("", MONTH, 1): 1}
    change_rates(house)
    house.run(approver=None)
    rates.write_bytes(before)
    house.run(approver=None)
    closed = [record.partition.version for record in house.ledger.records(kind="closed")]
    reserved = {version for _, _, version in house.counted("reserved")}
    assert (closed, reserved) in (([1], {1}), ([], {1, 2}))
    assert {path.split("/")[1] for path in house.published()} == {f"version={version}" for version in closed}


def test_an_approval_that_was_given_is_good_for_the_next_run(
    house_in: HouseIn, monkeypatch: pytest.MonkeyPatch, shelf: Shelf
) -> None:
    house = house_in("open")
    with monkeypatch.context() as broken:
        broken.setattr(settlement.run, "deliver", _no_delivery)
        assert house.run(approver="Bea").code == 1
    assert f"{MONTH} version 1: closed" in house.run(approver=None).said
    assert house.published() == shelf.published()


def _no_delivery(*_: object) -> NoReturn:
    raise SettlementError("planted")
