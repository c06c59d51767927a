"""The steps as tasks of scheduled runs: what one hands to the next through the ledger, and how each says how it ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from settlement import __version__
from settlement.errors import AuditFailed, NothingToDo, PublishRefused, SettlementError, WrongRelease
from settlement.ledger import Build
from settlement.settings import settings
from settlement.steps import tasks
from settlement.steps.place import Place
from settlement.warehouse import Partition
from tests.integration.example import LAST, MONTH
from tests.integration.house import House
from tests.integration.scheduled import (
    DAY_RUN,
    MONTH_RUN,
    OTHER_DAY_RUN,
    SCHEDULER,
    begin,
    change_rules,
    settle,
)
from tests.worlds.plain import rule

pytestmark = pytest.mark.usefixtures("workers")


# -- the release -------------------------------------------------------------------------------------------------------


@pytest.mark.fault(29)
def test_a_run_keeps_the_release_it_began_with_and_a_new_run_takes_the_new_one(day: House) -> None:
    place = Place.open()
    first = begin(place, DAY_RUN)
    change_rules(day)
    assert begin(place, DAY_RUN) == first, "cleared: it goes on with what it began with"
    second = begin(place, OTHER_DAY_RUN)
    assert second != first
    settle(place, DAY_RUN, "raw")
    settle(place, DAY_RUN, "ods")
    head = place.ledger.head_build("ods", Partition(LAST))
    assert head is not None
    assert head.release == first
    assert tasks.context_of(place, OTHER_DAY_RUN).release.hash == second


@pytest.mark.usefixtures("day")
def test_a_release_says_who_asked_for_the_run_with_what(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_COMMIT", "0f1e2d3c")
    settings.cache_clear()
    place = Place.open()
    answer = tasks.begin(place, DAY_RUN, "Ann")
    again = tasks.begin(place, DAY_RUN, "Zoe")
    settings.cache_clear()
    (released,) = place.ledger.records(kind="released")
    assert released.partition == Partition(LAST)
    assert released.body == {
        "release": released.body["release"],
        "package": __version__,
        "commit": "0f1e2d3c",
        "requested_by": "Ann",
    }
    assert answer == again
    assert answer.sentence == f"release {released.body['release'][:12]}, asked for by Ann"
    assert tasks.context_of(place, DAY_RUN).requested_by == "Ann"


def test_a_run_whose_reference_rows_are_wrong_does_not_begin(day: House) -> None:
    (day.reference / "service_rule.csv").write_text("service\nnone\n")
    place = Place.open()
    with pytest.raises(SettlementError, match=r"service_rule\.csv"):
        tasks.begin(place, DAY_RUN, SCHEDULER)
    assert list(place.ledger.records(kind="released")) == []


def test_a_closed_month_has_nothing_to_begin_with(house_in: Callable[[str], House]) -> None:
    house_in("closed")
    place = Place.open()
    with pytest.raises(NothingToDo, match=rf"{MONTH} version 1 is closed"):
        tasks.begin(place, MONTH_RUN, SCHEDULER)
    assert place.ledger.released(MONTH_RUN.run_id) is None
    assert begin(place, DAY_RUN), "a day of it may be run: it is checked, not replaced"


@pytest.mark.usefixtures("day")
def test_a_run_that_has_not_begun_says_which_task_to_clear() -> None:
    place = Place.open()
    for step in (tasks.build, tasks.audit, tasks.publish):
        with pytest.raises(SettlementError, match=rf"run {DAY_RUN.run_id} has not begun[\s\S]*clear its first task"):
            step(place, DAY_RUN, "raw")


@pytest.mark.usefixtures("day")
@pytest.mark.fault(29)
def test_a_run_of_another_package_version_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place.open()
    begin(place, DAY_RUN)
    monkeypatch.setattr(tasks, "__version__", "9.9.9")
    with pytest.raises(WrongRelease) as raised:
        tasks.build(place, DAY_RUN, "raw")
    assert raised.value.message == f"run {DAY_RUN.run_id} began with settlement {__version__}, and this worker has 9.9.9"
    assert raised.value.hint == f"let a worker with {__version__} finish it, or start a new run of {LAST}"
    assert list(place.ledger.records(kind="begun")) == []


# -- build, audit, publish ---------------------------------------------------------------------------------------------


def test_a_stage_is_published_once_and_cleared_says_so(day: House) -> None:
    place = Place.open()
    begin(place, DAY_RUN)
    assert settle(place, DAY_RUN, "raw") == ["sealed", "passed", "new"]
    published = day.counted("published")
    assert tasks.publish(place, DAY_RUN, "raw").outcome == "done"
    assert tasks.audit(place, DAY_RUN, "raw").outcome == "passed"
    assert tasks.publish(place, DAY_RUN, "raw").sentence.endswith(" before")
    assert settle(place, DAY_RUN, "raw") == ["unchanged"] * 3
    assert day.counted("published") == published
    assert published["raw", LAST, 0] == 1


@pytest.mark.usefixtures("day")
def test_a_run_that_finds_its_inputs_published_names_the_other() -> None:
    place = Place.open()
    for run in (DAY_RUN, OTHER_DAY_RUN):
        begin(place, run)
    settle(place, DAY_RUN, "raw")
    head = place.ledger.head("raw", Partition(LAST))
    assert head is not None
    for step in (tasks.build, tasks.audit, tasks.publish):
        answer = step(place, OTHER_DAY_RUN, "raw")
        assert answer.outcome == "unchanged"
        assert (
            answer.sentence == f"raw {LAST}: already published by {DAY_RUN.run_id} from the same inputs, as build {head.build_id}"
        )
    (unchanged,) = place.ledger.records(kind="unchanged")
    assert (unchanged.run_id, unchanged.build_id, unchanged.stage) == (OTHER_DAY_RUN.run_id, head.build_id, "raw")


def test_of_two_runs_that_built_the_same_one_publishes_and_the_other_names_it(day: House) -> None:
    place = Place.open()
    for run in (DAY_RUN, OTHER_DAY_RUN):
        begin(place, run)
        assert tasks.build(place, run, "raw").outcome == "sealed"
        assert tasks.audit(place, run, "raw").outcome == "passed"
    assert tasks.publish(place, OTHER_DAY_RUN, "raw").outcome == "new"
    answer = tasks.publish(place, DAY_RUN, "raw")
    assert answer.outcome == "same"
    assert answer.sentence == f"raw {LAST}: already published by {OTHER_DAY_RUN.run_id} with the same content"
    assert day.counted("published")["raw", LAST, 0] == 1


def test_of_two_runs_that_built_other_rows_the_second_is_refused_and_names_the_first(day: House) -> None:
    place = Place.open()
    begin(place, DAY_RUN)
    settle(place, DAY_RUN, "raw")
    change_rules(day)
    begin(place, OTHER_DAY_RUN)
    for run in (DAY_RUN, OTHER_DAY_RUN):
        tasks.build(place, run, "ods")
        tasks.audit(place, run, "ods")
    assert tasks.publish(place, OTHER_DAY_RUN, "ods").outcome == "new"
    with pytest.raises(PublishRefused, match=f"was published by run {OTHER_DAY_RUN.run_id}"):
        tasks.publish(place, DAY_RUN, "ods")


@pytest.mark.usefixtures("day")
def test_a_build_that_is_cleared_makes_a_new_candidate_which_audit_and_publish_take() -> None:
    place = Place.open()
    begin(place, DAY_RUN)
    tasks.build(place, DAY_RUN, "raw")
    tasks.audit(place, DAY_RUN, "raw")
    tasks.build(place, DAY_RUN, "raw")
    with pytest.raises(AuditFailed, match="missing or torn"):
        tasks.publish(place, DAY_RUN, "raw")
    tasks.audit(place, DAY_RUN, "raw")
    assert tasks.publish(place, DAY_RUN, "raw").outcome == "new"
    first, second = [record.build_id for record in place.ledger.records(kind="sealed", run_id=DAY_RUN.run_id)]
    head = place.ledger.head("raw", Partition(LAST))
    assert head is not None
    assert head.build_id == second != first


@pytest.mark.usefixtures("day")
def test_audit_and_publish_before_the_step_before_say_what_to_clear() -> None:
    place = Place.open()
    begin(place, DAY_RUN)
    begin(place, OTHER_DAY_RUN)
    tasks.build(place, OTHER_DAY_RUN, "raw")  # another run's candidate is not this one's
    for step in (tasks.audit, tasks.publish):
        with pytest.raises(AuditFailed) as raised:
            step(place, DAY_RUN, "raw")
        assert raised.value.message == f"raw {LAST}: run {DAY_RUN.run_id} has built nothing yet"
        assert raised.value.hint == "clear the build first"
    tasks.build(place, DAY_RUN, "raw")
    with pytest.raises(AuditFailed, match=r"the verdict on build \w+ is missing or torn[\s\S]*run the audit again"):
        tasks.publish(place, DAY_RUN, "raw")
    assert place.ledger.head("raw", Partition(LAST)) is None


@pytest.mark.fault(24)
def test_an_audit_that_refuses_names_the_check_and_publish_refuses_too(day: House) -> None:
    day.write_reference("service_rule", (rule("ad_stream", 30_000), rule("download", 0), rule("promo")))
    place = Place.open()
    begin(place, DAY_RUN)
    settle(place, DAY_RUN, "raw")
    tasks.build(place, DAY_RUN, "ods")
    for step in (tasks.audit, tasks.publish):
        with pytest.raises(AuditFailed, match=rf"ods {LAST}: the audit refuses build \w+:\n  ods\."):
            step(place, DAY_RUN, "ods")
    assert place.ledger.head("ods", Partition(LAST)) is None


@pytest.mark.usefixtures("day")
def test_an_attempt_that_is_no_longer_the_newest_may_neither_seal_nor_say_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The older attempt comes to its end after a newer one of the same run began."""
    place = Place.open()
    for run in (DAY_RUN, OTHER_DAY_RUN):
        begin(place, run)

    def overtaken(*arguments: object) -> Build | None:
        place.ledger.append("begun", DAY_RUN.run_id, {}, Partition(LAST), "raw")
        return real(*arguments)  # type: ignore[arg-type]

    real = tasks.build_raw
    monkeypatch.setattr(tasks, "build_raw", overtaken)
    with pytest.raises(PublishRefused, match=f"another attempt of run {DAY_RUN.run_id} began after this one"):
        tasks.build(place, DAY_RUN, "raw")
    assert list(place.ledger.records(kind="sealed", run_id=DAY_RUN.run_id)) == []
    monkeypatch.undo()
    settle(place, OTHER_DAY_RUN, "raw")
    monkeypatch.setattr(tasks, "build_raw", overtaken)
    with pytest.raises(PublishRefused, match="another attempt of run"):
        tasks.build(place, DAY_RUN, "raw")
    assert list(place.ledger.records(kind="unchanged")) == []
    assert tasks.audit(place, OTHER_DAY_RUN, "raw").outcome == "passed", "an attempt of one run fences off no other"
