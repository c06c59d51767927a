"""A partner's report in a pod, which is there only while somebody has asked for one."""

from __future__ import annotations

from typing import Any

from settlement.settings_pods import pod_settings
from settlement_airflow.hooks.pod_names import PodName
from settlement_airflow.hooks.step_process import StepProcessHook
from settlement_airflow.operators.partner_report import months_asked, report_arguments
from settlement_airflow.operators.stage import POOL
from settlement_airflow.operators.step_pod import StepPodOperator, Work
from settlement_airflow.runs import ledger_run


class PartnerReportPodOperator(StepPodOperator):
    """Write a partner's report as `PartnerReportOperator` does, in a pod.

    Success is proven by the folder: every month that was written is complete. Killed, retried, cleared → as `StepPodOperator`
    says; the same bytes fill the gaps.
    """

    ui_color = "#d8e6f3"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pool=POOL, service_account_name=pod_settings().report_service_account, **kwargs)

    def prepare(self, context: Any) -> Work:
        """The report that the run asks for."""
        name = PodName(
            component="report",
            task=f"{ledger_run(context['dag_run'])}/{self.task_id}",
            attempt=context["ti"].max_tries,
            image=self.image,
            partition=months_asked(context),
        )
        return Work(name, ["partner-report", *report_arguments(context)])

    def finish(self, context: Any, name: PodName) -> str:  # noqa: ARG002  # the parameters say which folder
        """Where the report lies, once every month of it is complete."""
        self._hook = StepProcessHook()
        return self.told(self._hook.run("partner-reported", *report_arguments(context)))
