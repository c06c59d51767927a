"""As much of Airflow's REST API as the query API asks for, played."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

PASSWORD = "canary-of-a-password"
_PEOPLE = {"Bearer token-of-lee": "lee", "Bearer token-of-viewer": None}  # by their token; None: may not answer


class PlayedAirflow(ThreadingHTTPServer):
    """Keeps what it is asked; `broken` answers everything with that status."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.runs: list[dict[str, Any]] = []
        self.questions: list[dict[str, Any]] = []
        self.sign_ins = 0
        self.broken: int | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def ask(self, partition: str, run: str) -> dict[str, Any]:
        """A month's question on show, the newest."""
        question = {
            "task_instance": {"task_id": "approve", "dag_run_id": run, "state": "awaiting_input"},
            "subject": f"Settlement {partition}: publish 10 won to 2 partners?",
            "body": "- total: 10 won",
            "created_at": "2026-03-02T00:00:00Z",
            "responded_by_user": None,
            "responded_at": None,
            "chosen_options": None,
        }
        self.questions.insert(0, question)
        return question


class _Answering(BaseHTTPRequestHandler):
    server: PlayedAirflow

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if self.headers["Authorization"] != "Bearer a-token":
            self._answer(401, {})
        elif path == "/api/v2/dags/partner_report/dagRuns":
            self._answer(200, {"dag_runs": self.server.runs})
        elif path == "/api/v2/dags/settlement_monthly/dagRuns/~/hitlDetails":
            self._answer(200, {"hitl_details": self.server.questions})
        else:
            found = [run for run in self.server.runs if path.endswith(f"/{run['dag_run_id']}")]
            self._answer(200 if found else 404, found[0] if found else {})

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/auth/token":
            self.server.sign_ins += 1
            known = body == {"username": "settlement-service", "password": PASSWORD}
            self._answer(201 if known else 401, {"access_token": "a-token"} if known else {"detail": PASSWORD})
            return
        assert self.headers["Authorization"] == "Bearer a-token"
        self.server.runs.insert(0, {**body, "state": "queued", "queued_at": "2026-03-02T00:00:00Z", "end_date": None})
        self._answer(200, self.server.runs[0])

    def do_PATCH(self) -> None:
        name = _PEOPLE.get(self.headers["Authorization"], "")
        run = unquote(self.path).split("/dagRuns/")[1].split("/taskInstances/")[0]
        question = next(q for q in self.server.questions if q["task_instance"]["dag_run_id"] == run)
        body = self._body()
        if not name:
            self._answer(403 if name is None else 401, {})
        elif question["responded_by_user"]:
            self._answer(409, {})
        else:
            question |= {"responded_by_user": {"id": name, "name": name}, "chosen_options": body["chosen_options"]}
            self._answer(200, {"responded_by": question["responded_by_user"], "responded_at": "", **body})

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(self.server.broken or status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def played() -> Iterator[PlayedAirflow]:
    with PlayedAirflow() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
