"""The two DAGs that people start: what their forms take, and which step a task runs with what."""

from __future__ import annotations

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, ParamValidationError

from settlement.steps import on_demand
from settlement.steps.__main__ import _parser
from settlement_airflow.hooks.step_process import StepProcessHook
from settlement_airflow.operators import partner_report
from settlement_airflow.operators.partner_report import PartnerReportOperator
from settlement_airflow.operators.restatement import PostRestatementOperator, RequestRestatementOperator
from settlement_airflow.runs import RunName
from tests.dags.conftest import ROOT

ASKED = {"month": "2026-02", "reason": "a share was wrong"}
WANTED = {"partner": 7, "first_month": "2026-01", "last_month": "2026-03", "format": "csv"}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Namespace]:
    """What was asked of the steps, as they read their options; each answers with its name."""
    asked: list[Namespace] = []

    def run(_: StepProcessHook, step: str, *arguments: str) -> dict[str, Any]:
        asked.append(_parser().parse_args([step, *arguments]))
        return {"outcome": "done", "sentence": step}

    monkeypatch.setattr(StepProcessHook, "run", run)
    return asked


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """Both DAGs as the scheduler and the API have them."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    names = ("restatement", "partner_report")
    return {name: DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[name])) for name in names}


def context(params: dict[str, Any], key: str | None = None, by: str | None = "Ann") -> dict[str, Any]:
    dag_run = SimpleNamespace(dag_id="restatement", run_id="manual__1", partition_key=key, triggering_user_name=by)
    return {"dag_run": dag_run, "params": params}


# -- which run it is ---------------------------------------------------------------------------------------------------


def test_a_run_without_a_partition_key_is_named_by_its_month() -> None:
    assert RunName.of(context(ASKED)) == RunName("restatement/manual__1", "2026-02", "Ann")
    assert RunName.of(context({}, key="2026-02")) == RunName.of(context(ASKED, key="2026-02")) == RunName.of(context(ASKED))


@pytest.mark.parametrize("key", ["2026-03", "2026-02-28"])
def test_a_month_beside_another_partition_key_fails_at_once(key: str) -> None:
    with pytest.raises(AirflowFailException, match=f"partition key '{key}' and month '2026-02': which of them is meant"):
        RunName.of(context(ASKED, key=key))


@pytest.mark.parametrize("month", ["2026-2", "2026-13", "0000-01", "2026-02\n", "２０２６-02", "2026-02..2026-03", 202602])
def test_a_month_that_is_none_fails_at_once(month: object) -> None:
    with pytest.raises(AirflowFailException, match=r"has month .*must be a day YYYY-MM-DD or a month YYYY-MM") as raised:
        RunName.of(context({"month": month}))
    assert repr(str(month)) in str(raised.value)


# -- the forms ---------------------------------------------------------------------------------------------------------


def test_people_start_them_and_nothing_else(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert not dag.timetable.can_be_scheduled
        assert not dag.timetable.partitioned
        assert dag.max_active_runs == 4


def taken(dag: Any, conf: dict[str, Any]) -> dict[str, Any]:
    """What a run gets of a form, as the API checks it before there is a run."""
    params = dag.params.deep_merge(conf)
    return dict(params.validate())


def test_a_full_form_is_taken(dags: dict[str, Any]) -> None:
    assert taken(dags["restatement"], ASKED) == ASKED
    assert taken(dags["partner_report"], WANTED) == WANTED
    assert taken(dags["partner_report"], {**WANTED, "partner": 0})["partner"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"month": None}, {"month": ""}, {"month": "2026-2"}, {"month": "2026-13"}, {"month": "2026-02-01"}, {"month": "x2026-02"},
        {"reason": None}, {"reason": ""}, {"reason": "no"}, {"reason": 12345},
    ],
)  # fmt: skip
def test_a_restatement_without_a_month_or_a_reason_is_refused(dags: dict[str, Any], wrong: dict[str, Any]) -> None:
    refused(dags["restatement"], ASKED, wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"partner": None}, {"partner": -1}, {"partner": "7"}, {"partner": 1.5}, {"first_month": None}, {"first_month": "2026"},
        {"last_month": None}, {"last_month": "2026-00"}, {"format": "html"}, {"format": ""},
    ],
)  # fmt: skip
def test_a_report_of_nobody_or_of_no_month_or_in_no_format_is_refused(dags: dict[str, Any], wrong: dict[str, Any]) -> None:
    refused(dags["partner_report"], WANTED, wrong)


def refused(dag: Any, form: dict[str, Any], wrong: dict[str, Any]) -> None:
    """The form is refused with the wrong value, and without any where None is given."""
    (name,) = wrong
    rest = {key: value for key, value in form.items() if key != name}
    with pytest.raises(ParamValidationError):
        taken(dag, rest if wrong[name] is None else {**rest, **wrong})


def test_the_form_offers_the_formats_there_are() -> None:
    assert partner_report.FORMATS == on_demand.FORMATS


# -- the tasks ---------------------------------------------------------------------------------------------------------


def test_a_request_names_the_month_who_asks_and_why(steps: list[Namespace]) -> None:
    assert RequestRestatementOperator(task_id="request").execute(context(ASKED)) == "restate"
    (asked,) = steps
    assert (asked.run, asked.partition, asked.by, asked.reason) == (
        "restatement/manual__1", "2026-02", "Ann", "a share was wrong",
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["--by=Zoe", "-x", "two\nlines, \"quoted\" 'so'", "율이 틀렸다", "$(id) `id` ; %s {reason}"])
def test_a_reason_may_be_any_text(steps: list[Namespace], reason: str) -> None:
    RequestRestatementOperator(task_id="request").execute(context({**ASKED, "reason": reason}, by="--reason=x"))
    assert [(asked.by, asked.reason) for asked in steps] == [("--reason=x", reason)]


def test_a_post_names_the_run_and_nothing_else(steps: list[Namespace]) -> None:
    assert PostRestatementOperator(task_id="post").execute(context(ASKED)) == "post"
    assert [vars(asked) for asked in steps] == [{"step": "post", "run": "restatement/manual__1", "partition": "2026-02"}]


def test_a_report_names_partner_months_and_format(steps: list[Namespace]) -> None:
    assert PartnerReportOperator(task_id="report").execute(context(WANTED)) == "partner-report"
    (asked,) = steps
    assert (asked.run, asked.partition, asked.partner, asked.format) == ("restatement/manual__1", "2026-01..2026-03", 7, "csv")


def test_a_report_waits_for_a_slot_of_the_engine() -> None:
    assert PartnerReportOperator(task_id="report").pool == "engine"
    assert PostRestatementOperator(task_id="post").pool == "default_pool"


@pytest.mark.parametrize(
    ("operator", "params"),
    [(RequestRestatementOperator, ASKED), (PostRestatementOperator, ASKED), (PartnerReportOperator, WANTED)],
)
def test_a_task_that_is_killed_ends_its_step(operator: Any, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[StepProcessHook] = []
    task = operator(task_id="task")
    task.on_kill()  # nothing was started yet

    def run(_: StepProcessHook, step: str, *__: str) -> dict[str, Any]:
        task.on_kill()
        raise AirflowException(f"{step} was killed by SIGTERM")

    def kill(hook: StepProcessHook) -> None:
        ended.append(hook)

    monkeypatch.setattr(StepProcessHook, "run", run)
    monkeypatch.setattr(StepProcessHook, "kill", kill)
    with pytest.raises(AirflowException, match="was killed by SIGTERM"):
        task.execute(context(params))
    assert len(ended) == 1
