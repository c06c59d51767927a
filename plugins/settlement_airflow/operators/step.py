"""What all operators share: a step in a process, its sentence in the log, and an end that leaves nothing behind."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import BaseOperator

from settlement_airflow.hooks.step_process import StepProcessHook, arguments_of
from settlement_airflow.runs import RunName


class StepMixin:
    """Runs steps of a task's run where the profile says.

    Killed here → the step's process is gone before this one is; what it wrote is named by no record, so nobody reads it.
    Retried or cleared → runs again from the ledger's state; nothing of the old attempt is needed.
    Handed over through the ledger; the XCom is a sentence for people.
    """

    log: logging.Logger
    _hook: StepProcessHook | None = None

    def step(self, context: Any, name: str, *arguments: str) -> dict[str, Any]:
        """Run one step of this task's run; raises what `StepProcessHook.run` raises."""
        run = RunName.of(context)
        self._hook = StepProcessHook()
        return self._hook.run(name, *arguments_of(run.run_id, run.partition), *arguments)

    def told(self, answer: dict[str, Any]) -> str:
        """Log an answer's sentence and return it."""
        sentence = str(answer["sentence"])
        self.log.info(sentence)
        return sentence

    def on_kill(self) -> None:
        """Called by Airflow when the task is cleared, marked or stopped while it runs."""
        if self._hook is not None:
            self._hook.kill()


class StepOperator(StepMixin, BaseOperator):
    """Base of the operators that do nothing but run a step."""

    ui_color = "#eef3f8"
