"""
### What a month would come to, when somebody asks

**What it does.** Started by a person who names a month. Settles that month aside by the rules of this deployment, with all
audits, and compares it with the version in force: totals, and every royalty that changes, as a page and a CSV file in a
folder of their own. It publishes nothing, reserves no version, and writes nothing into the ledger.

**May be cleared.** The one task, at any time: it is computed anew, from what is there by then.

**When it is refused.** No day of the month has been ingested, a day is missing, or an audit fails: the failed task says what
a settlement would say. **Never.** Take its figures for a statement. Runbook: docs/runbooks/month-preview.md ·
Owner: settlement on-call
"""

from __future__ import annotations

from airflow.sdk import DAG

from settlement_airflow.defaults import START, task_defaults
from settlement_airflow.operators.month_preview import preview_params
from settlement_airflow.step_places import month_preview_task

with DAG(
    "month_preview",
    description="What a month would come to; nothing is published",
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=4,
    default_args=task_defaults(),
    params=preview_params(),
    doc_md=__doc__,
    tags=["settlement", "on request"],
):
    month_preview_task()
