"""Airflow's own audit log: who cleared or re-marked a task of a run."""

from __future__ import annotations

from typing import Any

import httpx
from airflow.sdk.exceptions import AirflowException

from settlement_airflow.hooks.airflow_api import AirflowApiHook, Unreadable

_PAGE = 100
# Events that change which tasks run: of the API, of the UI, of the CLI.
_CHANGES = ("clear", "patch_task", "patch_dag_run", "bulk_", "set_state")
_ANY_DAG = "~"  # the log's name for a change to runs of several DAGs


class AuditLogHook(AirflowApiHook):
    """Reads the audit log. The connection's user needs no right but that."""

    def cleared_by(self, dag_id: str, run_id: str) -> set[str]:
        """Everyone who cleared or re-marked a task of the run, or of runs that the log doesn't name.

        Raises:
            AirflowException: the log can't be read; an approval must not be recorded without it.
        """
        try:
            with self.signed_in() as client:
                events = [*_events(client, dag_id), *_events(client, _ANY_DAG)]
                return {event["owner"] for event in events if _may_change(event, run_id)} - {None, ""}
        except Unreadable as reason:
            raise AirflowException(
                f"Airflow's audit log can't be read ({reason}), so it can't be told who cleared tasks of {run_id}; "
                f"check the connection {self.conn_id}, then answer again"
            ) from None


def _may_change(event: dict[str, Any], run_id: str) -> bool:
    return event["run_id"] in (run_id, None) and any(word in event["event"] for word in _CHANGES)


def _events(client: httpx.Client, dag_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        query = {"dag_id": dag_id, "limit": _PAGE, "offset": len(found), "order_by": "id"}
        page = client.get("/api/v2/eventLogs", params=query).raise_for_status().json()
        found += page["event_logs"]
        if len(found) >= page["total_entries"] or not page["event_logs"]:
            return found
