"""Queries of Trino: read to the end or no success, never two of one task, cancelled until they have really ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from trino.exceptions import TrinoQueryError

from settlement.engines.literals import sql_text
from settlement.settings_trino import TrinoSettings, trino_settings
from settlement_airflow.hooks.trino_connection import address_of, connect
from settlement_airflow.hooks.trino_errors import of_connection, of_query
from settlement_airflow.hooks.trino_names import QueryName

# A query that writes would write again when it is asked again; who writes is a build.
_READS = re.compile(r"(\s|--[^\n]*\n|\()*(SELECT|WITH|VALUES|TABLE|SHOW|DESCRIBE)\b", re.IGNORECASE)
_WATCH = "watch"  # part of the source of the hook's own queries
_TRIES = 3  # of requests that may be sent again: all but the one that submits
_PAGE = 1_000
_GRACE_SECONDS = 10.0  # Trino ends a query that takes too long; after this time more the client does
# For the moment between the first and the last signal to a worker: five seconds.
_QUICK_SECONDS = 3.0
_QUICK_REQUEST_SECONDS = 2.0
_PAUSE_SECONDS = 0.3
_NOT_RUNNING = ("NOT_SUPPORTED", "NOT_FOUND")  # of kill_query: it has ended, or is forgotten


class Stopped(AirflowException):
    """The task was cleared, marked or stopped: its query was cancelled."""


class StillAtWork(AirflowException):
    """A query was cancelled and hasn't ended: nothing new may be asked beside it."""


