"""From a month's task to what it published."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

URL_PREFIX = "/settlement"  # where the plugin mounts the published reports


class PublishedMonthLink(BaseOperatorLink):
    """Opens the month's page, signed in as in Airflow."""

    name = "Published month"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  # the interface's names
        published = getattr(operator, "published", None)
        base = conf.get("api", "base_url", fallback="").rstrip("/")  # the UI shows whole addresses only
        return f"{base}{URL_PREFIX}/published/{published}/index.html" if published else ""
