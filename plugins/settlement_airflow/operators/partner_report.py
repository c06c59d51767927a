"""A partner's report of closed months, made when somebody asks for it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from settlement_airflow.hooks.step_process import StepProcessHook, arguments_of
from settlement_airflow.operators.restatement import MONTH_FORM
from settlement_airflow.operators.stage import POOL
from settlement_airflow.operators.step import StepOperator
from settlement_airflow.runs import ledger_run

PARTNER, FIRST, LAST, FORMAT = "partner", "first_month", "last_month", "format"
FORMATS = ("csv", "xlsx", "pdf", "dsr")


def partner_report_params() -> dict[str, Param]:
    """The form of a report: a partner, a range of months, one format."""
    return {
        PARTNER: Param(type="integer", minimum=0, title="Partner", description="The partner's id; 0 is suspense."),
        FIRST: Param(type="string", pattern=MONTH_FORM, title="First month", description="YYYY-MM; it must be closed."),
        LAST: Param(type="string", pattern=MONTH_FORM, title="Last month", description="YYYY-MM, included; it must be closed."),
        FORMAT: Param(
            "xlsx", type="string", enum=list(FORMATS), title="Format", description="The partner need not take it every month."
        ),
    }


class PartnerReportOperator(StepOperator):
    """Write a partner's report of every closed month of the range under `on_demand/` of the warehouse.

    Killed here → files without `_SUCCESS`. Run again, cleared, or asked for by another run → the same bytes fill the gaps;
    other content under a name that exists is refused. It reads what is published and changes none of it.
    """

    ui_color = "#d8e6f3"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pool=POOL, **kwargs)

    def execute(self, context: Any) -> str:
        self._hook = StepProcessHook()
        return self.told(self._hook.run("partner-report", *report_arguments(context)))


def report_arguments(context: Any) -> list[str]:
    """What a step is told of the report that a run asks for."""
    asked = context["params"]
    common = arguments_of(ledger_run(context["dag_run"]), months_asked(context))
    return [*common, f"--partner={asked[PARTNER]}", f"--format={asked[FORMAT]}"]


def months_asked(context: Any) -> str:
    """The months of a report, `YYYY-MM..YYYY-MM`."""
    return f"{context['params'][FIRST]}..{context['params'][LAST]}"
