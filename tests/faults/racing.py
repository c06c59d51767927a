"""What two processes do at once: each stops before one exact call, until the test lets it go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from settlement.cli import main
from settlement.errors import SettlementError
from settlement.landing.folders import Landing
from settlement.steps.audit import audit
from settlement.steps.build import build_raw, build_tables
from settlement.steps.publish import publish
from settlement.warehouse import Partition
from tests.faults.killed import replace
from tests.faults.processes import Processes
from tests.integration.house import House

AT_THE_BARRIER = "at the barrier"
PATIENCE_SECONDS = 240  # a process that is silent for so long waits for something that never comes


class Racer:
    """One of the processes, seen from the test."""

    def __init__(self, processes: Processes, work: Callable[..., None], *arguments: object, log: Path) -> None:
        self._ours, theirs = processes.pipe()
        self.log = log
        self._process = processes.start(work, theirs, *arguments, log=log)
        theirs.close()

    def wait_at_barrier(self) -> None:
        """Until it has come to the barrier."""
        said = self._hear()
        assert said == AT_THE_BARRIER, said

    def let_go(self) -> None:
        self._ours.send("go")

    def result(self) -> Any:
        """Its last word; it has ended then."""
        said = self._hear()
        self._process.join()
        assert self._process.exitcode == 0, self.log.read_text("utf-8")
        self._process.close()
        self._ours.close()
        return said

    def _hear(self) -> Any:
        if not self._ours.poll(PATIENCE_SECONDS):
            self._process.kill()
            raise AssertionError(f"it hangs: {self.log.read_text('utf-8')}")
        try:
            return self._ours.recv()
        except EOFError:
            raise AssertionError(f"it ended without a word: {self.log.read_text('utf-8')}") from None


def stop_before(function: str, other: Connection, *, argument: str | None = None, inside: str | None = None) -> None:
    """From now on the function waits at the barrier first, once.

    Args:
        function: where it is used, as `module:name`.
        other: the test's end of the pipe.
        argument: wait only in a call that has this argument.
        inside: wait only in a call that this function makes.
    """
    passed, entered = False, inside is None

    def waiting(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal passed
            if not passed and entered and (argument is None or argument in args):
                passed = True
                other.send(AT_THE_BARRIER)
                other.recv()
            return real(*args, **kwargs)

        return called

    def entering(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal entered
            entered = True
            return real(*args, **kwargs)

        return called

    replace(function, waiting)
    if inside is not None:
        replace(inside, entering)


def publish_stage(other: Connection, house: House, run_id: str, stage: str, day: str) -> None:
    """Build, audit and publish a stage of a day, with the barrier before the append; says how it ended."""
    context = house.context(run_id, requested_by=run_id)
    if stage == "raw":
        build = build_raw(context, Landing(house.landing), day, lambda: sys.exit("so little is read in this process"))
    else:
        build = build_tables(context, stage, Partition(day))
    assert build is not None
    audit(context, build)
    stop_before("settlement.ledger.ledger:Ledger.publish", other)
    try:
        published = publish(context, build)
    except SettlementError as error:
        other.send((type(error).__name__, str(error)))
    else:
        other.send((published.outcome, published.run_id))


@dataclass(frozen=True)
class Barrier:
    """Where a command waits: see `stop_before`."""

    function: str
    argument: str | None = None
    inside: str | None = None


def command(other: Connection, arguments: Sequence[str], barrier: Barrier) -> None:
    """Run the command with a barrier on its way; says its exit code."""
    stop_before(barrier.function, other, argument=barrier.argument, inside=barrier.inside)
    sys.argv = ["settlement", *arguments]
    try:
        main()
    except SystemExit as ending:
        other.send(ending.code or 0)
    else:
        other.send(0)
