"""A small client of Airflow's REST API: sign in, call, wait for states."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

_TIMEOUT = 60
_LOCKED_TRIES = 5
DONE = ("success", "failed")
T = TypeVar("T")


class Unreachable(Exception):
    """The API doesn't answer."""


class Refused(Exception):
    """The API answered with an error: `status` and what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"HTTP {status}: {text[:500]}")
        self.status = status
        # Airflow's SQLite was locked for longer than it waits: nothing was done.
        self.is_locked = status == 500 and "Database error" in text


@dataclass
class Api:
    """The API of one Airflow as one user."""

    url: str
    user: str
    password: str = field(repr=False)
    _token: str | None = field(default=None, repr=False)

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", f"{path}?{urllib.parse.urlencode(query, doseq=True)}" if query else path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._call("PATCH", path, body)

    def put(self, path: str) -> Any:
        return self._call("PUT", path)

    # -- runs and tasks ----------------------------------------------------------------------------------------------

    def pause(self, dag: str, paused: bool) -> None:
        self.patch(f"dags/{dag}", {"is_paused": paused})

    def trigger(self, dag: str, partition: str, **conf: Any) -> str:
        """Start a run for a partition; returns its id."""
        body = {"logical_date": None, "partition_key": partition, "conf": conf}
        return str(self.post(f"dags/{dag}/dagRuns", body)["dag_run_id"])

    def start(self, dag: str, **form: Any) -> str:
        """Start a run of a DAG that asks for its parameters; returns its id."""
        return str(self.post(f"dags/{dag}/dagRuns", {"logical_date": None, "conf": form})["dag_run_id"])

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """Every run of a DAG, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(f"dags/{dag}/dagRuns", limit=100, offset=len(found), order_by="id")
            found += page["dag_runs"]
            if len(found) >= page["total_entries"] or not page["dag_runs"]:
                return found

    def run(self, dag: str, run: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"dags/{dag}/dagRuns/{_quoted(run)}")
        return found

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """A run's task instances by task id."""
        found = self.get(f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances", limit=100)
        return {task["task_id"]: task for task in found["task_instances"]}

    def log(self, dag: str, run: str, task: str, attempt: int) -> str:
        """The whole log of an attempt as text."""
        answer = self.get(f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}/logs/{attempt}", full_content="true")
        return "\n".join(json.dumps(line, ensure_ascii=False) for line in answer["content"])

    def clear(self, dag: str, **body: Any) -> list[str]:
        """Clear tasks; returns the ids of those that were."""
        body = {"dry_run": False, "only_failed": False, "reset_dag_runs": True, **body}
        return [task["task_id"] for task in self.post(f"dags/{dag}/clearTaskInstances", body)["task_instances"]]

    def mark_run(self, dag: str, run: str, state: str) -> None:
        """Say that a run has ended."""
        self.patch(f"dags/{dag}/dagRuns/{_quoted(run)}", {"state": state})

    def mark_task(self, dag: str, run: str, task: str, state: str) -> None:
        """Say that a task has ended."""
        self.patch(f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}", {"new_state": state})

    def answer(self, dag: str, run: str, task: str, option: str) -> None:
        """Answer a task that awaits input."""
        path = f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}/-1/hitlDetails"
        self.patch(path, {"chosen_options": [option], "params_input": {}})

    def question(self, dag: str, run: str, task: str) -> dict[str, Any]:
        """What a task asks people."""
        found: dict[str, Any] = self.get(f"dags/{dag}/dagRuns/{_quoted(run)}/taskInstances/{task}/-1/hitlDetails")
        return found

    def wait_task(self, dag: str, run: str, task: str, states: Collection[str], seconds: float = 300) -> dict[str, Any]:
        """Wait until a task is in one of the states; returns it."""
        return wait_for(
            lambda: self.tasks(dag, run)[task], lambda found: found["state"] in states, f"{dag} {run} {task} → {states}", seconds
        )

    def wait_run(self, dag: str, run: str, states: Collection[str] = DONE, seconds: float = 600) -> str:
        """Wait until a run has ended; returns its state."""
        found = wait_for(lambda: self.run(dag, run), lambda r: r["state"] in states, f"{dag} {run} → {states}", seconds)
        return str(found["state"])

    # -- inside ------------------------------------------------------------------------------------------------------

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if self._token is None:
            credentials = {"username": self.user, "password": self.password}
            self._token = _request("POST", f"{self.url}/auth/token", credentials)["access_token"]
        for _ in range(_LOCKED_TRIES):
            try:
                return _request(method, f"{self.url}/api/v2/{path}", body, self._token)
            except Refused as error:
                if not error.is_locked:
                    raise
                time.sleep(1)
        return _request(method, f"{self.url}/api/v2/{path}", body, self._token)


def wait_for(look: Callable[[], T], is_it: Callable[[T], bool], what: str, seconds: float) -> T:
    """Look until it is; raises TimeoutError that says what was seen last."""
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if is_it(seen):
            return seen
        if time.monotonic() > until:
            raise TimeoutError(f"{what}: not within {seconds} s; last seen: {seen}")
        time.sleep(0.5)


def _quoted(run: str) -> str:
    return urllib.parse.quote(run, safe="")


def _request(method: str, url: str, body: dict[str, Any] | None = None, token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        # Nothing here is TLS: without this each request loads all of the world's certificates, 50 ms of a core.
        answer = httpx.request(method, url, json=body, headers=headers, timeout=_TIMEOUT, verify=False)
    except httpx.TransportError as error:
        raise Unreachable(str(error)) from None
    if answer.is_error:
        raise Refused(answer.status_code, answer.text)
    return answer.json() if answer.content else None
