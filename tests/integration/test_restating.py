"""A closed month is corrected by a restatement: a reason, an approver who didn't ask for it, deltas posted once.

Nothing that was published changes, whatever is asked, refused, rejected or posted.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from settlement.errors import ApproverIsRequester, NotAllowed
from settlement.ledger.restatements import Restatement
from settlement.steps import restating
from settlement.warehouse import Partition
from tests.integration.bad import HouseIn, reference_rows, with_fields
from tests.integration.example import MONTH, NEXT
from tests.integration.figures import changes, royalties
from tests.integration.house import APPROVER, REQUESTER, Answer, House

REASON = "the price per subscriber was wrong"
RESTATED = Partition(MONTH, 2)


def correct_rates(house: House) -> None:
    """Another price per subscriber."""
    rows = [with_fields("rate_card", r, {"per_subscriber_krw": "9000"}) if r[0] == "sub_stream" else r
            for r in reference_rows("rate_card")]  # fmt: skip
    house.write_reference("rate_card", rows)


@pytest.fixture
def closed(house_in: HouseIn) -> Iterator[House]:
    """A closed month and a rate card that was corrected since; what was published must outlive the test, to the byte."""
    house = house_in("closed")
    correct_rates(house)
    published, statements = house.published(), house.export("statement", "--month", MONTH)
    yield house
    assert house.published() == published
    assert house.export("statement", "--month", MONTH) == statements
    assert house.counted("closed") == {("", MONTH, 1): 1}
    house.assert_chain_holds()


def restate(house: House, command: str, *options: object, month: str = MONTH) -> Answer:
    return house.command("restate", command, "--month", month, *options)


def request(house: House, by: str = REQUESTER, reason: str = REASON, month: str = MONTH) -> Answer:
    return restate(house, "request", "--reference", house.reference, "--reason", reason, "--requested-by", by, month=month)


def approve(house: House, by: str = APPROVER) -> Answer:
    return restate(house, "approve", "--approved-by", by)


def done(answer: Answer) -> str:
    assert answer.code == 0, answer.said
    return answer.said


def refused(answer: Answer) -> str:
    """What a command said that was refused."""
    assert answer.code == 1, answer.said
    assert answer.err.count("error: ") == 1, answer.err
    assert "Traceback" not in answer.said
    return answer.said


def restatements(house: House) -> list[Restatement]:
    return house.ledger.restatements(MONTH)


def states(house: House) -> list[tuple[int, int, str]]:
    """Version, the version it restates, and state of each restatement."""
    return [(r.partition.version, r.version_from, r.state) for r in restatements(house)]


# -- asking ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
@pytest.mark.fault(28)
def test_without_a_reason_nothing_is_restated(closed: House, reason: str) -> None:
    assert f"a restatement of {MONTH} needs a reason" in refused(request(closed, reason=reason))
    assert states(closed) == []
    assert closed.counted("reserved") == {("", MONTH, 1): 1}


@pytest.mark.parametrize("state", ["days", "open"])
def test_a_month_that_is_open_is_not_restated(state: str, house_in: HouseIn) -> None:
    house = house_in(state)
    assert f"{MONTH} is not closed → an open month is settled again, not restated" in refused(request(house))
    assert restatements(house) == []


def test_a_request_shows_what_changes_and_posts_nothing(closed: House) -> None:
    before = royalties({"statement_royalty": closed.export("statement_royalty", "--month", MONTH)})
    said = done(request(closed))
    now = royalties({"statement_royalty": closed.export("statement_royalty", "--month", MONTH, "--version", 2)})
    changed = changes(before, now)
    assert changed
    total = sum(row[5] for row in changed)
    assert f"{MONTH} version 2 against version 1: {len(changed)} royalties change, {total:+,} won in all" in said
    assert f"settlement restate approve --warehouse {closed.warehouse} --month {MONTH} --approved-by NAME" in said
    [asked] = restatements(closed)
    assert (asked.partition, asked.version_from, asked.state) == (RESTATED, 1, "requested")
    assert (asked.reason, asked.requested_by, asked.approved_by, asked.posted_month) == (REASON, REQUESTER, "", "")
    assert closed.counted("posted") == {}
    assert royalties({"statement_royalty": closed.export("statement_royalty", "--month", MONTH)}) == before


def test_of_two_that_ask_the_second_is_told_who_asked_before(closed: House) -> None:
    done(request(closed))
    said = refused(request(closed, by="Cho"))
    assert f"{MONTH} is being restated already: version 2, asked for by {REQUESTER} → approve or reject that one first" in said
    assert states(closed) == [(2, 1, "requested")]
    done(approve(closed))
    assert states(closed) == [(2, 1, "posted")]


def test_a_run_that_asks_again_keeps_its_version_and_takes_todays_rules(closed: House) -> None:
    context = closed.context("run-1")
    assert restating.request(context, MONTH, REASON).partition == RESTATED
    assert restating.request(context, MONTH, REASON).partition == RESTATED
    assert closed.counted("reserved")["", MONTH, 2] == 1
    closed.write_reference("rate_card", reference_rows("rate_card"))
    assert restating.request(closed.context("run-1"), MONTH, REASON).partition == RESTATED
    assert closed.counted("reserved")["", MONTH, 2] == 2
    assert states(closed) == [(2, 1, "requested")]


def test_a_restatement_that_changes_nothing_says_so_and_posts_no_delta(closed: House) -> None:
    closed.write_reference("rate_card", reference_rows("rate_card"))
    assert f"{MONTH} version 2 against version 1: 0 royalties change, +0 won in all" in done(request(closed))
    done(approve(closed))
    assert states(closed) == [(2, 1, "posted")]


# -- the answer --------------------------------------------------------------------------------------------------------


@pytest.mark.fault(28, 34)
def test_who_asked_for_a_restatement_does_not_approve_it_and_the_refusal_is_on_record(closed: House) -> None:
    done(request(closed))
    assert f"{RESTATED} can't be approved by {REQUESTER}, who is among its requesters" in refused(approve(closed, REQUESTER))
    [record] = closed.ledger.records(kind="refused")
    assert (record.partition, record.body["by"]) == (RESTATED, REQUESTER)
    assert "who is among its requesters" in record.body["reason"]
    assert states(closed) == [(2, 1, "requested")]
    assert closed.counted("posted") == {}
    assert f"{RESTATED} is approved by {APPROVER}; its deltas are posted into {NEXT}" in done(approve(closed))


def test_who_cleared_a_task_of_it_does_not_approve_it_either(closed: House) -> None:
    done(request(closed))
    with pytest.raises(ApproverIsRequester):
        restating.approve(closed.context(restatements(closed)[0].run_id), RESTATED, "Oli", ["Oli"])
    assert [r.body["by"] for r in closed.ledger.records(kind="refused")] == ["Oli"]


def test_what_is_not_approved_is_not_posted(closed: House) -> None:
    done(request(closed))
    with pytest.raises(NotAllowed, match=f"{RESTATED} is no approved restatement"):
        restating.post(closed.context("run-1"), RESTATED)
    with pytest.raises(NotAllowed, match=f"{MONTH} version 1 is no approved restatement"):
        restating.post(closed.context("run-1"), Partition(MONTH, 1))
    assert closed.counted("posted") == {}


def test_what_is_posted_again_was_posted_once(closed: House) -> None:
    done(request(closed))
    done(approve(closed))
    again = restating.post(closed.context("another run"), RESTATED)
    assert (again.state, again.posted_month, again.approved_by) == ("posted", NEXT, APPROVER)
    assert f"no restatement of {MONTH} is under way" in refused(approve(closed, "Cho"))
    assert closed.counted("approved")["", MONTH, 2] == 1
    assert closed.counted("posted") == {("", MONTH, 2): 1}
    assert closed.export("pool", "--month", MONTH) == closed.export("pool", "--month", MONTH, "--version", 2)


def test_after_a_rejection_a_new_one_may_be_asked_for_and_starts_from_what_was_published(closed: House) -> None:
    before = closed.export("pool", "--month", MONTH)
    done(request(closed))
    assert f"{RESTATED} is rejected: nothing is posted" in done(restate(closed, "reject", "--by", "Cho"))
    assert [(r.partition, r.body) for r in closed.ledger.records(kind="rejected")] == [(RESTATED, {"by": "Cho"})]
    assert f"no restatement of {MONTH} is under way" in refused(approve(closed))
    with pytest.raises(NotAllowed, match=f"{RESTATED} was rejected"):
        restating.approve(closed.context("run-1"), RESTATED, APPROVER)
    assert closed.export("pool", "--month", MONTH) == before
    done(request(closed, by="Cho"))
    done(approve(closed))
    assert states(closed) == [(2, 1, "rejected"), (3, 1, "posted")]


def test_what_was_posted_can_not_be_rejected(closed: House) -> None:
    done(request(closed))
    done(approve(closed))
    assert f"no restatement of {MONTH} is under way" in refused(restate(closed, "reject"))
    with pytest.raises(NotAllowed, match=f"{RESTATED} is posted"):
        restating.reject(closed.context("run-1"), RESTATED, "Cho")
    assert closed.counted("rejected") == {}


def test_every_restatement_is_shown_with_its_state_and_what_it_changes(closed: House) -> None:
    done(request(closed))
    done(restate(closed, "reject"))
    done(request(closed, by="Cho", reason="once more"))
    done(approve(closed))
    said = done(restate(closed, "show"))
    for words in (f"│ {MONTH} │ 2 │ 1 │ rejected │ │ {REQUESTER} │ │ {REASON} │",
                  f"│ {MONTH} │ 3 │ 1 │ posted │ {NEXT} │ Cho │ {APPROVER} │ once more │"):  # fmt: skip
        assert words in said
    assert f"{MONTH} version 3 against version 1: " in said
    assert "against" not in done(closed.command("restate", "show"))


# -- usage -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["request", "--month", MONTH], 2),
        (["request", "--month", "2026-02..2026-03", "--reason", "x"], 1),
        (["request", "--month", "2026-2", "--reason", "x"], 1),
        (["approve"], 2),
        (["approve", "--month", "2019-01"], 1),
        (["reject", "--month", "2019-01"], 1),
        (["show", "--month", "all"], 1),
    ],
)
def test_wrong_usage_is_an_error_and_leaves_no_record(closed: House, arguments: list[str], code: int) -> None:
    records = list(closed.ledger.records())
    answer = closed.command("restate", *arguments)
    assert answer.code == code
    assert answer.err.startswith("error: " if code == 1 else "Usage: ")
    assert list(closed.ledger.records()) == records


@pytest.mark.parametrize("command", ["request", "approve", "reject", "show"])
def test_a_warehouse_that_is_none_is_refused(house_in: HouseIn, command: str) -> None:
    house = house_in("new")
    answer = restate(house, command, *(["--reason", "x"] if command == "request" else []))
    assert "is no warehouse" in refused(answer)
    assert not house.warehouse.exists()
