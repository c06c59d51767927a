"""The one plugin: failures are reported, published months can be opened from their task, the query API from the navigation."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from settlement.pipeline import days_of, previous_month
from settlement_airflow.links.published_month import URL_PREFIX, PublishedMonthLink
from settlement_airflow.links.query_page import TrinoQueryLink
from settlement_airflow.listeners import failures
from settlement_airflow.pages import app
from settlement_airflow.query_navigation import query_apps, query_views


class SettlementPlugin(AirflowPlugin):
    """Registers what Airflow looks for by kind; operators and timetables are imported from `settlement_airflow`."""

    name = "settlement"
    listeners = [failures]  # noqa: RUF012  # the interface's class attributes
    operator_extra_links = [PublishedMonthLink(), TrinoQueryLink()]  # noqa: RUF012
    macros = [days_of, previous_month]  # noqa: RUF012
    # The first prefix that fits gets a request: the API's lies below that of the reports.
    fastapi_apps = [*query_apps(), {"app": app, "url_prefix": URL_PREFIX, "name": "settlement"}]  # noqa: RUF012
    external_views = query_views()
