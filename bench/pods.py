"""An audit in a pod against the same audit in a process of the worker, in turns: `make bench-pods`.

Both are the tasks that Airflow runs, on one candidate in a bucket. A pod's way is measured where the worker waits for it.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import tests.dags.conftest  # noqa: F401  # a home of its own for Airflow, before anything imports it
from bench.measure import timed
from local.images.build import TARGETS, build
from settlement.settings import reference_dir
from settlement_airflow.hooks.step_pods import StepPodsHook
from settlement_airflow.operators.stage import AuditOperator
from tests.integration.house import House
from tests.kubernetes.images import audit_image
from tests.kubernetes.town import DAY, STAGE, Town, built_town, context, running_cluster, with_rights
from tests.services.fixtures import own_ports

_TIMES = 7
_STARTS, _RUNS, _GOES, _AROUND = (
    "made until it runs",
    "runs until its end is seen",
    "removed",
    "steps of the worker around it, rest of the log",
)


def measure(scratch: Path, plays: int, say: Callable[[str], None]) -> None:
    """Print medians and spread of both."""
    in_process: list[float] = []
    in_pod: list[dict[str, float]] = []
    with _town(scratch, plays) as town:
        for turn in range(_TIMES + 1):
            process = AuditOperator(task_id="audit", stage=STAGE)
            seconds, phases = timed(partial(process.execute, context())), _phases(town, turn)
            if turn:  # the first one of each fills caches
                in_process.append(seconds)
                in_pod.append(phases)
    whole = [sum(phases.values()) for phases in in_pod]
    say(f"audit of a day of {plays:,} plays, {_TIMES} times each in turns, median (fastest to slowest):")
    say(f"  in a process of the worker: {_spread(in_process)}")
    say(f"  in a pod: {_spread(whole)}, {statistics.median(whole) - statistics.median(in_process):+.1f} s")
    for name in (_STARTS, _RUNS, _GOES, _AROUND):
        say(f"    {name}: {_spread([phases[name] for phases in in_pod])}")


def sizes(say: Callable[[str], None]) -> None:
    """Print what the layers of each image come to, and what they are packed, as a registry keeps them."""
    for target in TARGETS:
        archive = build(target).archive
        with tarfile.open(archive) as image:
            layers = sum(entry.size for entry in image if entry.name.endswith(".tar"))
        with subprocess.Popen(["gzip", "--fast", "--stdout", archive], stdout=subprocess.PIPE) as gzip:
            assert gzip.stdout is not None
            packed = sum(len(chunk) for chunk in iter(lambda: gzip.stdout.read(2**20), b""))
        say(f"image {target}: {layers / 1e6:,.0f} MB, packed {packed / 1e6:,.0f} MB")


@contextmanager
def _town(scratch: Path, plays: int) -> Iterator[Town]:
    """Servers, cluster and a sealed candidate of one generated day."""
    house = House.at(scratch / "house")
    subprocess.run([sys.executable, "-m", "bench.day", house.landing, DAY, str(plays)], check=True)
    shutil.copytree(reference_dir(), house.reference)
    with running_cluster() as cluster:
        with_rights(cluster)
        with built_town(cluster, audit_image(cluster), house, scratch, own_ports()) as town:
            yield town


def _phases(town: Town, turn: int) -> dict[str, float]:
    """Seconds of a task with a pod, by what it waits for."""
    took = dict.fromkeys((_STARTS, _RUNS, _GOES, _AROUND), 0.0)
    task = town.operator(poll_seconds="1")  # as it is by default
    del task.step  # its steps are processes, as in a worker
    with patch("settlement_airflow.operators.step_pod.StepPodsHook", partial(_TimedPods, took)):
        whole = timed(lambda: task.execute(context(number=1 + turn * 4, tries=3 + turn * 4)))
    took[_AROUND] = whole - sum(took.values())
    return took


class _TimedPods(StepPodsHook):
    """Notes down how long each of its waits takes."""

    def __init__(self, took: dict[str, float], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._took = took

    def ensure(self, *arguments: Any) -> Any:
        return self._timed(_STARTS, super().ensure, *arguments)

    def started(self, pod: Any) -> Any:
        return self._timed(_STARTS, super().started, pod)

    def ended(self, pod: Any) -> Any:
        return self._timed(_RUNS, super().ended, pod)

    def remove(self, pods: Any) -> None:
        self._timed(_GOES, super().remove, pods)

    def _timed(self, phase: str, wait: Callable[..., Any], *arguments: Any) -> Any:
        begun = time.perf_counter()
        answer = wait(*arguments)
        self._took[phase] += time.perf_counter() - begun
        return answer


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"
