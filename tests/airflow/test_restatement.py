"""A closed month restated: refused, asked, answered by the wrong and by the right person, posted once; a report on request."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from local.api import Refused, wait_for
from settlement.warehouse import Partition
from tests.airflow.town import REPORT, RESTATEMENT, Town
from tests.integration.example import MONTH, NEXT
from tests.integration.house import House, tree

REASON = "the price per subscriber was wrong"
UNANSWERED = ("awaiting_input",)


@pytest.fixture(scope="module")
def house(town: Town) -> Iterator[House]:
    """A closed month, and a rate card that was corrected since."""
    house = town.move_in("closed")
    card = house.reference / "rate_card.csv"
    card.write_text(card.read_text("utf-8").replace(",700,", ",9000,"), "utf-8")
    for dag in (RESTATEMENT, REPORT):
        town.api.pause(dag, paused=False)
    yield house
    for dag in (RESTATEMENT, REPORT):
        for run in town.api.runs(dag):
            if run["state"] not in ("success", "failed"):
                town.api.mark_run(dag, run["dag_run_id"], "failed")


@pytest.fixture(scope="module")
def asked(town: Town, house: House) -> str:
    """The run of a restatement that waits for an answer."""
    run = town.airflow.api("operator").start(RESTATEMENT, month=MONTH, reason=REASON)
    town.api.wait_task(RESTATEMENT, run, "approve", UNANSWERED)
    assert [r.state for r in house.ledger.restatements(MONTH)] == ["requested"]
    return run


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("form", [{"month": MONTH}, {"month": MONTH, "reason": ""}, {"month": "2026-13", "reason": REASON}])
@pytest.mark.fault(28)
def test_a_form_without_a_month_or_a_reason_starts_nothing(town: Town, form: dict[str, str]) -> None:
    before = town.api.runs(RESTATEMENT)
    with pytest.raises(Refused, match="HTTP 400"):
        town.api.start(RESTATEMENT, **form)
    assert town.api.runs(RESTATEMENT) == before


def test_people_are_shown_what_changes_and_nothing_is_posted(town: Town, house: House, asked: str) -> None:
    question = town.api.question(RESTATEMENT, asked, "approve")
    assert question["subject"].startswith(f"Restatement {MONTH} version 2: post 9 deltas, +74,700 won in all")
    assert "asked for by: operator;" in question["body"]
    assert REASON in question["body"]
    assert house.counted("posted") == {}


def test_an_open_month_and_a_second_restatement_at_once_are_refused_by_name(town: Town, house: House, asked: str) -> None:
    api = town.airflow.api("approver")
    sentences = {
        NEXT: f"NotAllowed: {NEXT} is not closed|NotArrived: pools {NEXT} needs daily {NEXT}-01",  # open, and not landed
        MONTH: f"NotAllowed: {MONTH} is being restated already: version 2, asked for by operator",
    }
    refused = {api.start(RESTATEMENT, month=month, reason=REASON): sentence for month, sentence in sentences.items()}
    for run, sentence in refused.items():
        assert town.api.wait_run(RESTATEMENT, run) == "failed"
        assert town.api.tasks(RESTATEMENT, run)["request"]["state"] == "failed", "it isn't tried again"
        assert re.search(sentence, town.said(RESTATEMENT, run, "request"))
    assert town.api.tasks(RESTATEMENT, asked)["approve"]["state"] == "awaiting_input"
    assert [r.partition for r in house.ledger.restatements()] == [Partition(MONTH, 2)]


@pytest.mark.fault(28, 34)
def test_the_requesters_answer_is_refused_and_another_persons_posts_it_once(town: Town, house: House, asked: str) -> None:
    published = house.published()
    town.airflow.api("operator").answer(RESTATEMENT, asked, "approve", "Approve")
    (refused,) = wait_for(lambda: list(house.ledger.records(kind="refused")), bool, "the refusal in the ledger", 60)
    assert refused.body["by"] == "operator"
    town.api.wait_task(RESTATEMENT, asked, "approve", UNANSWERED)
    assert house.counted("posted") == {}
    town.airflow.api("approver").answer(RESTATEMENT, asked, "approve", "Approve")
    assert town.api.wait_run(RESTATEMENT, asked) == "success", town.story(RESTATEMENT, asked)
    (restatement,) = house.ledger.restatements(MONTH)
    assert (restatement.state, restatement.approved_by, restatement.posted_month) == ("posted", "approver", NEXT)
    assert restatement.reason == REASON
    assert house.published() == published


def test_cleared_after_its_end_it_has_nothing_to_do_and_is_posted_once(town: Town, house: House, asked: str) -> None:
    heads = house.heads()
    for task, downstream in (("post", False), ("request", True)):
        town.api.clear(RESTATEMENT, dag_run_id=asked, task_ids=[task], include_downstream=downstream)
        assert town.api.wait_run(RESTATEMENT, asked) == "success", town.story(RESTATEMENT, asked)
    assert town.api.tasks(RESTATEMENT, asked)["pools.build"]["state"] == "skipped"
    assert f"{MONTH} version 2 is posted into {NEXT}" in town.said(RESTATEMENT, asked, "pools.build")
    assert house.counted("posted") == {("", MONTH, 2): 1}
    assert house.heads() == heads
    house.assert_chain_holds()


@pytest.mark.long
@pytest.mark.usefixtures("asked")
def test_what_is_rejected_is_not_posted(town: Town, house: House) -> None:
    run = town.airflow.api("operator").start(RESTATEMENT, month=MONTH, reason="the price was right after all")
    town.api.wait_task(RESTATEMENT, run, "approve", UNANSWERED)
    town.airflow.api("approver").answer(RESTATEMENT, run, "approve", "Reject")
    assert town.api.wait_run(RESTATEMENT, run) == "failed"
    assert f"{MONTH} version 3 is rejected by approver: nothing is posted" in town.said(RESTATEMENT, run, "approve")
    assert house.counted("posted") == {("", MONTH, 2): 1}


def test_a_report_on_request_is_made_in_a_format_that_the_partner_does_not_take(town: Town, house: House) -> None:
    published, folder = house.published(), f"partner=1/{MONTH}..{MONTH}/xlsx/month={MONTH}/version=1"
    run = town.api.start(REPORT, partner=1, first_month=MONTH, last_month=MONTH, format="xlsx")
    assert town.api.wait_run(REPORT, run) == "success", town.story(REPORT, run)
    made = tree(house.warehouse / "on_demand")
    assert sorted(made) == [f"{folder}/{name}" for name in ("_SUCCESS", "manifest.json", "statement.xlsx")]
    assert house.published() == published
