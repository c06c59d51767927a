"""Real processes that start at once: forked from a server that knows the package and has done nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from tests.faults import warm
from tests.integration.house import House


class Processes:
    """Starts processes; made once a worker, before the first of them."""

    def __init__(self, house: House) -> None:
        self._context: ForkServerContext = get_context("forkserver")
        self._context.set_forkserver_preload([warm.__name__])
        release = next((house.warehouse / "releases").iterdir())
        os.environ[warm.RELEASE] = str(release)
        try:
            forkserver.ensure_running()
            ready = self._context.Process(target=int)  # it starts once the server has read the release, which may go away then
            ready.start()
            ready.join()
        finally:
            del os.environ[warm.RELEASE]

    def start(self, work: Callable[..., None], *arguments: object, log: Path) -> ForkServerProcess:
        """Start `work(*arguments)` in a process whose output goes to a file."""
        process = self._context.Process(target=_logged, args=(work, arguments, log))
        process.start()
        return process

    def run(self, work: Callable[..., None], *arguments: object, log: Path) -> int:
        """Start a process, wait for its end and return its exit code, -9 when it was killed."""
        process = self.start(work, *arguments, log=log)
        process.join()
        assert process.exitcode is not None
        code = process.exitcode
        process.close()
        return code

    def pipe(self) -> tuple[Connection, Connection]:
        """Two ends of a pipe, one of them for a process."""
        return self._context.Pipe()


def _logged(work: Callable[..., None], arguments: Sequence[Any], log: Path) -> None:
    sys.stdout = sys.stderr = log.open("a", encoding="utf-8")
    try:
        work(*arguments)
    finally:
        sys.stdout.flush()
