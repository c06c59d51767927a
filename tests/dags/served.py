"""As much of Airflow's REST API as the hooks need, played."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PASSWORD = "canary-of-a-password"
SHOWN = "/api/v2/dags/settlement_monthly/dagRuns/manual__1%2B09%3A00/taskInstances/approve/-1/hitlDetails"


class Served(ThreadingHTTPServer):
    """Answers the hooks, and keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.broken: dict[str, tuple[int, str]] = {}  # by path: status and body instead of the answer
        self.asked: list[dict[str, list[str]]] = []  # the query of each look-up
        self.shown: dict[str, Any] | None = None  # the question of `approve` and its answer

    def happened(self, event: str, owner: str, run_id: str | None = "manual__1", dag_id: str = "settlement_monthly") -> None:
        found = self.events.setdefault(dag_id, [])
        found.append({"event": event, "owner": owner, "run_id": run_id, "dag_id": dag_id, "event_log_id": len(found)})


class _Answering(BaseHTTPRequestHandler):
    server: Served

    def do_POST(self) -> None:
        credentials = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = credentials == {"username": "service", "password": PASSWORD}
        self._answer(
            urlsplit(self.path).path, 201 if known else 401, {"access_token": "a-token"} if known else {"detail": PASSWORD}
        )

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        self.server.asked.append(query)
        if self.headers["Authorization"] != "Bearer a-token":
            self._answer(url.path, 401, {})
            return
        if url.path.startswith("/api/v2/dags/"):
            known = url.path == SHOWN and self.server.shown is not None
            self._answer(url.path, 200 if known else 404, self.server.shown if known else {})
            return
        events = self.server.events.get(query["dag_id"][0], [])
        offset, limit = int(query["offset"][0]), min(int(query["limit"][0]), 100)
        self._answer(url.path, 200, {"event_logs": events[offset : offset + limit], "total_entries": len(events)})

    def _answer(self, path: str, status: int, body: Any) -> None:
        status, text = self.server.broken.get(path, (status, json.dumps(body)))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Quiet."""
