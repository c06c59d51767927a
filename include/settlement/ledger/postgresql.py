"""The ledger on a PostgreSQL server: its address, how long anything may wait, and who may append.

Reading takes REPEATABLE READ: the chain and the heads are those of one moment, or `verify` would find fault with what is
published meanwhile. Appending takes a lock that only one transaction of the database holds, and READ COMMITTED: each
statement after the lock sees all that was committed before the lock was given. A snapshot (REPEATABLE READ, SERIALIZABLE)
would be taken by the statement that waits for the lock: what it waited for would not be in it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import NullPool

SCHEME = "postgresql+psycopg://"
READING = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
APPENDING = {"isolation_level": "READ COMMITTED"}
LOCK_SECONDS = 60  # for the other writers
IDLE_SECONDS = 30  # of a writer that hangs or is lost: the server ends its transaction before the others give up
STATEMENT_SECONDS = 120
_CONNECT_SECONDS = 10
_SILENT_SECONDS = 60  # of a server that is gone without a word
# The number of the lock that writers take, `settle` in ASCII. A table lock would need the right to update or truncate it.
_WRITERS = 0x736574746C65
# Whatever the server's default is, a commit that is answered has reached the disk, and that of a synchronous standby.
_DURABLE = (
    "set_config('synchronous_commit', "
    "CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)"
)
_NO_LOCK, _NO_RIGHT = "55P03", "42501"


def parse(address: str) -> URL:
    """The address of a ledger on a server.

    Raises:
        ValueError: what is wrong with it; never shows it, since it holds a password.
    """
    form = f"{SCHEME}<user>:<password>@<host>:<port>/<database>"
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url is None or not address.startswith(SCHEME) or not url.database or "@" in (url.host or ""):
        raise ValueError(f"not of the form {form}; in user and password write %2F, %3A, %40 and %25 for /, :, @ and %")
    if url.query.keys() & {"password", "sslpassword"}:
        raise ValueError(f"a password after `?` would be shown in messages: write {form}")
    return url


def open_server(address: str) -> Engine:
    """An engine for the server; nothing is asked of it yet. What the address says after `?` goes before what is set here."""
    url = parse(address)
    usual: dict[str, Any] = {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "settlement",
        "keepalives_idle": _SILENT_SECONDS // 2,
        "keepalives_interval": _SILENT_SECONDS // 6,
        "keepalives_count": 3,
        "tcp_user_timeout": _SILENT_SECONDS * 1000,
        "prepare_threshold": None,  # a connection lives for one transaction
    }
    own = {name: value for name, value in usual.items() if name not in url.query}
    engine = create_engine(url, poolclass=NullPool, connect_args=own, use_native_hstore=False)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    """The limits of a transaction and, if it appends, the writers' lock: before its first statement."""
    options = connection.get_execution_options()
    local = {"statement_timeout": f"{options.get('seconds', STATEMENT_SECONDS)}s"}
    if options.get("append"):
        local |= {"lock_timeout": f"{LOCK_SECONDS}s", "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s"}
    limits = [f"set_config('{name}', '{value}', true)" for name, value in local.items()]
    connection.exec_driver_sql(f"SELECT {', '.join([*limits, _DURABLE])}")
    if options.get("append"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def hint_of(error: DBAPIError) -> str:
    """What to do about an error of the server; empty when nothing is to be said beside that one may try again."""
    hints = {
        _NO_LOCK: "another process has been writing for too long: the server's pg_stat_activity names it (settlement)",
        _NO_RIGHT: "the role in SETTLEMENT_LEDGER_URL may not do that; a new or an older ledger is opened once as its owner",
    }
    return hints.get(getattr(error.orig, "sqlstate", None) or "", "")
