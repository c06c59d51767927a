"""
### A closed month → a new version → deltas in the next month to be settled

**What it does.** Started by a person who names a closed month and a reason. Computes pools and lines of the month anew,
by today's rules and the newest catalogue, under the next version; shows a person what changes; posts the differences into
the next month to be settled. Nothing that was published changes.

**Approval.** Open *Required Actions*, read the differences, answer. Who started the run or cleared one of its tasks can't
approve it: the answer is refused and the question stays. Nothing ever answers by itself. A rejection posts nothing.

**May be cleared.** Every task, at any time: it goes on with the version that the run has reserved. Rejected, or other rules
→ start a new run: a cleared run keeps its release, and Airflow shows the question of before. Once it is posted, clearing
changes nothing.

**When it is refused.** The month is open, or another restatement of it is under way: the failed task names it. **Never.**
Mark a task as success. Runbook: docs/runbooks/restatement.md · Owner: settlement on-call
"""

from __future__ import annotations

from airflow.sdk import DAG

from settlement_airflow.defaults import START, task_defaults
from settlement_airflow.operators.approval import StatementApprovalOperator
from settlement_airflow.operators.restatement import (
    PostRestatementOperator,
    RequestRestatementOperator,
    restatement_params,
)
from settlement_airflow.stages import stage_group

with DAG(
    "restatement",
    description="Request → pools → lines → approval → post the differences",
    schedule=None,
    start_date=START,
    catchup=False,
    max_active_runs=4,
    default_args=task_defaults(),
    params=restatement_params(),
    doc_md=__doc__,
    tags=["settlement", "on request"],
):
    _ = (
        RequestRestatementOperator(task_id="request")
        >> stage_group("pools")
        >> stage_group("lines")
        >> StatementApprovalOperator(task_id="approve")
        >> PostRestatementOperator(task_id="post")
    )
