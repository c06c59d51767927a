"""Holding steps at named points: a file per step says where, and the step waits there until the file is gone."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.api import wait_for

START = "start"


@dataclass(frozen=True)
class Hold:
    """A step of one task, held at a point until it is released."""

    folder: Path
    name: str

    def release(self) -> None:
        (self.folder / self.name).unlink(missing_ok=True)

    def pids(self) -> list[int]:
        """Processes that wait here now."""
        found = [int(path.name.rpartition("@")[2]) for path in self.folder.glob(f"{self.name}@*")]
        return [pid for pid in found if Path(f"/proc/{pid}").exists()]

    def wait(self, besides: Sequence[int] = ()) -> int:
        """Wait for a process to arrive that isn't one of `besides`; returns its id."""
        arrived = wait_for(lambda: [pid for pid in self.pids() if pid not in besides], bool, f"{self.name} held", 90)
        return arrived[0]


def hold(folder: Path, step: str, stage: str, partition: str, point: str = START) -> Hold:
    """Hold a step at its start, or before or after the call of a function: `before module:name`, `after module:Class.name`."""
    folder.mkdir(parents=True, exist_ok=True)
    held = Hold(folder, _name(step, stage, partition))
    (folder / held.name).write_text(point)
    return held


def arrange(arguments: Sequence[str]) -> None:
    """In a step's process, before it starts: see whether it is to be held, and where."""
    folder = Path(os.environ["SETTLEMENT_TEST_HOLDS"])
    options = dict(itertools.pairwise(arguments))
    step = arguments[arguments.index("settlement.steps") + 1]
    file = folder / _name(step, options.get("--stage", "month"), options["--partition"])
    if not file.exists():
        return
    point = file.read_text()
    if point == START:
        _wait(file)
        return
    when, _, function = point.partition(" ")
    from tests.faults.killed import replace

    def held(real: Callable[..., Any]) -> Callable[..., Any]:
        def waiting(*args: Any, **kwargs: Any) -> Any:
            if when == "before":
                _wait(file)
            result = real(*args, **kwargs)
            if when == "after":
                _wait(file)
            return result

        return waiting

    replace(function, held)


def _wait(file: Path) -> None:
    mark = file.with_name(f"{file.name}@{os.getpid()}")
    mark.touch()
    while file.exists():
        time.sleep(0.05)
    mark.unlink(missing_ok=True)


def _name(step: str, stage: str, partition: str) -> str:
    return f"{step}-{stage}-{partition}"
