"""The question of a task that Airflow shows to people, and the answer that it keeps until the task asks anew."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
from airflow.sdk.exceptions import AirflowException

from settlement_airflow.hooks.airflow_api import AirflowApiHook, Unreadable


class ShownQuestionHook(AirflowApiHook):
    """Reads a question and its answer (in Airflow's words: HITL details). The connection's user needs no right but that.

    Airflow keeps the first question of a task instance. A clear or a retry hands it on, and asking anew takes away the answer,
    not the question. And workers are told an answer once, when it is given; a later attempt has to read it.
    """

    def shown(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any] | None:
        """What people see (`subject`, `body`), and what was answered (`chosen_options`, `responded_by_user`; None: nothing yet).

        None when nobody was asked.

        Raises:
            AirflowException: it can't be read.
        """
        path = f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}/taskInstances/{quote(task_id)}/-1/hitlDetails"
        try:
            with self.signed_in() as client:
                response = client.get(path)
                if response.status_code == httpx.codes.NOT_FOUND:
                    return None
                found: dict[str, Any] = response.raise_for_status().json()
                return {name: found[name] for name in ("subject", "body", "chosen_options", "responded_by_user")}
        except Unreadable as reason:
            raise AirflowException(
                f"it can't be read what people were asked by {task_id} of {run_id} ({reason}); "
                f"check the connection {self.conn_id}"
            ) from None
