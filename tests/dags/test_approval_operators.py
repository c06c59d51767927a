"""The approval: what becomes of an answer, when people are asked, and that they saw what they are asked about."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from settlement_airflow.operators.approval import StatementApprovalOperator
from tests.dags.conftest import Fake
from tests.dags.served import SHOWN, Served

RUN = "manual__1+09:00"
NAMED = f"--run settlement_monthly/{RUN} --partition 2026-02"
BODY = "| 1 | Ann | 300 |\n- statements: 0a1b\n- asked for by: Oli; they can't approve"
ASKED = {"subject": "Publish 300 won?", "body": BODY}
UNANSWERED = {**ASKED, "chosen_options": None, "responded_by_user": None}
ANSWERED = {**ASKED, "chosen_options": ["Approve"], "responded_by_user": {"id": "7", "name": "Bea"}}
REQUESTER = {"error": "ApproverIsRequester", "message": "it can't be approved by Bea", "hint": "", "transient": False}
OTHERS = [
    {"subject": "Publish 200 won?"},
    {"body": BODY.replace("300", "200")},
    {"body": BODY.replace("0a1b", "0a1c")},
    {"body": None},
]
OTHER_IDS = ["another sum", "other figures", "other statements", "nothing"]


def context(tries: int = 1, max_tries: int = 3) -> dict[str, Any]:
    """A try of the task; it has three retries, and a clear gives it three more."""
    dag_run = SimpleNamespace(dag_id="settlement_monthly", run_id=RUN, partition_key="2026-02", triggering_user_name=None)
    return {"dag_run": dag_run, "task_instance": SimpleNamespace(try_number=tries, max_tries=max_tries), "params": {}}


def answered(option: str) -> str:
    """What becomes of an answer."""
    event = {"chosen_options": [option], "responded_by_user": {"id": "7", "name": "Bea"}, "params_input": {}}
    return str(StatementApprovalOperator(task_id="approve", retries=3).execute_complete(context(), event))


def begun(tries: int = 1, max_tries: int = 3) -> str:
    """What becomes of a try that begins."""
    return str(StatementApprovalOperator(task_id="approve", retries=3).execute(context(tries, max_tries)))


def steps(fake: Fake, approved: bool = False, **instead: str) -> Callable[[], list[str]]:
    """Steps that answer with their options, or run the code of `instead`. Returns what was to be recorded, when it is called."""
    folder = fake(
        f"""
step = sys.argv[3]
if step == 'ask':
    answer({{**{ASKED!r}, 'approved': {approved}}})
with open(sys.argv[0] + '-recorded', 'a') as file:
    file.write(step + '\\n')
