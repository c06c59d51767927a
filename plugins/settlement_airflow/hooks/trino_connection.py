"""A connection to Trino: the provider makes it and signs in; whose query it is, and what bounds it, is said here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.trino.hooks.trino import TrinoHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from settlement.settings_trino import TrinoSettings


class _GivenHook(TrinoHook):
    """The provider's hook for a connection that is at hand."""

    def __init__(self, given: Connection) -> None:
        super().__init__(trino_conn_id=given.conn_id)
        self._given = given

    def get_connection(self, conn_id: str) -> Connection:  # noqa: ARG002  # the interface's names
        return self._given


def connect(chosen: TrinoSettings, source: str, tags: Sequence[str] = (), properties: Mapping[str, str] | None = None) -> Any:
    """A connection of Trino's client that sends each request once and waits `chosen.request_seconds` for its answer.

    Args:
        chosen: where Trino is; an Airflow connection that it names goes before, and holds what signs in.
        source: of the queries.
        tags: client tags.
        properties: session properties; they go before those of the Airflow connection.

    Raises:
        AirflowFailException: there is no such Airflow connection.
        TrinoAuthError: a password that would be sent in the open.
    """
    given = _given(chosen)
    extra = given.extra_dejson
    whose = {
        "source": source,
        "client_tags": list(tags),
        "session_properties": {**(extra.get("session_properties") or {}), **(properties or {})},
    }
    said = Connection(
        conn_id=given.conn_id,
        conn_type="trino",
        host=given.host or chosen.host,
        port=given.port or chosen.port,
        login=given.login or chosen.user,
        password=given.password,
        schema=given.schema,
        extra=json.dumps({"protocol": chosen.scheme, "catalog": chosen.catalog, **extra, **whose}),
    )
    made = _GivenHook(said).get_conn()
    made.request_timeout = chosen.request_seconds
    made.max_attempts = 1
    return made


def address_of(connection: Any) -> str:
    """Where a connection goes: `http://host:port`."""
    return f"{connection.http_scheme}://{connection.host}:{connection.port}"


def _given(chosen: TrinoSettings) -> Connection:
    if not chosen.connection:
        return Connection(conn_id="settings", conn_type="trino")
    try:
        return BaseHook.get_connection(chosen.connection)
    except AirflowNotFoundException:
        hint = "make it, or correct SETTLEMENT_TRINO_CONNECTION; then clear the task"
        raise AirflowFailException(f"there is no Airflow connection {chosen.connection!r}\n  → {hint}") from None
