"""A preview of a month in a pod, which is there only while somebody has asked for one."""

from __future__ import annotations

from typing import Any

from settlement.settings_pods import pod_settings
from settlement_airflow.hooks.pod_names import PodName
from settlement_airflow.hooks.step_process import StepProcessHook
from settlement_airflow.operators.month_preview import preview_arguments, request_arguments
from settlement_airflow.operators.stage import POOL
from settlement_airflow.operators.step_pod import StepPodOperator, Work
from settlement_airflow.runs import RunName


class MonthPreviewPodOperator(StepPodOperator):
    """Preview a month as `MonthPreviewOperator` does, in a pod and by the SQL and reference rows of its image.

    Success is proven by the folder: it is complete. Killed, retried, cleared → as `StepPodOperator` says.
    """

    ui_color = "#d8e6f3"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pool=POOL, service_account_name=pod_settings().report_service_account, **kwargs)

    def prepare(self, context: Any) -> Work:
        """The preview that the run asks for."""
        run = RunName.of(context)
        name = PodName(
            component="preview",
            task=f"{run.run_id}/{self.task_id}",
            attempt=context["ti"].max_tries,
            image=self.image,
            partition=run.partition,
        )
        return Work(name, ["month-preview", *preview_arguments(context)])

    def finish(self, context: Any, name: PodName) -> str:  # noqa: ARG002  # run and attempt say which folder
        """Where the preview lies, once it is complete."""
        self._hook = StepProcessHook()
        return self.told(self._hook.run("month-previewed", *request_arguments(context)))