@dataclass(frozen=True)
class Result:
    """What a query gave.

    Args:
        query_id: Trino's.
        columns: their names.
        rows: all of them.
    """

    query_id: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class TrinoQueryHook(BaseHook):
    """Asks a query for an attempt of a task.

    It uses the provider's `TrinoHook` to connect and sign in only. Its `run` takes what was executed for done, whether or not
    its result was fetched; repeats a submission whose answer was lost; and cancels nothing when its task ends.
    """

    def __init__(self, chosen: TrinoSettings | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self.settings = chosen or trino_settings()
        self._sleep = sleep
        self._name: QueryName | None = None
        self._watching: Any = None
        self._quick: Any = None
        self._stopped = False
        self._address = self.settings.address

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(
        self,
        name: QueryName,
        sql: str,
        *,
        seconds: float | None = None,
        max_rows: int | None = None,
        started: Callable[[str, str], None] = lambda query, page: None,  # noqa: ARG005
    ) -> Result:
        """All rows of a query, read to its end.

        Before it is asked, what other attempts of the same task left at work is cancelled, and has ended.

        Killed at any point → the next attempt cancels the query; interrupted by an exception → it has ended before that
        goes on. An answer to the submission that is lost → it isn't submitted again; it is looked for and cancelled.

        Args:
            name: of the attempt.
            sql: one statement that reads; never with a secret in it: Trino shows it.
            seconds: how long it may take, its wait in the queue included; default: the settings'.
            max_rows: more rows are a failure; default: the settings'.
            started: told Trino's id of the query and the address of its page, as soon as they are known.

        Raises:
            AirflowFailException: refused, too long, too many rows, overtaken by a newer attempt; another try doesn't help.
            AirflowException: what may pass.
            Stopped: `stop` was called.
            StillAtWork: a query of an earlier attempt doesn't end.
        """
        if not _READS.match(sql):
            raise AirflowFailException(
                f"{name}: a query only reads, this one begins with {sql.strip()[:40]!r}\n"
                f"  → what writes is a build; correct the query, then clear the task"
            )
        self._name = name
        with self._in_words(name):
            watch = f"{self.settings.source}/{_WATCH}"
            self._watching = connect(self.settings, watch)
            self._address = address_of(self._watching)  # an Airflow connection may say another than the settings
            quick = self.settings.model_copy(update={"request_seconds": _QUICK_REQUEST_SECONDS})
            self._quick = connect(quick, watch)  # made now: a signal handler must not look up connections
            self._end_older(name)
        self._require_going()
        limit = seconds or self.settings.run_seconds
        limits = {**self.settings.limits, "query_max_run_time": f"{limit:.0f}s"}
        with self._in_words(name):
            opened = connect(self.settings, name.source(self.settings.source), name.tags(), limits)
        with closing(opened) as connection:
            asked = _Asked(self, connection, time.monotonic() + limit + _GRACE_SECONDS, started)
            return self._drained(asked, name, sql, self.settings.max_rows if max_rows is None else max_rows)

    def _drained(self, asked: _Asked, name: QueryName, sql: str, most: int) -> Result:
        cursor = asked.cursor
        try:
            cursor.execute(sql)
            rows: list[tuple[Any, ...]] = []
            while page := cursor.fetchmany(_PAGE):
                rows += map(tuple, page)
                if len(rows) > most:
                    hint = "ask for less, or raise its max_rows; then clear the task"
                    raise AirflowFailException(f"{name}: query {cursor.query_id} has more than {most} rows\n  → {hint}")
            state = cursor.stats.get("state")
            if state != "FINISHED":  # whoever read the last page has no result before Trino says so
                raise AirflowException(f"{name}: query {cursor.query_id} is {state}, not FINISHED\n  → the task tries again")
            self._require_going()
            return Result(str(cursor.query_id), tuple(column.name for column in cursor.description), rows)
        except TrinoQueryError as error:  # it has ended
            self._require_going()
            raise of_query(error, str(name)) from None
        except BaseException as error:
            self._end_own(name, cursor)
            if isinstance(error, AirflowException) or not isinstance(error, Exception):
                raise
            self._require_going()
            raise of_connection(error, str(name), self._address) from None

    # -- ending ------------------------------------------------------------------------------------------------------

    def _end(self, ids: Sequence[str]) -> None:
        """Cancel queries and return when all of them have ended, as `system.runtime.queries` tells.

        Raises:
            StillAtWork: one is still at work after `confirm_seconds`.
        """
        until = time.monotonic() + self.settings.confirm_seconds
        live, refused = list(ids), ""
        while live:
            refused = next((said for query in live if (said := _kill(self._watching, query))), refused)
            live = [query for query, _ in _live(self._watching, f"query_id IN ({', '.join(map(sql_text, ids))})")]
            if live and time.monotonic() > until:
                said = f"; Trino says: {refused}" if refused else ""
                raise StillAtWork(
                    f"cancelled, and still at work after {self.settings.confirm_seconds:.0f} s: {', '.join(live)}{said}\n"
                    f"  → nothing new was asked beside it; look at it in Trino, the task tries again"
                )
            if live:
                self._sleep(_PAUSE_SECONDS)

    def stop(self) -> None:
        """Cancel what this hook asked, at once, and see that it has ended: called in the worker's signal handler.

        Over a connection of its own, since the interrupted code may hold a lock. What isn't done in time the next attempt does.
        """
        self._stopped = True
        name, quick = self._name, self._quick
        if name is None or quick is None:
            return
        until = time.monotonic() + _QUICK_SECONDS
        own = f"source = {sql_text(name.source(self.settings.source))}"
        try:
            if not (ids := [query for query, _ in _live(quick, own, until)]):
                return
            self.log.info("Cancelling query %s", ", ".join(ids))
            while live := [query for query, _ in _live(quick, own, until)]:
                for query in live:
                    _kill(quick, query, until)
                time.sleep(_PAUSE_SECONDS)
            self.log.info("Cancelled and ended: query %s", ", ".join(ids))
        except Exception as error:  # whatever it is: the signal's handler ends, and so does the task
            self.log.warning("Can't cancel now (%s): the next attempt does", type(error).__name__)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _end_older(self, name: QueryName) -> None:
        source = self.settings.source
        found = _live(self._watching, f"starts_with(source, {sql_text(name.of_task(source))})")
        attempts = {query: attempt for query, its in found if (attempt := name.attempt_of(its, source)) is not None}
        if any(attempt > name.attempt for attempt in attempts.values()):
            raise AirflowFailException(f"{name} is overtaken by a newer attempt\n  → nothing: that one goes on")
        if attempts:
            self.log.warning("Cancelling what earlier attempts left at work: query %s", ", ".join(attempts))
            self._end(list(attempts))
            self.log.info("Cancelled and ended: query %s", ", ".join(attempts))

    def _end_own(self, name: QueryName, cursor: Any) -> None:
        """Cancel the query of this attempt, whether or not its id is known; what can't be done now the next attempt does."""
        cursor._request.max_attempts = 1
        with suppress(Exception):  # the protocol's own way; the list of queries tells what came of it
            cursor.cancel()
        try:
            live = _live(self._watching, f"source = {sql_text(name.source(self.settings.source))}")
            self._end([query for query, _ in live])
        except StillAtWork as error:
            self.log.warning("%s", error)
        except Exception as error:  # what went wrong before is what counts
            self.log.warning("Can't see whether the query has ended (%s): the next attempt does", type(error).__name__)

    def _require_going(self) -> None:
        if self._stopped:
            raise Stopped("the task was cleared, marked or stopped; its query was cancelled")

    @contextmanager
    def _in_words(self, name: QueryName) -> Any:
        try:
            yield
        except AirflowException:
            raise
        except TrinoQueryError as error:
            raise of_query(error, str(name)) from None
        except Exception as error:
            raise of_connection(error, str(name), self._address) from None


class _Asked:
    """A query on its way: looks at every answer of Trino whether it may go on."""

    def __init__(self, hook: TrinoQueryHook, connection: Any, until: float, started: Callable[[str, str], None]) -> None:
        self.cursor = connection.cursor(stats_callback=self._heard)
        self._hook = hook
        self._until = until
        self._started = started
        self._is_known = False

    def _heard(self, stats: dict[str, Any]) -> None:
        query = stats["queryId"]
        if not self._is_known:
            self._is_known = True
            # The submission was sent once: a second one would be a second query. Now every request may be sent again. The
            # client has a setting for each request, which its cursor doesn't show.
            self.cursor._request.max_attempts = _TRIES
            page = f"{self._hook._address}/ui/query.html?{query}"
            self._hook.log.info("Asked Trino: query %s, %s", query, page)
            self._started(query, page)
        self._hook._require_going()
        if time.monotonic() > self._until:
            hint = "see in Trino what it waited for, or raise SETTLEMENT_TRINO_RUN_SECONDS; then clear the task"
            raise AirflowFailException(f"query {query} took longer than it may; it was cancelled\n  → {hint}")


def _live(connection: Any, which: str, until: float | None = None) -> list[tuple[str, str]]:
    """Id and source of the queries that have not ended."""
    sql = f"SELECT query_id, source FROM system.runtime.queries WHERE state NOT IN ('FINISHED', 'FAILED') AND {which}"
    return [(query, source) for query, source in _rows(connection, sql, until)]


def _kill(connection: Any, query: str, until: float | None = None) -> str:
    """Ask Trino to end a query; what it says when it refuses, else nothing."""
    why = "ended by its task: cleared, stopped, or tried again"
    try:
        _rows(connection, f"CALL system.runtime.kill_query(query_id => {sql_text(query)}, message => {sql_text(why)})", until)
    except TrinoQueryError as error:
        return "" if error.error_name in _NOT_RUNNING else f"{error.message} ({error.error_name})"
    return ""


def _rows(connection: Any, sql: str, until: float | None) -> list[list[Any]]:
    def in_time(_: dict[str, Any]) -> None:
        if until is not None and time.monotonic() > until:
            raise TimeoutError

    cursor = connection.cursor(stats_callback=in_time)
    cursor.execute(sql)
    found: list[list[Any]] = cursor.fetchall()
    return found
