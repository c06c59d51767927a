"""A failed task is reported once, whoever finds it: the ledger remembers who was told what."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from settlement import alerts
from settlement.errors import SettlementError
from settlement.steps.place import Place
from settlement.warehouse import Partition

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """A task's last try that failed."""

    dag: str
    run: str
    partition: str
    task: str
    stage: str
    attempt: int

    @property
    def ledger_run(self) -> str:
        return f"{self.dag}/{self.run}"

    @property
    def name(self) -> str:
        """One name for one failure, whoever finds it."""
        return f"{self.ledger_run}/{self.task}/{self.attempt}"

    def tags(self, release: str) -> dict[str, str]:
        """Facts to search alerts by."""
        return {
            "dag": self.dag,
            "run": self.run,
            "partition": self.partition,
            "task": self.task,
            "stage": self.stage,
            "try": str(self.attempt),
            "settlement_release": release,
        }


def report_once(failure: Failure, error: BaseException | str | None) -> None:
    """Send one alert for a failure; a second finder of the same failure sends none.

    A ledger that can't be reached doesn't keep an alert back: it may be what failed.
    """
    release, is_first = "", True
    try:
        ledger = Place.open().ledger
        released = ledger.released(failure.ledger_run)
        release = str(released.body["release"]) if released else ""  # empty when the run never got so far
        body = {"task": failure.task, "try": failure.attempt}
        _, is_first = ledger.append_once("alerted", failure.name, body, Partition(failure.partition))
    except (SettlementError, OSError) as refused:
        _log.warning("the ledger can't be asked about %s: %s", failure.ledger_run, refused)
    if is_first:
        alerts.report_failure(failure.name, error, failure.tags(release))
