"""Trino: runs a SELECT to its last row, and cancels it when whoever asked goes away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from settlement.engines.evidence import Evidence
from settlement.errors import EngineError

if TYPE_CHECKING:
    from trino.dbapi import Cursor

Row = tuple[Any, ...]
_SOURCE = "settlement"
_AGAIN = "then run again; nothing was published"
_MEMORY = ("EXCEEDED_LOCAL_MEMORY_LIMIT", "EXCEEDED_GLOBAL_MEMORY_LIMIT", "CLUSTER_OUT_OF_MEMORY", "EXCEEDED_MEMORY_LIMIT")
_HINTS = {
    **dict.fromkeys(_MEMORY, f"raise query.max-memory of Trino, or give it more machines, {_AGAIN}"),
    "HIVE_METASTORE_ERROR": f"see that the metastore runs and Trino reaches it, {_AGAIN}",
    "PERMISSION_DENIED": f"see what Trino's user may read, {_AGAIN}",
    "HIVE_FILESYSTEM_ERROR": f"see that the object store runs and which credentials Trino has, {_AGAIN}",
    "HIVE_CANNOT_OPEN_SPLIT": f"see that the object store runs and which credentials Trino has, {_AGAIN}",
    "HIVE_BAD_DATA": "the file isn't what the table declares: build the partition again",
    "NUMERIC_VALUE_OUT_OF_RANGE": "a value does not fit into its type: look for a wrong price, share or rate",
    "DIVISION_BY_ZERO": "a rule divides by nothing: look for a share or weight of 0",
    "EXCEEDED_TIME_LIMIT": f"raise query.max-run-time of Trino, {_AGAIN}",
    "NO_NODES_AVAILABLE": f"see that Trino has workers, {_AGAIN}",
    "SERVER_SHUTTING_DOWN": f"wait until Trino runs, {_AGAIN}",
}


@dataclass(frozen=True)
class Result:
    """What a SELECT gave.

    Attributes:
        columns: their names.
        rows: all of them.
        evidence: version and query id.
    """

    columns: tuple[str, ...]
    rows: list[Row]
    evidence: Evidence


@dataclass(frozen=True)
class TrinoEngine:
    """A Trino.

    Args:
        host, port: where it listens.
        catalog: in which the warehouse's databases are.
        user: who asks.
        scheme: http, or https where it asks for a password.
        password: of the user.
        properties: session properties of each query.
    """

    host: str
    port: int
    catalog: str = "hive"
    user: str = "settlement"
    scheme: str = "http"
    password: str = field(default="", repr=False)
    properties: dict[str, str] = field(default_factory=dict)

    def rows(self, sql: str, tags: Sequence[str] = ()) -> Result:
        """All rows of a SELECT: a result that nobody fetches to its end is no success.

        Interrupted, by whatever exception: the query is cancelled.

        Args:
            sql: one statement.
            tags: say in Trino's list of queries what it is for.

        Raises:
            EngineError: no connection, the query failed, or it was cancelled.
        """
        connection = self._connect(tags)
        try:
            result = self._drained(connection, sql)
        finally:
            with suppress(Exception):
                connection.close()
        return Result(result.columns, result.rows, Evidence(f"trino {self._version}", result.evidence.query_ids))

    @cached_property
    def _version(self) -> str:
        connection = self._connect(())
        try:
            ((version,),) = self._drained(connection, "SELECT version()").rows
        finally:
            with suppress(Exception):
                connection.close()
        return str(version)

    def _connect(self, tags: Sequence[str]) -> Any:
        from trino import auth, dbapi  # only who uses Trino needs it

        return dbapi.connect(  # type: ignore[no-untyped-call]
            host=self.host,
            port=self.port,
            user=self.user,
            source=_SOURCE,
            catalog=self.catalog,
            http_scheme=self.scheme,
            auth=auth.BasicAuthentication(self.user, self.password) if self.password else None,
            client_tags=[tag.replace(",", " ") for tag in tags],
            session_properties=dict(self.properties),
        )

    def _drained(self, connection: Any, sql: str) -> Result:
        cursor = connection.cursor()
        try:
            cursor.execute(sql)
            rows = [tuple(row) for row in cursor.fetchall()]
            self._require_finished(cursor)
        except BaseException as error:
            with suppress(Exception):
                cursor.cancel()
            if isinstance(error, EngineError) or not isinstance(error, Exception):
                raise
            raise self._error(error) from error
        return Result(tuple(c.name for c in cursor.description), rows, Evidence("trino", (str(cursor.query_id),)))

    def _require_finished(self, cursor: Cursor) -> None:
        state = (cursor.stats or {}).get("state")
        if state != "FINISHED":
            raise EngineError(f"Trino's query {cursor.query_id} is {state}, not FINISHED", "run it again")

    def _error(self, error: Exception) -> EngineError:
        from trino.exceptions import TrinoQueryError

        if isinstance(error, TrinoQueryError):
            first = error.message.splitlines()[0][:300] if error.message else "no message"
            return EngineError(f"Trino's query {error.query_id} failed: {first}", _HINTS.get(error.error_name or "", ""))
        where = f"{self.host}:{self.port}"
        hint = f"see that it runs and its address is right, {_AGAIN}"
        return EngineError(f"Trino at {where} can't be reached: {type(error).__name__}", hint)
