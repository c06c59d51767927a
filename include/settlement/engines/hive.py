"""Hive through HiveServer2: runs a script statement by statement, cancels what runs when it is interrupted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from settlement.engines import ddl
from settlement.engines.evidence import Evidence
from settlement.engines.hive_errors import of_hive
from settlement.engines.places import full_name
from settlement.engines.script import Script
from settlement.errors import EngineError
from settlement.tables import Table

if TYPE_CHECKING:
    from pyhive.hive import Connection, Cursor  # type: ignore[import-untyped]

Row = tuple[Any, ...]
_CANCEL_POLLS = 12  # each waits some seconds for the end
_QUERY_ID = re.compile(r"\(queryId=([^)]+)\)")
_VERSION = re.compile(r"^\d+(\.\d+)*")


@dataclass(frozen=True)
class HiveEngine:
    """A HiveServer2.

    Args:
        host, port: where it listens.
        user: who asks; it reads and writes the warehouse.
        settings: of each session.
    """

    host: str
    port: int
    user: str = "settlement"
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, script: Script) -> Evidence:
        """Run a script in a session of its own.

        Interrupted, by whatever exception: the statement that runs is cancelled. What was written stays where nobody looks.

        Raises:
            EngineError: no connection, or the first statement that failed; those after it didn't run.
        """
        with self.session() as session:
            version = session.version()
            for statement in script.statements:
                session.run(statement)
            return Evidence(f"hive {version}", tuple(session.query_ids))

    def changes(self, tables: Sequence[Table], database: str, *, by_build: bool = True) -> list[str]:
        """What `ddl.changes` says of those of the tables that exist.

        Raises:
            EngineError: a table differs by more than a new nullable column.
        """
        with self.session() as session:
            there = {name for (name,) in session.rows(f"SHOW TABLES IN {database}")} if session.has(database) else set()
            return [
                statement
                for table in tables
                if table.name.replace(".", "_") in there
                for statement in ddl.changes(table, database, session.columns(table, database), by_build=by_build)
            ]

    @contextmanager
    def session(self) -> Iterator[HiveSession]:
        """A session, closed at the end; closing it ends what still runs in it."""
        try:
            connection = self._connect()
        except Exception as error:  # thrift, sasl and pyhive have no base in common
            raise of_hive(error, f"Hive at {self.host}:{self.port} can't be reached") from error
        try:
            yield HiveSession(connection, self._connect)
        finally:
            with suppress(Exception):  # the server may be gone: what went wrong before is what counts
                connection.close()
            with suppress(Exception):  # PyHive leaves it open when the server didn't answer
                connection._transport.close()

    def _connect(self) -> Connection:
        from pyhive import hive  # type: ignore[import-untyped]  # only who uses Hive needs it

        return hive.connect(self.host, self.port, username=self.user, configuration=dict(self.settings))


@dataclass
class HiveSession:
    """An open session: settings that are made in it hold until it ends. After an interruption it is of no more use."""

    connection: Connection
    connect: Callable[[], Connection]
    query_ids: list[str] = field(default_factory=list)

    def run(self, statement: str) -> None:
        """Run one statement to its end.

        Raises:
            EngineError: it failed.
        """
        with self._finished(statement):
            pass

    def rows(self, statement: str) -> list[Row]:
        """All rows of a statement."""
        with self._finished(statement) as cursor, _translated(statement):
            return list(cursor.fetchall())

    def version(self) -> str:
        """Such as `4.0.1`."""
        ((text,),) = self.rows("SELECT version()")
        found = _VERSION.match(text)
        return found[0] if found else str(text)

    def has(self, database: str) -> bool:
        return bool(self.rows(f"SHOW DATABASES LIKE '{database}'"))

    def columns(self, table: Table, database: str) -> list[tuple[str, str]]:
        """The columns of a table that exists, those of its partitions behind them."""
        return ddl.described(self.rows(f"DESCRIBE {full_name(table, database)}"))

    @contextmanager
    def _finished(self, statement: str) -> Iterator[Cursor]:
        cursor = self.connection.cursor()
        with _translated(statement):
            cursor.execute(statement, async_=True)
            try:
                self._wait(cursor, statement)
            except EngineError:
                raise
            except BaseException:
                with suppress(Exception):
                    self._cancel(cursor._operationHandle)
                raise
        try:
            yield cursor
        finally:
            with suppress(Exception):
                cursor.close()

    def _cancel(self, handle: Any) -> None:
        """Cancel an operation and wait until it has ended: over a connection of its own, since an answer to the interrupted
        one may still be on its way."""
        from TCLIService import ttypes  # type: ignore[import-untyped]

        with closing(self.connect()) as other:
            other.client.CancelOperation(ttypes.TCancelOperationReq(operationHandle=handle))
            for _ in range(_CANCEL_POLLS):
                answer = other.client.GetOperationStatus(ttypes.TGetOperationStatusReq(operationHandle=handle))
                if answer.operationState not in _running_states():
                    break

    def _wait(self, cursor: Cursor, statement: str) -> None:
        from TCLIService.ttypes import TOperationState  # type: ignore[import-untyped]

        state = TOperationState.INITIALIZED_STATE
        while state in _running_states():
            answer = cursor.poll(get_progress_update=False)  # the server answers when it ends, or after some seconds
            state = answer.operationState
        if not statement.startswith("SET "):
            self.query_ids += dict.fromkeys(found[1] for line in cursor.fetch_logs() if (found := _QUERY_ID.search(line)))
        if state != TOperationState.FINISHED_STATE:
            raise of_hive(answer.errorMessage or TOperationState._VALUES_TO_NAMES[state], _what(statement))


def _running_states() -> tuple[int, ...]:
    from TCLIService.ttypes import TOperationState

    return (TOperationState.INITIALIZED_STATE, TOperationState.PENDING_STATE, TOperationState.RUNNING_STATE)


@contextmanager
def _translated(statement: str) -> Iterator[None]:
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        raise of_hive(error, _what(statement)) from error


_TARGET = re.compile(r"INSERT OVERWRITE TABLE `[a-z0-9_]+`\.`([a-z]+)_([a-z0-9_]+)`")


def _what(statement: str) -> str:
    """A statement in few words: the table that an INSERT fills, else how it begins."""
    found = _TARGET.search(statement)
    return f"{found[1]}.{found[2]} failed on Hive" if found else f"Hive refused `{statement[:80]}`"
