"""What holds for every DAG: who answers for it, how it retries, what it says to ops, and what it never does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from settlement.pipeline import DAY_STAGES, MONTH_STAGES, RESTATED_STAGES, STAGES
from tests.dags.conftest import ROOT

SCHEDULED = ("landing_ingest", "settlement_daily", "settlement_monthly")
ON_REQUEST = ("month_preview", "partner_report", "restatement")
IDS = (*SCHEDULED, *ON_REQUEST)
FILES = sorted((ROOT / "dags").glob("*.py"))
DATES_OF_OTHERS = re.compile(r"\b(ds|ds_nodash|logical_date|execution_date|data_interval_start|data_interval_end|ts)\b")


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture(params=IDS)
def dag(request: pytest.FixtureRequest, dags: dict[str, Any]) -> Any:
    return dags[request.param]


def test_these_are_the_dags_one_a_file(dags: dict[str, Any]) -> None:
    assert sorted(dags) == sorted(IDS) == [path.stem for path in FILES]


def test_every_task_has_the_owner_and_retries_with_back_off(dag: Any) -> None:
    for task in dag.tasks:
        assert task.owner == "settlement", task.task_id
        assert task.retries == 3, task.task_id
        assert task.retry_exponential_backoff, task.task_id
        assert task.max_retry_delay == timedelta(minutes=30), task.task_id


def test_no_task_times_out_or_goes_on_after_a_failure(dag: Any) -> None:
    for task in dag.tasks:
        assert task.execution_timeout is None, task.task_id
        assert str(task.trigger_rule.value) == "all_success", task.task_id
        assert not task.depends_on_past, task.task_id


def test_every_dag_is_tagged_and_tells_ops_what_to_do(dag: Any) -> None:
    assert "settlement" in dag.tags
    assert dag.description
    for word in ("What it does.", "May be cleared.", "Never.", "Owner: settlement on-call"):
        assert word in dag.doc_md, word
    runbook = re.search(r"docs/runbooks/[a-z-]+\.md", dag.doc_md)
    assert runbook is not None
    assert (ROOT / runbook[0]).is_file()


def test_every_dag_serialises(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    document = DagSerialization.to_dict(dag)
    assert DagSerialization.from_dict(document).dag_id == dag.dag_id


def test_no_dag_catches_up_by_itself(dag: Any) -> None:
    assert dag.catchup is False
    assert dag.max_active_runs <= 16


def test_a_day_has_at_most_eight_tasks(dags: dict[str, Any]) -> None:
    assert len(dags["landing_ingest"].tasks) == 4
    assert len(dags["settlement_daily"].tasks) == 7
    assert len(dags["settlement_monthly"].tasks) == 15
    assert len(dags["restatement"].tasks) == 9
    assert len(dags["partner_report"].tasks) == len(dags["month_preview"].tasks) == 1


def test_the_stages_run_in_the_order_of_the_pipeline(dags: dict[str, Any]) -> None:
    found = {dag_id: _stages(dags[dag_id]) for dag_id in IDS}
    assert found["landing_ingest"] + found["settlement_daily"] == list(DAY_STAGES)
    assert found["settlement_monthly"] == list(MONTH_STAGES)
    assert found["restatement"] == list(RESTATED_STAGES)


def _stages(dag: Any) -> list[str]:
    order = [task.task_id for task in dag.topological_sort()]
    return [task.removesuffix(".build") for task in order if task.endswith(".build")]


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
def test_every_stage_is_built_audited_then_published(dags: dict[str, Any], stage: str) -> None:
    found = [dag for dag in dags.values() if f"{stage}.build" in dag.task_ids]
    assert len(found) == (2 if stage in RESTATED_STAGES else 1)
    for dag in found:
        build, audit, publish = (dag.get_task(f"{stage}.{step}") for step in ("build", "audit", "publish"))
        assert build.downstream_task_ids == {audit.task_id}
        assert audit.downstream_task_ids == {publish.task_id}
        assert (build.pool, audit.pool, publish.pool) == ("engine", "engine", "default_pool")


def test_the_first_task_of_every_dag_is_its_gate_or_takes_the_request(dag: Any) -> None:
    first = {
        "landing_ingest": "LandingSensor",
        "settlement_daily": "RawGate",
        "settlement_monthly": "MonthGate",
        "restatement": "RequestRestatementOperator",
        "partner_report": "PartnerReportOperator",
        "month_preview": "MonthPreviewOperator",
    }
    assert [task.task_type for task in dag.roots] == [first[dag.dag_id]]


def test_only_the_last_publication_of_a_day_wakes_the_month(dags: dict[str, Any]) -> None:
    emitting = {(dag_id, task.task_id) for dag_id, dag in dags.items() for task in dag.tasks if task.outlets}
    assert emitting == {("settlement_daily", "daily.publish")}


def test_days_are_partitions_of_landing_days_in_seoul(dags: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag_id in SCHEDULED[:2]:
        timetable = DagSerialization.from_dict(DagSerialization.to_dict(dags[dag_id])).timetable
        assert (timetable._expression, str(timetable._timezone)) == ("30 2 * * *", "Asia/Seoul")
        assert timetable.partitioned


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "plugins").rglob("*.py"))], ids=lambda path: path.stem)
def test_nothing_but_the_partition_key_says_which_day_it_is(path: Path) -> None:
    code = re.sub(r'"""[\s\S]*?"""', "", path.read_text("utf-8"))
    assert not DATES_OF_OTHERS.search(code)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_dag_file_imports_names_only_and_holds_no_sql(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert imported <= {"__future__", "airflow", "settlement_airflow"}
    assert not any(isinstance(node, ast.Import | ast.FunctionDef | ast.For | ast.While | ast.If) for node in ast.walk(tree))
    assert not re.search(r"\b(SELECT|INSERT|FROM)\b", re.sub(r'"""[\s\S]*?"""', "", path.read_text("utf-8")))
    assert len(path.read_text("utf-8").splitlines()) <= 70


_PARSE = """
import sys, builtins, os, socket, sqlite3
import airflow.sdk, airflow.providers.standard.operators.hitl, croniter  # what Airflow itself brings
sys.path[:0] = ["plugins", "dags"]
opened = []
real = builtins.open
sys.addaudithook(lambda event, args: opened.append((event, str(args[0]))) if event in ("open", "socket.connect", "sqlite3.connect", "subprocess.Popen") else None)
import landing_ingest, month_preview, partner_report, restatement, settlement_daily, settlement_monthly
bad = [entry for entry in opened if entry[0] != "open" or not entry[1].endswith((".py", ".pyc", ".so", ".pth")) and "__pycache__" not in entry[1]]
heavy = sorted({"duckdb", "pyarrow", "pandas", "sqlglot", "boto3", "numpy", "xlsxwriter"} & set(sys.modules))
print(bad, heavy)
"""


def test_parsing_the_dags_opens_nothing_and_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", _PARSE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] []"


def _modules() -> Iterator[str]:
    for path in (ROOT / "plugins" / "settlement_airflow").rglob("*.py"):
        yield path.stem


def test_the_plugins_modules_replace_no_library() -> None:
    from airflow import plugins_manager

    names = {name.split(".")[0] for name in _modules()} | {"operators", "hooks", "triggers"}
    before = {name: sys.modules.get(name) for name in names}
    plugins, errors = plugins_manager._get_plugins()
    assert not errors
    assert [plugin.name for plugin in plugins if plugin.name == "settlement"] == ["settlement"]
    assert {name: sys.modules.get(name) for name in names} == before
    import trino

    import settlement.reports

    assert "site-packages" in str(trino.__file__)
    assert str(ROOT / "include") in str(settlement.reports.__file__)
