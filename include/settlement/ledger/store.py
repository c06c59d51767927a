"""The ledger's database: opening, migrating, transactions that are alone while they append, and those that read."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from settlement.errors import LedgerUnavailable
from settlement.ledger import postgresql

BIT_BY_BIT = {"yield_per": 1000}  # the whole ledger isn't held in memory
_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 60
_SERVER = "postgresql"
_CHECK_FILE = "check the warehouse's ledger and its disk"
_CHECK_SERVER = "check the server and SETTLEMENT_LEDGER_URL, then run again"


def open_engine(url: str, lock_dir: Path) -> Engine:
    """An engine on a migrated database; `lock_dir` holds the lock that a file is migrated under.

    Raises:
        LedgerUnavailable: the database can't be opened, or belongs to a newer package.
        ValueError: the address is none.
    """
    engine = postgresql.open_server(url) if url.startswith(_SERVER) else _open_file(url)
    try:
        if _is_server(engine):
            _migrate_server(engine)
        else:
            with _locked(lock_dir / ".ledger-migration.lock"):
                _migrate_file(engine)
    except DBAPIError as error:
        hint = postgresql.hint_of(error) or (_CHECK_SERVER if _is_server(engine) else _CHECK_FILE)
        raise LedgerUnavailable(f"the ledger can't be opened: {_said(error)}", hint) from None
    return engine


def _open_file(url: str) -> Engine:
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _durable(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _immediate(connection: Connection) -> None:
        # Take the write lock at once: a reader that upgrades later could fail after it has decided.
        if connection.get_execution_options().get("append"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _is_server(engine: Engine) -> bool:
    return engine.dialect.name == _SERVER


# -- migrations ------------------------------------------------------------------------------------------------------


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _migrate_file(engine: Engine) -> None:
    with engine.connect() as connection:
        is_current = _is_current(connection)
    if not is_current:
        with engine.connect() as connection:
            _upgrade(connection)


def _migrate_server(engine: Engine) -> None:
    """All or nothing, in one transaction that holds the writers' lock; who finds it done needs no more than to read."""
    with engine.connect() as connection:
        if _is_current(connection):
            return
    options = {**postgresql.APPENDING, "append": True, "seconds": 0}  # building an index may take its time
    with engine.connect().execution_options(**options) as connection, connection.begin():
        _upgrade(connection)  # nothing, if somebody else did it meanwhile


def _is_current(connection: Connection) -> bool:
    newest = max(path.stem for path in (_MIGRATIONS / "versions").glob("[0-9]*.py")).split("_")[0]
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest


def _upgrade(connection: Connection) -> None:
    # A third of a step's start would be this import, and a ledger is migrated once.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerUnavailable(f"the ledger belongs to another version of the package: {error}", "install that one") from None


# -- transactions ----------------------------------------------------------------------------------------------------


@contextmanager
def append_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that is the only writer from its first statement, and commits as a whole.

    Raises:
        LedgerUnavailable: the database is gone or full, or another writer didn't end.
    """
    is_done = False
    try:
        options = {**_options(engine, postgresql.APPENDING), "append": True}
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
            is_done = True
    except DBAPIError as error:
        # A server that is lost while it commits has committed or not; every step that is repeated looks first.
        is_open = is_done and error.connection_invalidated
        what = "whether it was recorded will be seen when it is run again" if is_open else "nothing was recorded; run again"
        hint = f"{what}; {postgresql.hint_of(error)}".removesuffix("; ")
        raise LedgerUnavailable(f"the ledger could not be written: {_said(error)}", hint) from None


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction whose queries all see what was committed at one moment.

    Raises:
        LedgerUnavailable: the database is gone.
    """
    try:
        with engine.connect().execution_options(**_options(engine, postgresql.READING)) as connection:
            yield connection
    except DBAPIError as error:
        hint = postgresql.hint_of(error) or (_CHECK_SERVER if _is_server(engine) else _CHECK_FILE)
        raise LedgerUnavailable(f"the ledger could not be read: {_said(error)}", hint) from None


def _options(engine: Engine, of_server: Mapping[str, Any]) -> Mapping[str, Any]:
    return of_server if _is_server(engine) else {}


def _said(error: DBAPIError) -> str:
    """The database's own words on one line: without the statement and its values."""
    return " ".join(str(error.orig).split())
