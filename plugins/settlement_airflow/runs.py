"""What a task knows of its run: the ledger's name for it, its partition and who asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

SCHEDULER = "service:scheduler"
MONTH = "month"  # the parameter that names the month of a run whose DAG has no partitions
_KEYS = {"day": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "month": re.compile(r"[0-9]{4}-[0-9]{2}")}


@dataclass(frozen=True)
class RunName:
    """A run as the ledger names it: `<dag>/<run>`, a partition `YYYY-MM-DD` or `YYYY-MM`, and who asked for it."""

    run_id: str
    partition: str
    requested_by: str

    @property
    def grain(self) -> str:
        """`day` or `month`."""
        return next(grain for grain, form in _KEYS.items() if form.fullmatch(self.partition))

    @classmethod
    def of(cls, context: Any) -> RunName:
        """The run of a task's context: its partition is the partition key, or without one the parameter `month`.

        Raises:
            AirflowFailException: the run has neither, both and they differ, or one that is neither a day nor a month.
        """
        run = context["dag_run"]
        key, month = run.partition_key or "", str(context["params"].get(MONTH) or "")
        if key and month and key != month:
            raise AirflowFailException(
                f"run {run.run_id} has partition key {key!r} and month {month!r}: which of them is meant? "
                "trigger the DAG again with one of them"
            )
        partition = key or month
        if not any(form.fullmatch(partition) for form in _KEYS.values()) or not _is_date(partition):
            named = "month" if month else "partition key"
            raise AirflowFailException(
                f"run {run.run_id} has {named} {partition!r}: it must be a day YYYY-MM-DD or a month YYYY-MM; "
                f"trigger the DAG again with its {named}"
            )
        return cls(ledger_run(run), partition, run.triggering_user_name or SCHEDULER)


def ledger_run(dag_run: Any) -> str:
    """The ledger's name of a run."""
    return f"{dag_run.dag_id}/{dag_run.run_id}"


def _is_date(key: str) -> bool:
    try:
        date.fromisoformat(f"{key}-01"[:10])
    except ValueError:
        return False
    return True
