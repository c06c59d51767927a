"""From a task to its query in Trino."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink


class TrinoQueryLink(BaseOperatorLink):
    """Opens the query's page of Trino: its state, its plan, its error."""

    name = "Trino query"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  # the interface's names
        return str(getattr(operator, "query_page", ""))
