"""Operators that ask Trino: what they hand over, what they say, what they leave for people; and the stage that is reconciled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from settlement.errors import SettlementError
from settlement.settings_trino import trino_settings
from settlement_airflow.hooks.trino_queries import Result
from settlement_airflow.links.query_page import TrinoQueryLink
from settlement_airflow.operators.reconcile import ReconcileOperator
from settlement_airflow.operators.trino_query import Asked, TrinoQueryOperator
from tests.dags.conftest import Fake
from tests.dags.test_trino_queries import SQL, PlayedTrino, failed, serving


@dataclass
class Work:
    """What a task has to do, played."""

    prepared: Asked | str | Exception = field(default_factory=lambda: Asked(SQL, {"build": "0a"}))
    finished: list[tuple[Asked, Result]] = field(default_factory=list)

    def prepare(self, context: Any) -> Asked | str:  # noqa: ARG002
        if isinstance(self.prepared, Exception):
            raise self.prepared
        return self.prepared

    def finish(self, context: Any, asked: Asked, result: Result) -> str:  # noqa: ARG002
        self.finished.append((asked, result))
        return f"{len(result.rows)} rows"


@pytest.fixture
def trino(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedTrino]:
    """A played Trino that the settings name."""
    with serving(PlayedTrino()) as server:
        monkeypatch.setenv("SETTLEMENT_TRINO_PORT", str(server.server_address[1]))
        monkeypatch.setenv("SETTLEMENT_TRINO_CONFIRM_SECONDS", "5")
        trino_settings.cache_clear()
        yield server
    trino_settings.cache_clear()


def task_context(attempt: int = 1) -> dict[str, Any]:
    """A task's context that keeps what is pushed for links."""
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(dag_id="settlement_daily", run_id="manual__1", task_id="reconcile", map_index=-1, try_number=attempt)
    ti.pushed, ti.xcom_push = pushed, lambda key, value: pushed.update({key: value})
    dag_run = SimpleNamespace(
        dag_id="settlement_daily", run_id="manual__1", partition_key="2026-02-28", triggering_user_name=None
    )
    return {"ti": ti, "dag_run": dag_run, "params": {}}


def operator(work: Work, **others: Any) -> TrinoQueryOperator:
    return TrinoQueryOperator(task_id="reconcile", work=work, **others)


def test_the_whole_result_is_handed_over_with_what_was_asked(trino: PlayedTrino) -> None:
    work = Work()
    assert operator(work).execute(task_context()) == "3 rows"
    assert work.finished == [(Asked(SQL, {"build": "0a"}), Result("q1", ("x",), [(1,), (2,), (3,)]))]
    assert trino.queries[0].sql == SQL


def test_when_nothing_is_to_be_asked_it_says_why(trino: PlayedTrino) -> None:
    assert operator(Work("there is nothing to ask")).execute(task_context()) == "there is nothing to ask"
    assert trino.queries == []


def test_a_result_that_failed_is_handed_to_nobody_and_told_in_whole_lines(
    trino: PlayedTrino, capsys: pytest.CaptureFixture[str]
) -> None:
    trino.error = failed("TABLE_NOT_FOUND", "Table 'hive.a.b' does not exist", "USER_ERROR")
    work = Work()
    with pytest.raises(AirflowFailException, match="TABLE_NOT_FOUND"):
        operator(work).execute(task_context())
    assert work.finished == []
    assert "  → publish the stage, which makes its tables, or correct SETTLEMENT_DATABASE; then clear the task" in (
        capsys.readouterr().out
    )


def test_a_refusal_of_the_settlement_fails_for_good(trino: PlayedTrino) -> None:
    with pytest.raises(AirflowFailException, match=r"(?s)SettlementError: nothing is published.*→ publish it"):
        operator(Work(SettlementError("nothing is published", "publish it"))).execute(task_context())
    assert trino.queries == []


def test_the_task_s_own_bounds_go_before_the_settings(trino: PlayedTrino) -> None:
    operator(Work(), timeout=timedelta(minutes=2)).execute(task_context())
    assert "query_max_run_time=120s" in trino.queries[0].headers["X-Trino-Session"]
    with pytest.raises(AirflowFailException, match="more than 2 rows"):
        operator(Work(), max_rows=2).execute(task_context())


