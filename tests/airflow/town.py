"""A running Airflow over a house that tests may replace between them."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from local.airflow import Airflow
from local.api import DONE, Api, wait_for
from tests.airflow.holding import START, Hold, hold
from tests.airflow.sink import Sink
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf

INGEST, DAILY, MONTHLY = "landing_ingest", "settlement_daily", "settlement_monthly"
RESTATEMENT, REPORT, PREVIEW = "restatement", "partner_report", "month_preview"
DAGS = (INGEST, DAILY, MONTHLY, RESTATEMENT, REPORT, PREVIEW)
CANARY = "canary-of-a-secret-7f3a"


@dataclass(frozen=True)
class Town:
    """An Airflow, the house it works in, and a Sentry."""

    airflow: Airflow
    house: House
    shelf: Shelf
    sink: Sink
    holds: Path

    @property
    def api(self) -> Api:
        return self.airflow.api()

    def move_in(self, state: str) -> House:
        """Put a house of the shelf where Airflow works; nothing may be at work. What waits for another house is ended."""
        return self.furnish(self.shelf.house(state))

    def furnish(self, house: House) -> House:
        """The same for a house that isn't of the shelf."""
        self.end_runs()
        copy_folder(house.root, self.house.root)
        return self.house

    def end_runs(self) -> None:
        """Mark every run that has not ended as failed; one that the scheduler takes up meanwhile once more."""

        def left() -> list[str]:
            found = [(dag, run["dag_run_id"]) for dag in DAGS for run in self.api.runs(dag) if run["state"] not in DONE]
            for dag, run in found:
                self.api.mark_run(dag, run, "failed")
            return [run for _, run in found]

        wait_for(left, lambda runs: not runs, "the end of every run", 60)

    def hold(self, step: str, stage: str, partition: str, point: str = START) -> Hold:
        return hold(self.holds, step, stage, partition, point)

    def run(self, dag: str, partition: str, state: str = "success") -> str:
        """Trigger a run, wait for its end; returns its id."""
        run = self.api.trigger(dag, partition)
        ended = self.api.wait_run(dag, run)
        assert ended == state, self.story(dag, run)
        return run

    def approve(self, dag: str, run: str, seconds: float = 300) -> None:
        """Wait until a run asks, answer yes as the approver, and see it end well."""
        self.api.wait_task(dag, run, "approve", ["awaiting_input"], seconds)
        self.airflow.api("approver").answer(dag, run, "approve", "Approve")
        assert self.api.wait_run(dag, run) == "success", self.story(dag, run)

    def backfill(self, dag: str, first: str, last: str, *options: str, seconds: float = 900) -> None:
        """Backfill from the CLI and wait until every run of it has ended well."""
        api = self.api
        before = {run["dag_run_id"] for run in api.runs(dag)}
        self.airflow.cli("backfill", "create", "--dag-id", dag, "--from-date", first, "--to-date", f"{last}T23:59:59", *options)
        wait_for(
            lambda: [run for run in api.runs(dag) if run["dag_run_id"] not in before and run["run_type"] == "backfill"],
            lambda runs: bool(runs) and all(run["state"] in DONE for run in runs),
            f"backfill of {dag} {first}..{last}",
            seconds,
        )
        for run in api.runs(dag):
            if run["dag_run_id"] not in before and run["run_type"] == "backfill":
                assert run["state"] == "success", self.story(dag, run["dag_run_id"])
        # Airflow counts a backfill as at work for half a minute after its last run, and allows one at a time.
        for backfill in api.get("backfills", dag_id=dag)["backfills"]:
            if backfill["completed_at"] is None:
                api.put(f"backfills/{backfill['id']}/cancel")

    def runs_of(self, dag: str, partitions: Collection[str]) -> list[str]:
        """Ids of the runs of partitions, oldest first."""
        return [run["dag_run_id"] for run in self.api.runs(dag) if run["partition_key"] in partitions]

    def kill_worker(self, step_pid: int) -> None:
        """Kill the process that runs the task, as the kernel does when memory runs out; its step dies with it."""
        status = Path(f"/proc/{step_pid}/stat").read_text().rpartition(")")[2].split()
        os.kill(int(status[1]), signal.SIGKILL)
        wait_for(lambda: Path(f"/proc/{step_pid}").exists(), lambda lives: not lives, f"step {step_pid} ends", 20)

    def said(self, dag: str, run: str, task: str) -> str:
        """The log of a task's last attempt."""
        attempt = self.api.tasks(dag, run)[task]["try_number"]
        return self.api.log(dag, run, task, attempt)

    def story(self, dag: str, run: str) -> str:
        """What happened in a run, for a failing test."""
        tasks = self.api.tasks(dag, run).values()
        lines = [f"{task['task_id']}: {task['state']} (try {task['try_number']})" for task in tasks]
        failed = [task["task_id"] for task in tasks if task["state"] == "failed"]
        return "\n".join([*lines, *(self.said(dag, run, task)[-3000:] for task in failed[:1])])
