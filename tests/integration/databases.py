"""A PostgreSQL of the tests' own, ledgers on it, and houses whose ledger is there."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import insert, make_url, select

from local.airflow import free_port
from local.on_services import in_this_process
from local.services.postgres import SUPERUSER, Postgres
from settlement.ledger import Ledger
from settlement.ledger.schema import metadata
from settlement.ledger.store import append_transaction, open_engine, read_transaction
from settlement.steps.place import open_ledger
from settlement.warehouse import Warehouse
from tests.integration.bad import HouseIn
from tests.integration.house import House
from tests.integration.shelf import Shelf


class Tied(Postgres):
    """Ends with the tests, however they end."""

    tied = True


@dataclass
class Database:
    """A server, and a database on it for each test.

    Attributes:
        server: may be stopped and started.
        url: of the newest database, as the role that owns it.
    """

    server: Postgres
    url: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def start(cls, state: Path) -> Database:
        server = Tied(state, {"postgres": free_port()})
        server.up()
        return cls(server)

    def new(self) -> str:
        """Address of a new, empty database."""
        name = f"ledger_{next(self._numbers)}"
        with self.superuser("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER ledger")
        self.url = self.server.url("ledger", database=name)
        return self.url

    @property
    def name(self) -> str:
        """The newest database's."""
        return str(make_url(self.url).database)

    @contextmanager
    def superuser(self, database: str | None = None) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """A connection that may do everything, each statement for itself."""
        url = self.server.url(SUPERUSER, "postgresql", database or self.name)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            yield connection

    @contextmanager
    def unguarded(self) -> Iterator[Loose]:
        """The newest database without its guards, as somebody has it who may do everything and puts them back."""
        with self.superuser() as connection, connection.transaction():
            for statement in ("DISABLE TRIGGER ALL", "DROP CONSTRAINT record_pkey"):  # it would hinder renumbering
                connection.execute(f"ALTER TABLE record {statement}".encode())
            yield Loose(connection)
            for statement in ("ENABLE TRIGGER ALL", "ADD PRIMARY KEY (seq)"):
                connection.execute(f"ALTER TABLE record {statement}".encode())


@dataclass
class Loose:
    """What tests written for SQLite do to a connection: `?` for values, a row factory that is there already."""

    connection: psycopg.Connection[dict[str, Any]]
    row_factory: object = None

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> psycopg.Cursor[dict[str, Any]]:
        return self.connection.execute(statement.replace("?", "%s").encode(), values or None)


@dataclass(frozen=True)
class Elsewhere(House):
    """A house whose ledger is where the settings say."""

    @property
    def ledger(self) -> Ledger:
        return open_ledger(Warehouse(self.warehouse))


def moved(house: House, url: str) -> Elsewhere:
    """The house with its ledger, if it has one, in another database; the file is gone."""
    file = house.warehouse / "ledger.db"
    target = open_engine(url, house.root)
    if file.exists():
        source = open_engine(f"sqlite:///{file}", house.root)
        with read_transaction(source) as old, append_transaction(target) as new:
            for table in metadata.sorted_tables:
                rows = [dict(row._mapping) for row in old.execute(select(table))]
                new.execute(insert(table), rows)
    for left in house.warehouse.glob("ledger.db*"):
        left.unlink()
    return Elsewhere(house.root, house.warehouse)


@contextmanager
def ledger_at(url: str) -> Iterator[None]:
    """The setting that names the ledger."""
    with in_this_process({"SETTLEMENT_LEDGER_URL": url}):
        yield


@contextmanager
def houses_on(url: str, shelf: Shelf) -> Iterator[HouseIn]:
    """Houses of the shelf, each with its ledger moved to a database."""
    with ExitStack() as stack:

        def taken(state: str) -> House:
            house = shelf.house(state)
            stack.enter_context(ledger_at(url))
            return moved(house, url)

        yield taken


@pytest.fixture(scope="module")
def postgres(work: Path) -> Iterator[Database]:
    """A server for the tests of a module."""
    state = Path(tempfile.mkdtemp(prefix="postgres-", dir=work))
    found = Database.start(state)
    yield found
    found.server.stop()
    shutil.rmtree(state)


@pytest.fixture
def ledger(postgres: Database, tmp_path: Path) -> Ledger:
    """A ledger in a new database of it."""
    return Ledger(postgres.new(), tmp_path)
