"""Airflow's own REST API, as hooks read it: one connection, one sign-in, one name for whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from airflow.sdk import BaseHook

CONNECTION = "settlement_airflow_api"
_TIMEOUT = 30


class Unreadable(Exception):
    """The API can't be read. The text is the reason; it never holds a password, nor what the API sent."""


class AirflowApiHook(BaseHook):
    """Base of the hooks that read Airflow's REST API, as the user of a connection (schema, host, port, login, password).

    Workers have no access to Airflow's database.
    """

    def __init__(self, conn_id: str = CONNECTION) -> None:
        super().__init__()
        self.conn_id = conn_id

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A client that has signed in.

        Raises:
            Unreadable: it couldn't sign in; or, while it is used: no answer, an error as answer, one of another form.
        """
        connection = self.get_connection(self.conn_id)
        base = f"{connection.schema or 'http'}://{connection.host}:{connection.port or 8080}"
        try:
            with httpx.Client(base_url=base, timeout=_TIMEOUT) as client:
                credentials = {"username": connection.login, "password": connection.password}
                token = client.post("/auth/token", json=credentials).raise_for_status().json()["access_token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield client
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError) as error:
            reason = f"HTTP {error.response.status_code}" if isinstance(error, httpx.HTTPStatusError) else str(error)
            raise Unreadable(reason) from None
