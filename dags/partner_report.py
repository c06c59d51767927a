"""
### A partner's report of closed months, when somebody asks for it

**What it does.** Started by a person who names a partner, a range of months and a format. Writes that partner's report of
every month of the range, as it was closed, into a folder of its own; also in a format that the partner doesn't take every
month. It changes nothing that was published, and sends nothing to anybody.

**May be cleared.** The one task, at any time: the same bytes again, or nothing. Other months or another format → start a
new run.

**When it is refused.** A month of the range isn't closed, or the partner has no statement in any of them: the failed task
names it. **Never.** Mark the task as success, or change a file it has written. Runbook: docs/runbooks/partner-report.md ·
Owner: settlement on-call
"""

from __future__ import annotations

from airflow.sdk import DAG

from settlement_airflow.defaults import START, task_defaults
from settlement_airflow.operators.partner_report import partner_report_params
from settlement_airflow.step_places import partner_report_task

with DAG(
    "partner_report",
    description="One partner's report over a range of closed months",
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=4,
    default_args=task_defaults(),
    params=partner_report_params(),
    doc_md=__doc__,
    tags=["settlement", "on request"],
):
    partner_report_task()
