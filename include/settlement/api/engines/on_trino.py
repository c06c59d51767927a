"""Trino over the tables of builds: one connection a query, closed and cancelled with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from settlement.api.engines.running import BATCH_ROWS, Bounds, Running, too_much
from settlement.api.identity import Scope
from settlement.api.problems import Cancelled, TooLarge
from settlement.api.statement import Statement, for_trino
from settlement.api.tree import Tree
from settlement.api.trino_rules import user_of
from settlement.engines.places import BUILD, Pin, short_name
from settlement.errors import EngineError
from settlement.settings_trino import TrinoSettings
from settlement.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

_FIRST_ROWS = 512  # the first rows are sent before a whole batch is there
_READY = Bounds(30, 1)
_READS_TOO_MUCH = "the query reads more bytes than it may"
_USER_CANCELED, _TOO_MUCH = "USER_CANCELED", "EXCEEDED_SCAN_LIMIT"


@dataclass
class OnTrino:
    """Answers from the tables of builds in a metastore.

    Args:
        settings: where Trino is, and who asks.
        database: of the tables for people; that of builds is named after it.
        password: of the user, where Trino asks for one.
    """

    settings: TrinoSettings
    database: str
    password: str = field(default="", repr=False)
    name: str = field(default="trino", init=False)
    # Builds that the metastore has: they never change, so each is looked up once.
    _registered: set[tuple[str, str]] = field(default_factory=set, init=False, repr=False)

    @property
    def builds(self) -> str:
        return f"{self.database}_build"

    def statement(self, tree: Tree, schema: pa.Schema, pins: Mapping[Table, Sequence[Pin]]) -> Statement:
        return for_trino(tree, schema, pins, self.builds)

    def start(self, statement: Statement, scope: Scope, tag: str, bounds: Bounds) -> Running:
        return _Query(self, statement, user_of(scope, self.settings.user), tag, bounds)

    def check(self) -> None:
        connection = self.connect(self.settings.user, "ready", _READY)
        try:
            _execute(connection.cursor(), "SELECT 1", ())
        except Exception as error:
            raise self.told(error) from error
        finally:
            with suppress(Exception):
                connection.close()

    def connect(self, user: str, tag: str, bounds: Bounds) -> Any:
        from trino import auth, dbapi

        own = {
            "query_max_run_time": f"{max(1, round(bounds.seconds))}s",
            "query_max_scan_physical_bytes": f"{bounds.scan_bytes}B",
        }
        return dbapi.connect(  # type: ignore[no-untyped-call]
            host=self.settings.host,
            port=self.settings.port,
            user=user,
            source=f"{self.settings.source}-api",
            catalog=self.settings.catalog,
            http_scheme=self.settings.scheme,
            auth=auth.BasicAuthentication(self.settings.user, self.password) if self.password else None,
            client_tags=[tag],
            session_properties={**self.settings.limits, **own},
            request_timeout=self.settings.request_seconds,
        )

    def missing(self, table: Table, pins: Sequence[Pin]) -> list[str]:
        """Builds that haven't been looked up yet."""
        return sorted({build for _, build in pins} - {build for name, build in self._registered if name == table.name})

    def register(self, table: Table, builds: Sequence[str]) -> None:
        self._registered.update((table.name, build) for build in builds)

    def told(self, error: Exception) -> EngineError:
        """What went wrong, as an error for people: without the statement and its values."""
        from trino.exceptions import TrinoQueryError

        if isinstance(error, TrinoQueryError):
            first = error.message.splitlines()[0][:300] if error.message else "no message"
            return EngineError(
                f"Trino's query {error.query_id} failed: {first}", "try again, or narrow the period or the dimensions"
            )
        return EngineError(
            f"Trino at {self.settings.address} doesn't answer: {type(error).__name__}", "see that it runs, then try again"
        )


