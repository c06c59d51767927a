"""Names of Trino queries: what an attempt's query is found by, whatever became of the worker that asked it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from settlement.settings import settings

_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.:+@/=-]")  # tags travel in one header, parted by commas


@dataclass(frozen=True)
class QueryName:
    """The attempt of a task that asks.

    Trino's list of queries (`system.runtime.queries`) shows a query's source and not its client tags, so the source is what
    a query is found by: `<source>/<env>/<task>/<attempt>`. The tags say the same to people, and to resource groups.

    Args:
        env: environment.
        dag, run, task: of the task instance.
        mapped: index of a mapped task, else -1.
        attempt: number of the try: of two attempts, the greater one is right.
    """

    env: str
    dag: str
    run: str
    task: str
    mapped: int
    attempt: int

    @classmethod
    def of(cls, context: Any) -> QueryName:
        """The name of the task instance of a context."""
        ti = context["ti"]
        return cls(settings().env, ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.try_number)

    def __str__(self) -> str:
        return f"{self.dag} {self.run} {self.task} try {self.attempt}"

    def of_task(self, source: str) -> str:
        """What the sources of all attempts of this task begin with: run ids may be long and hold any character."""
        whole = "\0".join((self.dag, self.run, self.task, str(self.mapped)))
        return f"{source}/{self.env}/{hashlib.sha256(whole.encode()).hexdigest()[:16]}/"

    def source(self, source: str) -> str:
        """The source of this attempt's query."""
        return f"{self.of_task(source)}{self.attempt}"

    def attempt_of(self, found: str, source: str) -> int | None:
        """The attempt that a query's source names; None for a query of somebody else."""
        start = self.of_task(source)
        number = found.removeprefix(start)
        return int(number) if found.startswith(start) and number.isdecimal() else None

    def tags(self) -> list[str]:
        """What Trino shows to people."""
        said = {"env": self.env, "dag": self.dag, "run": self.run, "task": self.task, "try": self.attempt}
        mapped = {"map": self.mapped} if self.mapped >= 0 else {}
        return [f"{name}={_NOT_IN_TAGS.sub('_', str(value))}" for name, value in {**said, **mapped}.items()]
