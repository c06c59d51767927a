"""Waiting for what a run reads, in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

from airflow.triggers.base import BaseTrigger, TriggerEvent

Gate = Literal["landing", "raw", "days"]


class WaitingTrigger(BaseTrigger):
    """Fires when a gate's partition waits for nothing any more; looks every `SETTLEMENT_POLL_SECONDS`.

    It reads the ledger and the landing root and changes neither, except that a missed landing deadline is recorded once.
    An error (ledger not reachable) doesn't end the wait: the next look may succeed.

    :param gate: `landing`, `raw` or `days`.
    :param partition: the run's day or month.
    """

    def __init__(self, gate: Gate, partition: str) -> None:
        super().__init__()
        self.gate = gate
        self.partition = partition

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.WaitingTrigger", {"gate": self.gate, "partition": self.partition}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        # The package's engines are loaded by the triggerer when it first waits, never by whoever parses a DAG.
        from settlement.settings import settings
        from settlement.steps.watching import look

        while True:
            # Never at once: an event within a second of the deferral can be lost (apache/airflow #72716).
            await asyncio.sleep(settings().poll_seconds)
            try:
                waiting = await asyncio.to_thread(look, self.gate, self.partition)
            except Exception as error:
                self.log.warning("%s %s: can't look: %s", self.gate, self.partition, error)
                continue
            if not waiting:
                yield TriggerEvent({"sentence": f"{self.partition} waits for nothing"})
                return
