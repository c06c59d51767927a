"""A month as tasks of scheduled runs: which run settles which version, reports and closing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from settlement.errors import NotAllowed, NotArrived, NothingToDo, PublishRefused, SettlementError
from settlement.pipeline import MONTH_STAGES
from settlement.settings import settings
from settlement.steps import settling, tasks
from settlement.steps.place import Place
from settlement.steps.tasks import Run
from settlement.warehouse import Partition
from tests.integration.example import LAST, MONTH, NEXT
from tests.integration.house import House
from tests.integration.scheduled import (
    APPROVER,
    DAY_RUN,
    MONTH_RUN,
    MONTHLY,
    OTHER_DAY_RUN,
    OTHER_MONTH_RUN,
    SCHEDULER,
    VERSION,
    accepted,
    begin,
    change_rates,
    settle,
)
from tests.integration.shelf import Shelf
from tests.worlds.plain import rule

pytestmark = pytest.mark.usefixtures("workers")


# -- the version of a month --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("month")
def test_a_run_s_partition_is_its_day_or_the_version_that_it_has_reserved() -> None:
    place = Place.open()
    assert tasks.version_of(place, DAY_RUN, "daily") == Partition(LAST)
    assert tasks.version_of(place, MONTH_RUN, "lines") == tasks.version_of(place, MONTH_RUN) == VERSION
    with pytest.raises(
        SettlementError, match=rf"run {OTHER_MONTH_RUN.run_id} has reserved no version of {MONTH}[\s\S]*build of pools"
    ):
        tasks.version_of(place, OTHER_MONTH_RUN, "lines")


def test_a_month_that_another_run_settles_is_left_to_it_unless_it_is_taken_over(month: House) -> None:
    place = Place.open()
    begin(place, OTHER_MONTH_RUN, "Ann")
    with pytest.raises(NothingToDo, match=rf"{MONTH} version 1 is settled by run {MONTH_RUN.run_id} from the same inputs"):
        tasks.build(place, OTHER_MONTH_RUN, "pools")
    assert tasks.build(place, OTHER_MONTH_RUN, "pools", take_over=True).outcome == "unchanged"
    assert tasks.audit(place, OTHER_MONTH_RUN, "pools").outcome == "unchanged"
    assert tasks.publish(place, OTHER_MONTH_RUN, "pools").outcome == "unchanged"
    for stage in MONTH_STAGES[1:]:
        assert settle(place, OTHER_MONTH_RUN, stage) == ["unchanged"] * 3
    assert "asked for by: Ann, service\\:scheduler; they can't approve" in settling.ask(place, OTHER_MONTH_RUN).body
    assert tasks.build(place, OTHER_MONTH_RUN, "pools").outcome == "unchanged", "it goes on without the flag then"
    assert month.counted("published")["statements", MONTH, 1] == 1


def test_a_month_from_other_rules_takes_the_next_version_and_the_first_run_is_out_of_date(month: House) -> None:
    place = Place.open()
    change_rates(month)
    begin(place, OTHER_MONTH_RUN)
    assert settle(place, OTHER_MONTH_RUN, "pools") == ["sealed", "passed", "new"]
    assert tasks.version_of(place, OTHER_MONTH_RUN) == Partition(MONTH, 2)
    assert tasks.version_of(place, MONTH_RUN) == VERSION
    with pytest.raises(
        PublishRefused, match=f"run {OTHER_MONTH_RUN.run_id} settles {MONTH} version 2 from other inputs or rules"
    ):
        settling.approve(place, MONTH_RUN, APPROVER, [])


def test_a_month_waits_for_its_turn_when_it_is_built(house_in: Callable[[str], House]) -> None:
    house_in("open")
    place = Place.open()
    run = Run(f"{MONTHLY}/next", NEXT)
    begin(place, run)
    with pytest.raises(NotAllowed, match=rf"{NEXT} is refused while {MONTH} isn't closed"):
        tasks.build(place, run, "pools")


def test_a_month_is_not_built_while_a_day_is_older_than_what_it_was_settled_from(house_in: Callable[[str], House]) -> None:
    house = house_in("days")
    place = Place.open()
    begin(place, MONTH_RUN)
    accepted(house)
    begin(place, DAY_RUN)
    settle(place, DAY_RUN, "raw")
    with pytest.raises(NotArrived, match=rf"{MONTH} needs ods {LAST} \(settled before raw {LAST} was published again\)"):
        tasks.build(place, MONTH_RUN, "pools")
    assert house.counted("reserved") == {}
    for stage in ("ods", "daily"):
        settle(place, DAY_RUN, stage)
    assert tasks.build(place, MONTH_RUN, "pools").outcome == "sealed"


def test_a_run_that_confirms_a_day_late_does_not_hide_that_the_day_is_out_of_date(house_in: Callable[[str], House]) -> None:
    """It was built before the day was ingested again, from other rules that give the same rows, and is published after it."""
    house = house_in("days")
    place = Place.open()
    rules = ((*rule("sub_stream", cap=2)[:-1], "other source"), rule("ad_stream", 30_000), rule("download", 0), rule("promo"))
    house.write_reference("service_rule", rules)
    begin(place, DAY_RUN)
    tasks.build(place, DAY_RUN, "ods")
    tasks.audit(place, DAY_RUN, "ods")
    accepted(house)
    begin(place, OTHER_DAY_RUN)
    settle(place, OTHER_DAY_RUN, "raw")
    begin(place, MONTH_RUN)
    waiting = tasks.waits_for(place, MONTH_RUN, "days")
    assert waiting
    assert tasks.publish(place, DAY_RUN, "ods").outcome == "same"
    assert tasks.waits_for(place, MONTH_RUN, "days") == waiting


# -- reports and closing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [settling.publish_reports, settling.close])
def test_without_an_approval_nothing_is_published_or_closed(step: Callable[[Place, Run], object], month: House) -> None:
    place = Place.open()
    with pytest.raises(NotAllowed, match=rf"{MONTH} version 1 is not approved[\s\S]*other than its requesters"):
        step(place, MONTH_RUN)
    assert (month.published(), month.counted("closed")) == ({}, {})


@pytest.mark.parametrize("step", [settling.publish_reports, settling.close])
def test_an_approval_by_a_requester_that_got_into_the_ledger_counts_for_nothing(
    step: Callable[[Place, Run], object], month: House
) -> None:
    place = Place.open()
    place.ledger.append("approved", MONTH_RUN.run_id, {"approved_by": SCHEDULER, "requesters": [SCHEDULER]}, VERSION)
    with pytest.raises(NotAllowed, match=f"was approved by {SCHEDULER}, who had asked for it"):
        step(place, MONTH_RUN)
    assert (month.published(), month.counted("closed")) == ({}, {})


@pytest.mark.fault(30)
def test_the_reports_come_first_without_markers_and_closing_puts_them(month: House, shelf: Shelf) -> None:
    place = Place.open()
    settling.approve(place, MONTH_RUN, APPROVER, [])
    for _ in range(2):
        published = settling.publish_reports(place, MONTH_RUN)
        assert (published.outcome, published.path) == ("published", VERSION.path)
        assert month.published()
        assert not [name for name in month.published() if name.endswith("_SUCCESS")]
    closed = settling.close(place, MONTH_RUN)
    assert (closed.outcome, closed.path) == ("closed", VERSION.path)
    assert month.published() == shelf.published()
    assert month.exports() == shelf.expected()


def test_a_month_that_is_closed_again_says_done_and_changes_nothing(month: House) -> None:
    place = Place.open()
    settling.approve(place, MONTH_RUN, APPROVER, [])
    settling.close(place, MONTH_RUN)
    published = month.published()
    records = [record.seq for record in place.ledger.records()]
    again = settling.close(place, MONTH_RUN)
    assert (again.outcome, again.sentence) == ("done", f"{MONTH} version 1 was closed before")
    assert settling.publish_reports(place, MONTH_RUN).outcome == "published"
    assert settling.ask(place, MONTH_RUN).approved
    assert month.published() == published
    assert [record.seq for record in place.ledger.records()] == records


def test_a_month_that_was_closed_without_its_markers_gets_them(
    month: House, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place.open()
    settling.approve(place, MONTH_RUN, APPROVER, [])

    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(settling, "complete", stopped)
    with pytest.raises(KeyboardInterrupt):
        settling.close(place, MONTH_RUN)
    monkeypatch.undo()
    assert settling.close(place, MONTH_RUN).outcome == "closed"
    assert month.published() == shelf.published()
    assert month.counted("closed") == {("", MONTH, 1): 1}


@pytest.mark.fault(30)
def test_reports_that_somebody_changed_are_neither_overwritten_nor_closed_over(month: House) -> None:
    place = Place.open()
    settling.approve(place, MONTH_RUN, APPROVER, [])
    page = Path(settings().warehouse or "") / "published" / settling.publish_reports(place, MONTH_RUN).path / "index.html"
    page.write_text("other")
    for step in (settling.publish_reports, settling.close):
        with pytest.raises(PublishRefused, match=r"index\.html is published with other content"):
            step(place, MONTH_RUN)
    assert page.read_text() == "other"
    assert month.counted("closed") == {}


def test_a_version_that_was_overtaken_by_a_closed_one_is_not_published(month: House) -> None:
    place = Place.open()
    change_rates(month)
    begin(place, OTHER_MONTH_RUN)
    for stage in MONTH_STAGES:
        settle(place, OTHER_MONTH_RUN, stage)
    settling.approve(place, OTHER_MONTH_RUN, APPROVER, [])
    settling.close(place, OTHER_MONTH_RUN)
    for step in (settling.publish_reports, settling.close, lambda place, run: settling.approve(place, run, APPROVER, [])):
        with pytest.raises(NotAllowed, match=f"{MONTH} version 2 is closed"):
            step(place, MONTH_RUN)
    assert {name.split("/")[1] for name in month.published()} == {"version=2"}
    (refused,) = place.ledger.records(kind="refused")
    assert refused.body["reason"] == f"{MONTH} version 2 is closed"
