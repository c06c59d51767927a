"""The ledger on PostgreSQL: what a role may do that appends or reads, and that no password is ever shown."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import psycopg
import pytest

from settlement.errors import LedgerUnavailable, SettlementError
from settlement.ledger import Ledger
from settlement.settings import Settings, settings
from tests.integration.databases import Database, ledger, ledger_at, postgres
from tests.integration.house import settlement
from tests.unit.test_ledger import DAY, closed_month, published

__all__ = ["ledger", "postgres"]

CANARY = "canary-7Q"
CANARY_WRITTEN = "canary-7Q%2Fx"  # with a character that has to be written so

RIGHTS = """
    GRANT CONNECT ON DATABASE {database} TO ledger_writer, ledger_reader;
    GRANT SELECT ON record, head, alembic_version TO ledger_writer, ledger_reader;
    GRANT INSERT ON record TO ledger_writer;
    GRANT INSERT, UPDATE ON head TO ledger_writer;
"""


@pytest.fixture(scope="module")
def roles(postgres: Database) -> tuple[str, str]:
    """Names of a role that appends and one that reads; their password is the canary."""
    with postgres.superuser("postgres") as connection:
        for name in ("ledger_writer", "ledger_reader"):
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{CANARY}/x'".encode())
    return "ledger_writer", "ledger_reader"


def as_role(postgres: Database, role: str) -> str:
    return f"postgresql+psycopg://{role}:{CANARY_WRITTEN}@127.0.0.1:{postgres.server.port}/{postgres.name}"


@pytest.fixture
def shared(ledger: Ledger, postgres: Database, roles: tuple[str, str]) -> Database:  # noqa: ARG001
    """A ledger that both roles may use, each for its purpose."""
    assert list(ledger.records()) == []
    with postgres.superuser() as connection:
        connection.execute(RIGHTS.format(database=postgres.name).encode())
    return postgres


def test_a_role_that_appends_needs_no_more_than_to_insert(shared: Database, tmp_path: Path) -> None:
    ledger = Ledger(as_role(shared, "ledger_writer"), tmp_path)
    published(ledger)
    closed_month(ledger)
    assert ledger.problems() == []
    url = as_role(shared, "ledger_writer").replace("+psycopg", "")
    refused = ["UPDATE record SET kind = 'x'", "DELETE FROM record", "TRUNCATE record", "DELETE FROM head", "DROP TABLE record"]
    for statement in [*refused, "ALTER TABLE record DISABLE TRIGGER ALL", "CREATE TABLE other (n int)"]:
        with psycopg.connect(url, autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_a_role_that_reads_verifies_and_appends_nothing(shared: Database, tmp_path: Path) -> None:
    published(Ledger(as_role(shared, "ledger_writer"), tmp_path))
    reader = Ledger(as_role(shared, "ledger_reader"), tmp_path)
    assert reader.problems() == []
    with pytest.raises(LedgerUnavailable, match="permission denied for table record") as refused:
        reader.append("begun", "run", {}, DAY)
    assert "the role in SETTLEMENT_LEDGER_URL may not do that" in refused.value.hint


def test_a_role_that_may_not_migrate_says_who_may(postgres: Database, roles: tuple[str, str], tmp_path: Path) -> None:
    postgres.new()
    with postgres.superuser() as connection:
        connection.execute(f"GRANT CONNECT ON DATABASE {postgres.name} TO {roles[0]}".encode())
    with pytest.raises(LedgerUnavailable, match="can't be opened: permission denied for schema public") as refused:
        Ledger(as_role(postgres, roles[0]), tmp_path)
    assert "is opened once as its owner" in refused.value.hint


def test_a_ledger_of_a_newer_package_is_left_alone(ledger: Ledger, postgres: Database, tmp_path: Path) -> None:
    assert list(ledger.records()) == []
    with postgres.superuser() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerUnavailable, match=r"belongs to another version of the package: .* '9999'"):
        Ledger(postgres.url, tmp_path)


# -- no password is shown ----------------------------------------------------------------------------------------------


def everything_said(error: BaseException, caplog: pytest.LogCaptureFixture) -> str:
    """An error as whoever catches it can print it, with what was logged."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=False).format()
    chain = [f"{part!r} {part}" for part in (error, error.__cause__, error.__context__) if part is not None]
    return "\n".join([*lines, *chain, caplog.text])


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize(
    ("role", "database", "port", "says"),
    [
        ("nobody", "ledger", 0, "password authentication failed"),
        ("ledger_writer", "nothing", 0, 'database "nothing" does not exist'),
        ("ledger_writer", "ledger", 0, 'permission denied for database "ledger"'),
        ("ledger_writer", "ledger", 9, "Connection refused"),
    ],
)
def test_a_server_that_refuses_is_named_without_the_password(
    role: str, database: str, port: int, says: str, postgres: Database, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    url = f"postgresql+psycopg://{role}:{CANARY_WRITTEN}@127.0.0.1:{port or postgres.server.port}/{database}"
    with pytest.raises(LedgerUnavailable, match="the ledger can't be opened: connection failed") as refused:
        Ledger(url, tmp_path)
    assert says in str(refused.value)
    assert "check the server and SETTLEMENT_LEDGER_URL" in refused.value.hint
    assert CANARY not in everything_said(refused.value, caplog)


@pytest.mark.fault(32)
def test_nothing_that_is_logged_or_printed_shows_the_password(
    shared: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ledger = Ledger(as_role(shared, "ledger_reader"), tmp_path)
    with pytest.raises(LedgerUnavailable) as refused:
        published(ledger)
    shown = [repr(ledger), repr(ledger._engine), str(ledger._engine.url), everything_said(refused.value, caplog)]
    assert CANARY not in " ".join(shown)


def test_migrating_shows_no_password(postgres: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    password = postgres.server.password("ledger")
    with pytest.MonkeyPatch.context() as patch:
        configs = []
        patch.setattr("alembic.command.upgrade", lambda config, _: configs.append(config))
        Ledger(postgres.new(), tmp_path)
    [config] = configs
    options = dict(config.file_config.items(config.config_ini_section))
    assert password not in f"{options} {config.attributes} {config!r} {caplog.text}"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("mysql://u:{}@h/d", "neither sqlite:///<file> nor a server: not of the form postgresql+psycopg://<user>:"),
        ("postgresql://u:{}@h/d", "not of the form postgresql+psycopg://"),
        ("postgresql+psycopg://u:{}@h", "not of the form"),
        ("postgresql+psycopg://u:a@{}@h:5432/d", "write %2F, %3A, %40 and %25 for /, :, @ and %"),
        ("postgresql+psycopg://u:{}:x@h:y/d", "not of the form"),
        ("postgresql+psycopg://u@h/d?password={}", "a password after `?` would be shown"),
        ("{}", "not of the form"),
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_it(
    value: str, says: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SETTLEMENT_LEDGER_URL", value.format(CANARY))
    settings.cache_clear()
    with pytest.raises(SettlementError, match="SETTLEMENT_LEDGER_URL") as refused:
        settings()
    assert says in str(refused.value)
    assert CANARY not in everything_said(refused.value, caplog)
    answer = settlement("ledger", "verify", "--warehouse", "/nowhere")
    assert answer.code == 1
    assert CANARY not in answer.said
    monkeypatch.undo()
    settings.cache_clear()


def test_settings_hide_the_address(tmp_path: Path) -> None:
    with ledger_at(f"postgresql+psycopg://u:{CANARY}@127.0.0.1:9/d"):
        assert CANARY not in f"{settings()!r} {settings()} {settings().model_dump()} {settings().model_dump_json()}"
        assert CANARY in (Settings().ledger_url or pytest.fail("it is set")).get_secret_value()  # type: ignore[call-arg]
        (tmp_path / "warehouse").mkdir()
        answer = settlement("ledger", "verify", "--warehouse", tmp_path / "warehouse")
        assert answer.code == 1
        assert "the ledger can't be opened" in answer.said
        assert CANARY not in answer.said
