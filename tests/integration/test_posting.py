"""Into which month the deltas of a restatement go: the first one whose statements nobody has approved yet."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from settlement.errors import PublishRefused
from settlement.pipeline import days_of
from settlement.steps import month as months
from settlement.warehouse import Partition
from tests.integration.example import MONTH, NEXT
from tests.integration.figures import rows_of
from tests.integration.house import APPROVER, House, copy_folder, of_month
from tests.integration.shelf import Shelf
from tests.integration.test_restating import approve, correct_rates, done, request
from tests.oracle import Restatement, render, settle

AFTER_NEXT = "2026-04"
OPEN = Partition(NEXT, 1)


@pytest.fixture(scope="module")
def settled(shelf: Shelf) -> Path:
    """A closed month, and the next one settled and not approved."""
    house = shelf.house("next_days")
    assert house.run(MONTH).code == 0
    assert house.run(NEXT, approver=None).code == 0
    return Path(shutil.move(house.root, shelf.root / "settled"))


@pytest.fixture
def house(shelf: Shelf, settled: Path) -> House:
    """A copy of it."""
    copy_folder(settled, shelf.place)
    return House.at(shelf.place)


def restate(house: House) -> Path:
    """Restate the closed month by other rates, which are nobody else's; returns where they are."""
    other = House(house.root / "other", house.warehouse)
    shutil.copytree(house.reference, other.reference)
    correct_rates(other)
    done(request(other))
    done(approve(other))
    return other.reference


def test_statements_computed_before_a_posting_are_not_approved_and_settled_again_they_are(house: House) -> None:
    published = house.published()
    rates = restate(house)
    assert [r.posted_month for r in house.ledger.restatements()] == [NEXT]
    with pytest.raises(PublishRefused, match=f"{OPEN} was settled before the restatement {MONTH} version 2 was posted into it"):
        months.approve(house.context("run-1"), OPEN, APPROVER)
    assert [r.partition for r in house.ledger.records(kind="approved", partition=NEXT)] == []
    answer = house.run(NEXT)
    assert answer.code == 0, answer.said
    assert f"{NEXT} version 2: closed" in answer.said
    restatement = Restatement(MONTH, NEXT, date.fromisoformat(days_of(NEXT)[-1]), rates)
    tables = of_month(settle(house.landing, house.reference, [MONTH, NEXT], [restatement]), NEXT)
    assert tables["adjustment"]
    for name, rows in tables.items():
        numbered = [{**row, "version": 2} if "version" in row else row for row in rows]
        assert house.export(name, "--month", NEXT) == render(name, numbered).encode(), name
    assert published.items() < house.published().items()
    house.assert_chain_holds()


def test_what_is_posted_once_a_months_statements_are_approved_waits_for_the_month_after(house: House) -> None:
    months.approve(house.context("run-1"), OPEN, APPROVER)
    restate(house)
    assert [r.posted_month for r in house.ledger.restatements()] == [AFTER_NEXT]
    answer = house.run(NEXT)
    assert answer.code == 0, answer.said
    assert house.counted("closed")["", NEXT, 1] == 1
    assert rows_of(house.export("adjustment", "--month", NEXT)) == []
    assert house.exports(NEXT) == house.expected(NEXT)
