"""The ledger's database: opening, migrating, and transactions that are alone while they append."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import NullPool

from settlement.errors import SettlementError

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 60


def open_engine(url: str, lock_dir: Path) -> Engine:
    """An engine on a migrated database.

    Raises:
        SettlementError: the database can't be opened, or belongs to a newer package.
    """
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None})
    _single_writer(engine)
    try:
        with _locked(lock_dir / ".ledger-migration.lock"):
            _migrate(engine, url)
    except DatabaseError as error:
        raise SettlementError(f"the ledger can't be opened: {error.orig}", "check the warehouse's ledger and its disk") from None
    return engine


def _single_writer(engine: Engine) -> None:
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


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _migrate(engine: Engine, url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == newest:
        return
    config.attributes["engine"] = engine
    command.upgrade(config, "head")


@contextmanager
def append_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its first statement and commits as a whole."""
    try:
        with engine.connect().execution_options(append=True) as connection, connection.begin():
            yield connection
    except OperationalError as error:
        raise SettlementError(f"the ledger could not be written: {error.orig}", "nothing was recorded; run again") from None
