"""The main job as its users meet it: days backfilled from the CLI, the month woken by its last day, a person's approval."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local.airflow import Airflow
from local.api import DONE, Api, wait_for
from settlement.landing.contract import KINDS
from settlement.landing.folders import Landing
from settlement.pipeline import days_of

DAGS = ("landing_ingest", "settlement_daily", "settlement_monthly", "restatement", "partner_report", "month_preview")
MONTHLY = "settlement_monthly"
_MAX_ACTIVE_RUNS = 8
_APPROVAL_SECONDS = 1800  # on EMR three stages come before the question


class RunFailed(Exception):
    """A run didn't end as it should; says which, and where to look."""


def settle(airflow: Airflow, landing: Path, month: str, approver: str, out: Console) -> str:
    """Settle a landed month through a running Airflow; returns the monthly run's id.

    Args:
        airflow: runs.
        landing: the landing root that its settings name.
        month: `YYYY-MM`; everything it reads must have landed.
        approver: the user who answers the approval.
        out: where people read what happens.

    Raises:
        RunFailed: a run failed; names its failed tasks.
    """
    api = airflow.api()
    for dag in DAGS:
        api.pause(dag, paused=False)
    landed = [day for day in _landed(Landing(landing)) if day <= days_of(month)[-1]]
    for dag, days in ((DAGS[0], landed), (DAGS[1], days_of(month))):
        command = backfill(airflow, dag, days[0], days[-1])
        out.print(f"$ {command}", highlight=False, soft_wrap=True)
        _watch(api, dag, set(days), out)
    out.print(f"{month} is woken by its last day …", highlight=False)
    run = wait_for(lambda: monthly_run(api, month), bool, f"a run of {month}", 180)
    assert run is not None
    approve(api, airflow.api(approver), run, out)
    state = api.wait_run(MONTHLY, run, seconds=_APPROVAL_SECONDS)
    if state != "success":
        raise RunFailed(_failure(api, MONTHLY, run))
    return run


def backfill(airflow: Airflow, dag: str, first: str, last: str, *options: str, active_runs: int = _MAX_ACTIVE_RUNS) -> str:
    """Backfill days from the CLI; returns the command as typed."""
    arguments = [
        "backfill", "create", "--dag-id", dag, "--from-date", first, "--to-date", f"{last}T23:59:59",
        "--max-active-runs", str(active_runs), *options,
    ]  # fmt: skip
    airflow.cli(*arguments)
    return f"airflow {' '.join(arguments)}"


def _landed(landing: Landing) -> list[str]:
    return sorted({day for kind in KINDS for day in landing.days(kind)})


def _watch(api: Api, dag: str, days: set[str], out: Console) -> None:
    columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out) as bar:
        task = bar.add_task(f"{dag}", total=len(days))
        while True:
            runs = [run for run in api.runs(dag) if run["partition_key"] in days]
            states = Counter(run["state"] for run in runs)
            bar.update(task, completed=states["success"])
            failed = next((run for run in runs if run["state"] == "failed"), None)
            if failed is not None:
                raise RunFailed(_failure(api, dag, failed["dag_run_id"]))
            if {run["partition_key"] for run in runs if run["state"] == "success"} == days:
                return
            time.sleep(1)


def monthly_run(api: Api, month: str) -> str | None:
    """The newest run of a month, if there is one."""
    runs = [run for run in api.runs(MONTHLY) if run["partition_key"] == month]
    return str(runs[-1]["dag_run_id"]) if runs else None


def approve(api: Api, approver: Api, run: str, out: Console) -> None:
    """Wait until the run asks, say what it asks, and answer yes as the second user; never before it asks."""
    states = (*DONE, "awaiting_input", "upstream_failed", "skipped")
    approval = wait_for(
        lambda: api.tasks(MONTHLY, run)["approve"], lambda task: task["state"] in states, f"approval of {run}", _APPROVAL_SECONDS
    )
    if approval["state"] != "awaiting_input":
        raise RunFailed(_failure(api, MONTHLY, run))
    question = api.question(MONTHLY, run, "approve")
    out.print(f"approve is awaiting_input: {question['subject']}", highlight=False, soft_wrap=True)
    out.print(f"Answering as the second user, {approver.user}, through the REST API: Approve", highlight=False, soft_wrap=True)
    approver.answer(MONTHLY, run, "approve", "Approve")


def _failure(api: Api, dag: str, run: str) -> str:
    tasks = api.tasks(dag, run).values()
    failed = [f"{task['task_id']} (try {task['try_number']})" for task in tasks if task["state"] == "failed"]
    skipped = [task["task_id"] for task in tasks if task["state"] == "skipped"]
    what = f"failed: {', '.join(failed)}" if failed else f"skipped: {', '.join(skipped)}"
    return f"run {run} of {dag} did not succeed: {what}; read the tasks' logs with `make up`"
