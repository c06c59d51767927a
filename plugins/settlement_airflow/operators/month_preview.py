"""A preview of a month, made when somebody asks for it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from settlement_airflow.hooks.step_process import StepProcessHook, arguments_of
from settlement_airflow.operators.restatement import MONTH_FORM
from settlement_airflow.operators.stage import POOL
from settlement_airflow.operators.step import StepOperator
from settlement_airflow.runs import MONTH, RunName


def preview_params() -> dict[str, Param]:
    """The form of a preview: a month."""
    return {
        MONTH: Param(
            type="string",
            pattern=MONTH_FORM,
            title="Month",
            description="YYYY-MM; every day of it must have been ingested. Open, closed or never settled.",
        )
    }


class MonthPreviewOperator(StepOperator):
    """Settle a month aside by the worker's SQL and reference rows, and write what it comes to under `on_demand/`.

    Killed here → files without `_SUCCESS`; the retry fills the gaps, or refuses when the month has moved on meanwhile.
    Cleared → computed anew, into a folder of its own. It publishes nothing and writes nothing into the ledger.
    """

    ui_color = "#d8e6f3"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pool=POOL, **kwargs)

    def execute(self, context: Any) -> str:
        self._hook = StepProcessHook()
        return self.told(self._hook.run("month-preview", *preview_arguments(context)))


def preview_arguments(context: Any) -> list[str]:
    """What a step is told of the preview that a run asks for."""
    return [*request_arguments(context), f"--by={RunName.of(context).requested_by}"]


def request_arguments(context: Any) -> list[str]:
    """What names a preview: run, month, and an attempt that rises when the task is cleared."""
    run = RunName.of(context)
    return [*arguments_of(run.run_id, run.partition), f"--attempt={context['ti'].max_tries}"]
