"""A home of its own for Airflow, set before anything imports it; steps and an API that are played."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from tests.dags.served import PASSWORD, Served

ROOT = Path(__file__).resolve().parents[2]
_HOME = tempfile.mkdtemp(prefix="settlement-airflow-")
_SETTINGS = {
    "AIRFLOW_HOME": _HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
    "AIRFLOW__OPENLINEAGE__DISABLED": "True",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}
os.environ.update(_SETTINGS)

Fake = Callable[[str], Path]
PATIENCE_SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow and its providers warn of their own future; ours is what must be free of warnings."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """`fake(code)`: what the hook starts is this Python code; `answer(...)` in it answers and ends."""

    def put(code: str) -> Path:
        script = tmp_path / "python"
        lines = [
            f"#!{real}",
            "import json, os, signal, subprocess, sys, time",
            "def answer(what, code=0):",
            "    print(json.dumps(what))",
            "    sys.exit(code)",
        ]
        script.write_text("\n".join([*lines, code]))
        script.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(script))
        return tmp_path

    real = sys.executable
    return put


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Served() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def connect(monkeypatch: pytest.MonkeyPatch, port: int, password: str = PASSWORD) -> None:
    connection = {"conn_type": "http", "host": "127.0.0.1", "port": port, "login": "service", "password": password}
    monkeypatch.setenv("AIRFLOW_CONN_SETTLEMENT_AIRFLOW_API", json.dumps(connection))


@pytest.fixture
def audit_log(served: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    """An audit log in which nothing has happened yet."""
    served.events, served.broken, served.asked, served.shown = {}, {}, [], None
    connect(monkeypatch, served.server_address[1])
    return served


def until(found: Callable[[], bool]) -> None:
    """Wait for something that comes at once, or not at all."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not found():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


def lives(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def context(key: str | None = "2026-02-28", by: str | None = None, **params: Any) -> dict[str, Any]:
    dag_run = SimpleNamespace(dag_id="settlement_daily", run_id="manual__1", partition_key=key, triggering_user_name=by)
    return {"dag_run": dag_run, "params": params, "ti": SimpleNamespace(max_tries=3)}
