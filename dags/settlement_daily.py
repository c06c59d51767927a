"""
### Raw → a settled day

**What it does.** Waits until the raw days it reads are published (its own, plays of the 30 days before, every earlier
payment), puts plays into buckets and recognises revenue (`ods`), then counts usage and revenue of the day (`daily`).
One run a landing day. It waits for no other run of this DAG: days may run in any order and side by side.

**May be cleared.** Every task, at any time, alone or with those after it. Nothing published doubles: what is the same says
"already published by …".

**When it fails.** `audit` → the message names table, check and rows. Wrong data → have it delivered again and clear the
stage's `build` with downstream. Wrong rule → deploy the corrected one and start a new run of the day: a cleared run keeps its
release. `publish` "is stale" → an input was published again: clear the stage's `build` with downstream.

**Never.** Mark a task as success. Runbook: docs/runbooks/settlement-daily.md · Owner: settlement on-call
"""

from __future__ import annotations

from airflow.sdk import DAG

from settlement_airflow.assets import SETTLEMENT_DAY
from settlement_airflow.defaults import DAY_RUNS, START, task_defaults
from settlement_airflow.operators.gate import RawGate
from settlement_airflow.stages import stage_group
from settlement_airflow.timetables.partitions import landing_days

with DAG(
    "settlement_daily",
    description="Raw tables → plays in buckets, revenue, usage of a day",
    schedule=landing_days(),
    start_date=START,
    catchup=False,
    max_active_runs=DAY_RUNS,
    default_args=task_defaults(),
    doc_md=__doc__,
    tags=["settlement", "daily"],
):
    _ = RawGate(task_id="wait_for_raw") >> stage_group("ods") >> stage_group("daily", outlets=[SETTLEMENT_DAY])
