"""The steps as commands: one JSON object and an exit code each."""

from __future__ import annotations

import json
import shutil

import pytest

from settlement.settings import settings
from settlement.steps.__main__ import main
from settlement.steps.tasks import Run
from tests.integration.example import LAST, MONTH
from tests.integration.house import House
from tests.integration.scheduled import (
    APPROVER,
    DAY_RUN,
    MONTH_RUN,
    OPERATOR,
    OTHER_MONTH_RUN,
    SCHEDULER,
    VERSION,
)
from tests.integration.shelf import Shelf

pytestmark = pytest.mark.usefixtures("workers")


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    """Exit code and answer of a step."""
    code = main(arguments)
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    answer: dict[str, object] = json.loads(out)
    return code, answer


def options(run: Run) -> list[str]:
    return ["--run", run.run_id, "--partition", run.key]


def test_a_step_answers_with_one_json_object(day: House, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = ended(capsys, "begin", *options(DAY_RUN), "--by", "김", "--gate", "raw")
    assert code == 0
    assert answer["outcome"] == "released"
    assert str(answer["sentence"]).endswith("asked for by 김")
    assert answer["waits_for"] == [f"raw {LAST} ({kind})" for kind in ("catalog", "other_revenue", "payments", "plays")]
    for step, outcome in (("build", "sealed"), ("audit", "passed"), ("publish", "new"), ("publish", "done")):
        code, answer = ended(capsys, step, *options(DAY_RUN), "--stage", "raw")
        assert (code, answer["outcome"], answer.keys()) == (0, outcome, {"outcome", "sentence"})
    _, answer = ended(capsys, "begin", *options(DAY_RUN), "--by", "Zoe", "--gate", "raw")
    assert answer["waits_for"] == []
    (day.folder("plays", LAST) / "_SUCCESS").unlink()
    _, answer = ended(capsys, "begin", *options(DAY_RUN), "--by", "Zoe", "--gate", "landing")
    assert answer["waits_for"] == [f"plays/dt={LAST}"]


def test_the_end_of_a_month_by_its_steps(month: House, capsys: pytest.CaptureFixture[str], shelf: Shelf) -> None:
    run = options(MONTH_RUN)
    code, answer = ended(capsys, "begin", *run, "--by", "Zoe", "--gate", "days")
    assert (code, answer["waits_for"]) == (0, [])
    code, answer = ended(capsys, "ask", *run)
    assert (code, answer["approved"], answer.keys()) == (0, False, {"subject", "body", "approved"})
    code, answer = ended(capsys, "approve", *run, "--by", OPERATOR, "--cleared-by", "Ann", "--cleared-by", OPERATOR)
    assert (code, answer["error"], answer["transient"]) == (1, "ApproverIsRequester", False)
    assert "who is among its requesters (Ann, Oli, service:scheduler)" in str(answer["message"])
    assert ended(capsys, "reject", *run, "--by", APPROVER)[1]["outcome"] == "rejected"
    code, answer = ended(capsys, "close", *run)
    assert (code, answer["error"], answer["transient"]) == (1, "NotAllowed", False)
    assert ended(capsys, "approve", *run, "--by", APPROVER)[1]["outcome"] == "approved"
    for step, outcome in (("reports", "published"), ("close", "closed"), ("close", "done")):
        code, answer = ended(capsys, step, *run)
        assert (code, answer["outcome"], answer["path"]) == (0, outcome, VERSION.path)
    assert month.published() == shelf.published()
    code, answer = ended(capsys, "begin", *options(OTHER_MONTH_RUN), "--by", SCHEDULER, "--gate", "days")
    assert (code, answer["error"], answer["message"]) == (3, "NothingToDo", f"{MONTH} version 1 is closed")


@pytest.mark.usefixtures("month")
def test_another_run_of_a_month_ends_with_nothing_to_do_unless_it_takes_over(capsys: pytest.CaptureFixture[str]) -> None:
    ended(capsys, "begin", *options(OTHER_MONTH_RUN), "--by", "Ann", "--gate", "days")
    build = ["build", *options(OTHER_MONTH_RUN), "--stage", "pools"]
    code, answer = ended(capsys, *build)
    assert (code, answer["error"], answer["transient"]) == (3, "NothingToDo", False)
    assert answer["hint"] == "go on there: clear its failed task, or answer its approval"
    code, answer = ended(capsys, *build, "--take-over")
    assert (code, answer["outcome"]) == (0, "unchanged")


def test_what_is_refused_is_not_worth_another_try(day: House, capsys: pytest.CaptureFixture[str]) -> None:
    ended(capsys, "begin", *options(DAY_RUN), "--by", SCHEDULER, "--gate", "raw")
    code, answer = ended(capsys, "audit", *options(DAY_RUN), "--stage", "raw")
    assert (code, answer) == (
        1,
        {
            "error": "AuditFailed",
            "message": f"raw {LAST}: run {DAY_RUN.run_id} has built nothing yet",
            "hint": "clear the build first",
            "transient": False,
        },
    )
    (day.folder("plays", LAST) / "note.txt").write_text("x")
    code, answer = ended(capsys, "build", *options(DAY_RUN), "--stage", "raw")
    assert (code, answer["error"], answer["transient"]) == (1, "BadInput", False)


def test_what_a_machine_may_have_caused_is_worth_another_try(day: House, capsys: pytest.CaptureFixture[str]) -> None:
    ended(capsys, "begin", *options(DAY_RUN), "--by", SCHEDULER, "--gate", "raw")
    ended(capsys, "build", *options(DAY_RUN), "--stage", "raw")
    shutil.rmtree(day.warehouse / "verdicts")
    (day.warehouse / "verdicts").write_text("in the way")
    code, answer = ended(capsys, "audit", *options(DAY_RUN), "--stage", "raw")
    assert (code, answer["error"], answer["transient"]) == (1, "SettlementError", True)
    assert f"{day.warehouse / 'verdicts'}: " in str(answer["message"])


@pytest.mark.usefixtures("day")
@pytest.mark.parametrize("name", ["SETTLEMENT_WAREHOUSE", "SETTLEMENT_LANDING"])
def test_a_missing_setting_is_named(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    settings.cache_clear()
    code, answer = ended(capsys, "audit", *options(DAY_RUN), "--stage", "raw")
    monkeypatch.undo()
    settings.cache_clear()
    assert (code, answer["message"]) == (1, f"{name} is not set")
    assert answer["hint"] == f"set {name} for the scheduler and every worker"


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["build"], ["build", "--run", "r", "--partition", LAST], ["build", "--run", "r", "--partition", LAST, "--stage", "none"],
        ["begin", "--run", "r", "--partition", LAST, "--by", "x", "--gate", "none"], ["approve", "--run", "r", "--partition", MONTH],
        ["audit", "--run", "r", "--partition", LAST, "--stage", "raw", "--take-over"],
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert capsys.readouterr().out == ""