class _Query:
    def __init__(self, engine: OnTrino, statement: Statement, user: str, tag: str, bounds: Bounds) -> None:
        self._engine = engine
        self._statement = statement
        self._user = user
        self._tag = tag
        self._bounds = bounds
        self._is_cancelled = Event()
        self._lock = Lock()
        self._cursor: Any = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        connection = self._engine.connect(self._user, self._tag, self._bounds)
        try:
            for table, pins in self._statement.pins.items():
                self._require_registered(connection, table, pins)
            cursor = self._open(connection)
            _execute(cursor, self._statement.text, self._statement.values)
            yield from self._read(cursor)
        except (Cancelled, EngineError, TooLarge):
            raise
        except GeneratorExit:
            self.cancel()
            raise
        except Exception as error:
            if self._is_cancelled.is_set() or getattr(error, "error_name", "") == _USER_CANCELED:
                raise Cancelled("the query was cancelled", "") from None
            if getattr(error, "error_name", "") == _TOO_MUCH:
                raise too_much(_READS_TOO_MUCH, self._bounds) from None
            raise self._engine.told(error) from error
        finally:
            if self._is_cancelled.is_set():
                self.cancel()  # it may have begun only after it was cancelled
            self._cursor = None
            with suppress(Exception):
                connection.close()

    def progress(self) -> float | None:
        cursor = self._cursor
        percent = (cursor.stats or {}).get("progressPercentage") if cursor is not None else None
        return None if percent is None else min(float(percent) / 100, 1.0)

    def cancel(self) -> None:
        self._is_cancelled.set()
        with self._lock, suppress(Exception):
            if self._cursor is not None:
                self._cursor.cancel()

    def _open(self, connection: Any) -> Any:
        self._require_wanted()
        self._cursor = connection.cursor()
        return self._cursor

    def _read(self, cursor: Any) -> Iterator[pa.RecordBatch]:
        size = _FIRST_ROWS
        while rows := cursor.fetchmany(size):
            self._require_wanted()
            self._require_bounds(cursor)
            yield _batch(rows, self._statement.schema)
            size = BATCH_ROWS
        self._require_wanted()
        state = (cursor.stats or {}).get("state")
        if state != "FINISHED":
            raise EngineError(f"Trino's query {cursor.query_id} is {state}, not FINISHED", "try again")

    def _require_wanted(self) -> None:
        if self._is_cancelled.is_set():
            raise Cancelled("the query was cancelled", "")

    def _require_bounds(self, cursor: Any) -> None:
        """Trino itself looks once a second: what is over by then has to be looked at here."""
        if int((cursor.stats or {}).get("physicalInputBytes", 0)) > self._bounds.scan_bytes:
            with suppress(Exception):
                cursor.cancel()
            raise too_much(_READS_TOO_MUCH, self._bounds)

    def _require_registered(self, connection: Any, table: Table, pins: Sequence[Pin]) -> None:
        """A build that the metastore doesn't know would be no rows, without a word."""
        wanted = self._engine.missing(table, pins)
        if not wanted:
            return
        partitions = exp.table_(f"{short_name(table)}$partitions", db=self._engine.builds, quoted=True)
        column = exp.column(BUILD, quoted=True)
        among = exp.In(this=column, expressions=[exp.Placeholder() for _ in wanted])
        text = exp.select(column).distinct().from_(partitions).where(among).sql("trino")
        cursor = self._open(connection)
        _execute(cursor, text, tuple(wanted))
        found = [row[0] for row in cursor.fetchall()]
        lacking = sorted(set(wanted) - set(found))
        if lacking:
            raise EngineError(
                f"{table.name}: Trino doesn't know {len(lacking)} of the builds that are published, such as {lacking[0]}",
                "clear the publication of the stage: it registers its builds again",
            )
        self._engine.register(table, found)


def _execute(cursor: Any, text: str, values: Sequence[str | int]) -> None:
    cursor.execute(text, list(values)) if values else cursor.execute(text)


def _batch(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array(column, type=kind.type) for column, kind in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
