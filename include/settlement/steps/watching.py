"""One look at what a waiting run waits for; a landing that is late is recorded and reported, once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from settlement import alerts
from settlement.settings import settings
from settlement.steps.place import Place
from settlement.steps.ready import landing_due
from settlement.steps.tasks import Run, waits_for
from settlement.warehouse import Partition

_WATCHER = "watch"  # the run id of what no single run does


@lru_cache(maxsize=1)
def _place() -> Place:
    return Place.open()


def look(gate: str, key: str, now: datetime | None = None) -> Sequence[str]:
    """What the gate of a partition still waits for.

    Args:
        gate: `landing`, `raw` or `days`.
        key: the partition.
        now: the time, for tests.
    """
    waiting = waits_for(_place(), Run(_WATCHER, key), gate)
    if gate == "landing" and waiting:
        _report_late(_place(), key, waiting, now or datetime.now(UTC))
    return waiting


def _report_late(place: Place, day: str, waiting: Sequence[str], now: datetime) -> None:
    due = landing_due(day, settings().landing_deadline)
    if now < due:
        return
    body = {"due": due.isoformat(), "waiting": list(waiting)}
    _, is_first = place.ledger.append_once("late", _WATCHER, body, Partition(day))
    if is_first:
        alerts.report_late(day, due, waiting)
