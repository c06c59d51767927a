"""
### A month → statements → partners

**What it does.** Woken when the last day of a month is published. Waits until the ledger has every day and the month
before is closed; computes pools, lines and statements under a version; asks a person; publishes the partners' reports;
closes the month, once. Where people read the tables through Trino, it compares what Trino shows with what was published
(`reconcile_…`); nothing waits for that.

**Approval.** Open *Required Actions*, read the totals, answer. Who started the run or cleared one of its tasks can't
approve it: the answer is refused and the question stays. Nothing ever answers by itself.

**May be cleared.** Every task, at any time. Days were settled again → clear `pools.build` with downstream: the version is
replaced, or the next one is taken once statements were published; was somebody asked before, see "Asked about other figures" in
the runbook. Other rules → start a new run with the month as partition
key: a cleared run keeps its release.

**When it skips.** The month is closed, or another run settles it: the skipped task's log names that run. **Never.** Mark a
task as success. Runbook: docs/runbooks/settlement-monthly.md · Owner: settlement on-call
"""

from __future__ import annotations

from airflow.sdk import DAG

from settlement_airflow.assets import SETTLEMENT_DAY
from settlement_airflow.defaults import START, task_defaults
from settlement_airflow.operators.approval import StatementApprovalOperator
from settlement_airflow.operators.gate import MonthGate
from settlement_airflow.operators.month_end import CloseMonthOperator, PublishReportsOperator
from settlement_airflow.operators.reconcile import ReconcileOperator
from settlement_airflow.operators.stage import TAKE_OVER, take_over_param
from settlement_airflow.stages import stage_group
from settlement_airflow.timetables.partitions import months_of

with DAG(
    "settlement_monthly",
    description="Pools → lines → statements → approval → reports → close",
    schedule=months_of(SETTLEMENT_DAY),
    start_date=START,
    catchup=False,
    max_active_runs=4,
    default_args=task_defaults(),
    params={TAKE_OVER: take_over_param()},
    doc_md=__doc__,
    tags=["settlement", "monthly"],
):
    lines, statements = stage_group("lines"), stage_group("statements")
    _ = (
        MonthGate(task_id="wait_for_days")
        >> stage_group("pools")
        >> lines
        >> statements
        >> StatementApprovalOperator(task_id="approve")
        >> PublishReportsOperator(task_id="publish_reports")
        >> CloseMonthOperator(task_id="close")
    )
    _ = lines >> ReconcileOperator(task_id="reconcile_lines", stage="lines")
    _ = statements >> ReconcileOperator(task_id="reconcile_statements", stage="statements")
