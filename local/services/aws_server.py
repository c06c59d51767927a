"""The AWS endpoint as a process: moto behind a door that can be made to throttle, lose answers or be slow, and the step runner.

python -m local.services.aws_server --port 15055 --work DIR --hive '["beeline", "-u", "jdbc:hive2://…"]'
"""

from __future__ import annotations

import argparse
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.emr.models import emr_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from local.services.emr_runner import StepRunner
from local.services.moto_mended import mend

CONTROL = "/settlement"  # POST …/faults: what to do with the next requests; GET …/requests: how many there were, by action
_KINDS = ("throttle", "lose", "refuse", "slow")


class Door:
    """What every request passes.

    A fault is `{"action": "AddJobFlowSteps", "how": …, "times": 1, "seconds": 0}`; how: `throttle` (refused, not done),
    `lose` (done, and answered 500), `refuse` (not done, and answered 500), `slow` (done after some seconds).
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self._faults: list[dict[str, Any]] = []
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(f"{CONTROL}/"):
            return self._control(environ, start)
        action = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
        with self._lock:
            self._asked[action] += 1
            fault = self._fault(action)
        if fault is None:
            return self._app(environ, start)
        if fault["how"] == "throttle":
            return _answer(start, "400 Bad Request", {"__type": "ThrottlingException", "message": "Rate exceeded"})
        if fault["how"] == "slow":
            time.sleep(fault.get("seconds", 1))
            return self._app(environ, start)
        if fault["how"] == "lose":
            list(self._app(environ, lambda *_: None))
        return _answer(start, "500 Internal Server Error", {"__type": "InternalServerError", "message": "An internal error"})

    def _fault(self, action: str) -> dict[str, Any] | None:
        for fault in self._faults:
            if fault["action"] == action and fault["times"] > 0:
                fault["times"] -= 1
                return fault
        return None

    def _control(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            if environ["REQUEST_METHOD"] == "POST":
                said = json.loads(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
                faults = [{"times": 1, **fault} for fault in said]
                if any(fault["how"] not in _KINDS for fault in faults):
                    return _answer(start, "400 Bad Request", {"message": f"how is one of {', '.join(_KINDS)}"})
                self._faults = faults
                self._asked.clear()
            return _answer(start, "200 OK", dict(self._asked))


class _Quiet(MotoRequestHandler):
    """No line in the log for each request."""

    def log_request(self, *_: Any) -> None: ...


def _answer(start: Callable[..., Any], status: str, body: dict[str, Any]) -> list[bytes]:
    start(status, [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(body).encode()]


def _clusters() -> list[Any]:
    regions = [backend for account in list(emr_backends.values()) for backend in list(account.values())]
    return [cluster for backend in regions for cluster in list(backend.clusters.values())]


def _s3() -> Any:
    """Address and keys come from the environment."""
    config = Config(s3={"addressing_style": "path"}, connect_timeout=3, read_timeout=20)
    return boto3.client("s3", config=config)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--hive", type=json.loads, required=True, help="the command that runs HiveQL, as a JSON list")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    mend()
    door = Door(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", given.port, door, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # In the first thread: what it starts ends with it.
    StepRunner(_clusters, given.hive, _s3, given.work).run(threading.Event())


if __name__ == "__main__":
    main()