exec({instead!r}.get(step, ''))
answer({{'outcome': 'done', 'sentence': ' '.join(sys.argv[3:])}})
"""
    )
    record = folder / "python-recorded"
    return lambda: record.read_text().split() if record.exists() else []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """What people are asked."""
    questions: list[tuple[str, str | None]] = []
    monkeypatch.setattr(ApprovalOperator, "execute", lambda operator, _: questions.append((operator.subject, operator.body)))
    return questions


@pytest.fixture
def api(audit_log: Served) -> Served:
    """An Airflow that shows people the question of today, which nobody has answered."""
    audit_log.shown = UNANSWERED
    return audit_log


# -- an answer ---------------------------------------------------------------------------------------------------------


def test_an_approval_is_recorded_with_everyone_who_cleared_a_task(api: Served, fake: Fake) -> None:
    for name in ("Oli", "Ann"):
        api.happened("post_clear_task_instances", name, run_id=RUN)
    steps(fake)
    assert answered("Approve") == f"approve {NAMED} --by=Bea --cleared-by=Ann --cleared-by=Oli"


@pytest.mark.usefixtures("api")
def test_a_rejection_is_recorded_and_fails_the_task_for_good(fake: Fake) -> None:
    steps(fake)
    with pytest.raises(AirflowFailException, match=rf"^reject {re.escape(NAMED)} --by=Bea$"):
        answered("Reject")


def test_without_the_audit_log_no_approval_is_recorded(api: Served, fake: Fake) -> None:
    api.broken = {"/api/v2/eventLogs": (500, "")}
    recorded = steps(fake)
    with pytest.raises(AirflowException, match="audit log can't be read"):
        answered("Approve")
    assert recorded() == []


@pytest.mark.usefixtures("api")
def test_an_approval_that_is_refused_for_another_reason_fails_the_task(fake: Fake) -> None:
    closed = {"error": "NotAllowed", "message": "2026-02 version 2 is closed", "hint": "", "transient": False}
    steps(fake, approve=f"answer({closed!r}, 1)")
    with pytest.raises(AirflowFailException, match="NotAllowed: 2026-02 version 2 is closed"):
        answered("Approve")


@pytest.mark.usefixtures("api")
def test_a_requester_s_approval_is_refused_and_the_question_asked_again(fake: Fake, asked: list[Any]) -> None:
    steps(fake, approve=f"answer({REQUESTER!r}, 1)")
    answered("Approve")
    assert asked == [(ASKED["subject"], BODY)]


@pytest.mark.parametrize("option", ["Approve", "Reject"])
@pytest.mark.parametrize("other", OTHERS, ids=OTHER_IDS)
def test_an_answer_of_somebody_who_saw_other_figures_is_refused_on_record(
    api: Served, fake: Fake, other: dict[str, Any], option: str
) -> None:
    api.shown = {**ANSWERED, **other}
    recorded = steps(fake)
    sentence = rf"^refuse {re.escape(NAMED)} --by=Bea --reason=the question shown was about other figures(.|\n)*delete this task instance"
    with pytest.raises(AirflowFailException, match=sentence) as raised:
        answered(option)
    assert recorded() == ["refuse"]
    assert ("'Publish 200 won?' was asked, now it is 'Publish 300 won?'" in str(raised.value)) == ("subject" in other)


def test_an_answer_to_a_question_that_is_gone_is_refused_on_record(api: Served, fake: Fake) -> None:
    api.shown = None
    recorded = steps(fake)
    with pytest.raises(AirflowFailException, match="--reason=no question is shown any more"):
        answered("Approve")
    assert recorded() == ["refuse"]


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_an_answer_waits_for_its_retry_where_it_can_t_be_read_what_was_shown(api: Served, fake: Fake, option: str) -> None:
    api.broken = {SHOWN: (500, "")}
    recorded = steps(fake)
    with pytest.raises(AirflowException, match=r"what people were asked by approve of .* \(HTTP 500\); check") as raised:
        answered(option)
    assert type(raised.value) is AirflowException
    assert recorded() == []


# -- asking ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("api")
def test_what_is_approved_already_is_not_asked_again(fake: Fake, asked: list[Any]) -> None:
    steps(fake, approved=True)
    assert (begun(), asked) == (ASKED["subject"], [])


@pytest.mark.parametrize("history", ["", "\n- rejected before: 2 times", "\n- asked for by: Oli, Zoe; they can't approve"])
def test_people_are_asked_again_though_the_question_s_history_is_another_one(
    api: Served, fake: Fake, asked: list[Any], history: str
) -> None:
    api.shown = {**ANSWERED, "body": BODY.replace("\n- asked for by: Oli; they can't approve", history)}
    steps(fake)
    begun(2, 4)
    assert asked == [(ASKED["subject"], BODY)]


@pytest.mark.parametrize("shown", [UNANSWERED, ANSWERED], ids=["not answered", "answered"])
@pytest.mark.parametrize("other", OTHERS, ids=OTHER_IDS)
def test_nobody_is_asked_while_people_would_be_shown_other_figures(
    api: Served, fake: Fake, asked: list[Any], shown: dict[str, Any], other: dict[str, Any]
) -> None:
    api.shown = {**shown, **other}
    recorded = steps(fake)
    with pytest.raises(AirflowFailException, match=r"^Nobody is asked: .* about other figures(.|\n)*delete this task instance"):
        begun(2, 4)
    assert (asked, recorded()) == ([], [])


# What Airflow accepted and no attempt recorded: a resumed attempt was ended before it could.


@pytest.mark.parametrize(("tries", "max_tries"), [(2, 3), (4, 3), (7, 8)])
def test_a_retry_takes_up_the_answer_that_the_try_before_lost(
    api: Served, fake: Fake, asked: list[Any], tries: int, max_tries: int
) -> None:
    api.shown = ANSWERED
    api.happened("post_clear_task_instances", "Ann", run_id=RUN)
    steps(fake)
    assert begun(tries, max_tries) == f"approve {NAMED} --by=Bea --cleared-by=Ann"
    assert asked == []


def test_a_retry_takes_up_a_rejection_too(api: Served, fake: Fake) -> None:
    api.shown = {**ANSWERED, "chosen_options": ["Reject"]}
    steps(fake)
    with pytest.raises(AirflowFailException, match=r"^reject --run .* --by=Bea$"):
        begun(2)


def test_a_retry_refuses_a_lost_answer_about_other_figures(api: Served, fake: Fake, asked: list[Any]) -> None:
    api.shown = {**ANSWERED, **OTHERS[1]}
    recorded = steps(fake)
    with pytest.raises(AirflowFailException, match="--reason=the question shown was about other figures"):
        begun(2)
    assert (asked, recorded()) == ([], ["refuse"])


@pytest.mark.parametrize("shown", [None, UNANSWERED], ids=["never asked", "not answered"])
def test_a_retry_asks_where_nobody_has_answered(api: Served, fake: Fake, asked: list[Any], shown: dict[str, Any] | None) -> None:
    api.shown = shown
    recorded = steps(fake)
    begun(2)
    assert (asked, recorded()) == ([(ASKED["subject"], BODY)], [])


@pytest.mark.parametrize(("tries", "max_tries"), [(1, 3), (2, 4), (6, 8)], ids=["first", "cleared", "cleared after retries"])
def test_an_answer_of_before_a_clear_is_not_taken_up(
    api: Served, fake: Fake, asked: list[Any], tries: int, max_tries: int
) -> None:
    api.shown = ANSWERED
    recorded = steps(fake)
    begun(tries, max_tries)
    assert (asked, recorded()) == ([(ASKED["subject"], BODY)], [])


def test_where_it_can_t_be_read_what_is_shown_people_are_asked(
    api: Served, fake: Fake, asked: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    api.shown, api.broken = ANSWERED, {SHOWN: (403, "")}
    steps(fake)
    begun(2)
    assert asked == [(ASKED["subject"], BODY)]
    assert "(HTTP 403); check the connection settlement_airflow_api" in capsys.readouterr().out


def test_a_lost_answer_of_a_requester_is_refused_and_the_question_asked_once(api: Served, fake: Fake, asked: list[Any]) -> None:
    api.shown = ANSWERED
    recorded = steps(fake, approve=f"answer({REQUESTER!r}, 1)")
    begun(2)
    assert (asked, recorded()) == ([(ASKED["subject"], BODY)], ["approve"])
