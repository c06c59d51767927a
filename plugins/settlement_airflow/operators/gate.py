"""Gates: the first task of every run, which freezes the release and waits, deferred, until its inputs are there."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from airflow.sdk.exceptions import AirflowFailException

from settlement_airflow.operators.step import StepOperator
from settlement_airflow.runs import RunName
from settlement_airflow.triggers.waiting import Gate, WaitingTrigger

_SHOWN = 5


class GateOperator(StepOperator):
    """Freeze the run's release, then wait without a worker until the ledger and the landing say that the work may begin.

    Cleared or retried here → the release that the run began with stays; the gate asks anew.
    Triggerer restarted → the trigger is set up again and asks anew. An event is only a hint: the gate asks before it opens.
    It has no time-out: a day that comes late is settled late, never as empty.
    """

    gate: ClassVar[Gate]
    grain: ClassVar[Literal["day", "month"]] = "day"
    ui_color = "#e9e4f0"

    def execute(self, context: Any) -> str:
        return self._ask(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> str:
        """What the trigger saw may have changed since: ask again."""
        self.log.info("Woken: %s", event["sentence"])
        return self._ask(context)

    def _ask(self, context: Any) -> str:
        run = RunName.of(context)
        if run.grain != self.grain:
            raise AirflowFailException(f"partition key {run.partition} is a {run.grain}: this DAG's partitions are {self.grain}s")
        answer = self.step(context, "begin", f"--by={run.requested_by}", "--gate", self.gate)
        sentence = self.told(answer)
        waiting = answer["waits_for"]
        if waiting:
            more = f" and {len(waiting) - _SHOWN} more" if len(waiting) > _SHOWN else ""
            self.log.info("%s waits for %s%s", run.partition, ", ".join(waiting[:_SHOWN]), more)
            self.defer(trigger=WaitingTrigger(gate=self.gate, partition=run.partition), method_name="execute_complete")
        return sentence


class LandingSensor(GateOperator):
    """Waits until every folder of a landing day carries its `_SUCCESS`; alerts once when the deadline has passed."""

    gate: ClassVar[Literal["landing"]] = "landing"


class RawGate(GateOperator):
    """Waits until every raw day that the settlement of a day reads is published; for no other run of its own DAG."""

    gate: ClassVar[Literal["raw"]] = "raw"


class MonthGate(GateOperator):
    """Waits until every day of the month is published and the month before is closed; a closed month is skipped."""

    gate: ClassVar[Literal["days"]] = "days"
    grain: ClassVar[Literal["month"]] = "month"