def test_the_link_is_there_while_the_query_runs_and_when_the_task_has_ended(trino: PlayedTrino) -> None:
    context, task = task_context(), operator(Work())
    page = f"{trino.address}/ui/query.html?q1"
    seen: list[Any] = []
    trino.heard = lambda _: seen.append(dict(context["ti"].pushed))
    assert TrinoQueryLink().get_link(task, ti_key=None) == ""
    task.execute(context)
    assert seen[0] == {"_link_TrinoQueryLink": page}
    assert TrinoQueryLink().get_link(task, ti_key=None) == page


def test_a_kill_ends_the_query_and_before_there_is_one_does_nothing(trino: PlayedTrino) -> None:
    work = Work()
    task = operator(work)
    task.on_kill()
    trino.heard = lambda query: query.page == 1 and task.on_kill()
    with pytest.raises(AirflowException, match="cleared, marked or stopped"):
        task.execute(task_context())
    assert [query.state for query in trino.queries] == ["FAILED"]
    assert work.finished == []


def test_a_dag_with_such_tasks_serialises_with_their_link() -> None:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("trino", schedule=None) as dag:
        operator(Work()) >> ReconcileOperator(task_id="reconcile_daily", stage="daily")
    document = DagSerialization.to_dict(dag)
    links = [task["__var"]["_operator_extra_links"] for task in document["dag"]["tasks"]]
    assert links == [{"Trino query": "_link_TrinoQueryLink"}] * 2


def test_loading_the_operators_loads_no_client_of_trino() -> None:
    import subprocess
    import sys

    from tests.dags.conftest import ROOT

    code = (
        "import sys, airflow.sdk; sys.path[:0] = ['plugins']; import settlement_airflow.operators.reconcile; "
        "print(sorted({'trino', 'pandas', 'duckdb', 'requests'} & set(sys.modules)))"
    )
    before = "import airflow.sdk, sys; print(sorted({'trino', 'pandas', 'duckdb', 'requests'} & set(sys.modules)))"
    found = [
        subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        for text in (code, before)
    ]
    assert found[0] == found[1]


# -- a stage, reconciled -------------------------------------------------------------------------------------------------


STEP = """
import pathlib
said = pathlib.Path(__file__).parent / "said"
with said.open("a") as file:
    file.write(json.dumps(sys.argv[3:]) + "\\n")
if sys.argv[3] == "reconcile-ask":
    answer({"outcome": "ask", "sentence": "asks", "build_id": "0a", "sql": "SELECT x FROM t"})
"""


def test_a_stage_is_asked_about_and_trino_s_answer_is_held_against_the_ledger(trino: PlayedTrino, fake: Fake) -> None:
    folder = fake(STEP + 'answer({"outcome": "same", "sentence": "daily 2026-02-28: the same"})')
    task = ReconcileOperator(task_id="reconcile", stage="daily")
    assert task.execute(task_context()) == "daily 2026-02-28: the same"
    run = ["--run", "settlement_daily/manual__1", "--partition", "2026-02-28", "--stage", "daily"]
    assert [json.loads(line) for line in (folder / "said").read_text().splitlines()] == [
        ["reconcile-ask", *run],
        ["reconcile", *run, "--build", "0a", "--rows", "[[1], [2], [3]]"],
    ]
    assert [query.sql for query in trino.queries] == ["SELECT x FROM t"]


@pytest.mark.parametrize("transient", [True, False])
def test_a_difference_fails_the_task(trino: PlayedTrino, fake: Fake, transient: bool) -> None:
    error = {"error": "AuditFailed", "message": "Trino finds something else", "hint": "see", "transient": transient}
    fake(STEP + f"answer(json.loads({json.dumps(json.dumps(error))}), 1)")
    with pytest.raises(AirflowException, match="AuditFailed: Trino finds something else") as raised:
        ReconcileOperator(task_id="reconcile", stage="daily").execute(task_context())
    assert isinstance(raised.value, AirflowFailException) != transient
    assert len(trino.queries) == 1


def test_where_nothing_is_to_be_reconciled_trino_isn_t_asked(trino: PlayedTrino, fake: Fake) -> None:
    fake('answer({"outcome": "nothing", "sentence": "DuckDB alone reads it", "build_id": "", "sql": ""})')
    assert ReconcileOperator(task_id="reconcile", stage="daily").execute(task_context()) == "DuckDB alone reads it"
    assert trino.queries == []
