"""Where Airflow's navigation leads to the query API: mounted here on the embedded profile, elsewhere its own address."""

from __future__ import annotations

from typing import Any

from airflow.sdk.configuration import conf

from settlement.api.settings import api_settings
from settlement.errors import SettlementError
from settlement.settings import settings
from settlement_airflow.query_api import API_PREFIX, app


def query_apps() -> list[dict[str, Any]]:
    """What is mounted: the API on the embedded profile, nothing on others, whose API is a deployment of its own."""
    return [{"app": app, "url_prefix": API_PREFIX, "name": "settlement query API"}] if _is_embedded() else []


def query_views() -> list[dict[str, Any]]:
    """The entry in the navigation, which opens the page itself: it lets nobody frame it. None where there is no address."""
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    address = f"{base}{API_PREFIX}/" if _is_embedded() else _address()
    # Without a category Airflow 3.3 shows a button that opens nothing.
    return [{"name": "Settlement", "href": address, "destination": "nav", "category": "browse"}] if address else []


def _is_embedded() -> bool:
    try:
        return settings().profile == "embedded"
    except SettlementError:
        return False  # a setting that is off is told where it is used; a plugin must load


def _address() -> str:
    try:
        return api_settings().url
    except SettlementError:
        return ""
