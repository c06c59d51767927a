"""A worker at one try of an audit's task: `python -m tests.kubernetes.worker <order>`; the order is JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import tests.dags.conftest  # noqa: F401  # a home of its own for Airflow, before anything imports it
from tests.kubernetes.town import audit_task, context


def main() -> None:
    order = json.loads(sys.argv[1])
    task = audit_task(order["for_pods"])
    signal.signal(signal.SIGTERM, lambda *_: _killed(task))
    print(task.execute(context(order["number"], order["tries"])))


def _killed(task: Any) -> None:
    """What Airflow's task runner does when a task is cleared, marked or stopped."""
    task.on_kill()
    os._exit(3)


if __name__ == "__main__":
    main()
