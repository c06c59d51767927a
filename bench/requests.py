"""What a day asks of S3, stage by stage: `python -m bench requests`.

A day of the tests' example on the services of this machine: its files in the bucket, its tables computed by Hive as a step of
EMR computes them, audited and published by the tasks' own code. Requests are read from the access log of the S3 server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from local.services.__main__ import default_state
from local.services.s3 import S3
from local.services.stack import Stack
from settlement.steps import tasks
from settlement.steps.place import Place
from tests.integration.shelf import Shelf
from tests.services.fixtures import shared
from tests.services.served import served

STAGES = ("ods", "daily")
# AWS prices requests in two classes; deletions are free.
_DEAR = ("Put", "Copy", "List", "Create", "Upload", "Complete")
_FREE = ("Delete", "Abort")


@dataclass(frozen=True)
class Asked:
    """Requests of one task of a stage, by who asked and by class: `put` (PUT, COPY, POST, LIST), `get` (GET, HEAD), `free`."""

    stage: str
    task: str
    by: Counter[tuple[str, str]]

    def __str__(self) -> str:
        told = ", ".join(f"{who} {number} {kind}" for (who, kind), number in sorted(self.by.items()))
        return f"{self.stage:6} {self.task:8} {told or 'nothing'}"


def measure(scratch: Path) -> Iterator[Asked]:
    """Requests of every task of a day, in the order in which they run."""
    with shared(Stack(default_state())) as stack:
        log = stack.of(S3).access_log
        house = Shelf(scratch, scratch / "states").house("new")
        with served(stack, house, ("raw",)) as day:
            run = day.begin("bench")
            for stage in STAGES:
                works: dict[str, Callable[..., object]] = {"build": tasks.build, "audit": tasks.audit, "publish": tasks.publish}
                for name, work in works.items():
                    before = log.stat().st_size
                    work(Place.open(), run, stage)
                    yield Asked(stage, name, _requests(log, before))


def _requests(log: Path, start: int) -> Counter[tuple[str, str]]:
    with log.open() as lines:
        lines.seek(start)
        return Counter(_request(line) for line in lines if " s3_" in line)


def _request(line: str) -> tuple[str, str]:
    """Who asked, and the class of the request."""
    operation = line.split(" s3_", 1)[1].split(" ", 1)[0]
    kind = "free" if operation.startswith(_FREE) else "put" if operation.startswith(_DEAR) else "get"
    who = "Hive" if "Hadoop" in line else "Trino" if "trino" in line.lower() else "tasks"
    return who, kind
