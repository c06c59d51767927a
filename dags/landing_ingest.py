"""
### Landing → raw

**What it does.** Waits until a day's folders (plays, payments, other_revenue, catalog) carry `_SUCCESS`, reads them into
the raw tables, audits and publishes them. One run a landing day, at 02:30 Seoul time on the day after. Order-free.

**May be cleared.** Every task, at any time, alone or with those after it. A cleared run keeps its release.

**When it fails.** The message names file, row and reason. Bad file → have it delivered again, then clear `raw.build`.
Content changed under `_SUCCESS` → accept the redelivery first (`settlement landing accept`). Late landing → nothing to do:
it waits, and one alert goes out at 09:00.

**Never.** Mark a task as success. Edit a landed file. Runbook: docs/runbooks/landing-ingest.md · Owner: settlement on-call
"""

from __future__ import annotations

from airflow.sdk import DAG

from settlement_airflow.defaults import DAY_RUNS, START, task_defaults
from settlement_airflow.operators.gate import LandingSensor
from settlement_airflow.stages import stage_group
from settlement_airflow.timetables.partitions import landing_days

with DAG(
    "landing_ingest",
    description="A landing day → raw tables",
    schedule=landing_days(),
    start_date=START,
    catchup=False,
    max_active_runs=DAY_RUNS,
    default_args=task_defaults(),
    doc_md=__doc__,
    tags=["settlement", "daily"],
):
    _ = LandingSensor(task_id="wait_for_landing") >> stage_group("raw")
