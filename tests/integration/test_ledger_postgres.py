"""The ledger on PostgreSQL: all that it does on SQLite, guards that nobody passes, and a month settled on it to the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest

from settlement.ledger import Ledger, postgresql
from tests.integration import test_ledger_chain as chain_on_sqlite
from tests.integration.bad import HouseIn
from tests.integration.databases import Database, Loose, houses_on, ledger, postgres
from tests.integration.example import MONTH
from tests.integration.house import House
from tests.integration.shelf import Shelf
from tests.unit import test_ledger as on_sqlite
from tests.unit.test_ledger import DAY, published

__all__ = ["ledger", "postgres"]


@pytest.fixture
def house_in(shelf: Shelf, postgres: Database) -> Iterator[HouseIn]:
    """Houses whose ledger is on the server. The shelf makes its states on files, for all tests."""
    url = postgres.new()
    with houses_on(url, shelf) as taken:
        yield taken


_OF_A_FILE = {
    "test_the_chain_refuses_edits",
    "test_opening_again_keeps_what_is_there",
    "test_anchors_may_lie_elsewhere",
    "test_an_anchor_that_was_edited_is_named",
    "test_the_newest_anchor_is_found_on_the_newest_day",
}


def _tests_of(module: ModuleType) -> dict[str, Callable[..., None]]:
    """A module's tests, which find this module's fixtures; but those that open the file, or no ledger."""
    return {name: test for name, test in vars(module).items() if name.startswith("test_") and name not in _OF_A_FILE}


globals().update(_tests_of(on_sqlite) | _tests_of(chain_on_sqlite))


def _rederive(connection: Loose) -> None:
    """Make the heads those of the chain, in words that are not SQLite's own."""
    connection.execute("DELETE FROM head")
    connection.execute(
        "INSERT INTO head SELECT stage, partition, version, build_id, seq FROM record WHERE seq IN "
        "(SELECT max(seq) FROM record WHERE kind = 'published' GROUP BY stage, partition, version)"
    )


@pytest.fixture(autouse=True)
def _attacks_reach_the_server(postgres: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(_: Path, *statements: str) -> None:
        with postgres.unguarded() as connection:
            for statement in statements:
                connection.execute(statement)

    def attack(_: House, *steps: Callable[[Any], object]) -> None:
        with postgres.unguarded() as connection:
            for step in steps:
                (_rederive if step is chain_on_sqlite.rederive else step)(connection)

    monkeypatch.setattr(on_sqlite, "edit", edit)
    monkeypatch.setattr(chain_on_sqlite, "attack", attack)


def test_opening_again_keeps_what_is_there_and_asks_for_no_lock(ledger: Ledger, postgres: Database, tmp_path: Path) -> None:
    published(ledger)
    with postgres.superuser() as connection, connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({postgresql._WRITERS})")
        again = Ledger(postgres.url, tmp_path)
        assert [r.hash for r in again.records()] == [r.hash for r in ledger.records()]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET kind = 'x'",
        "UPDATE record SET kind = 'x' WHERE seq = -1",
        "DELETE FROM record",
        "TRUNCATE record",
        "TRUNCATE record, head",
        "INSERT INTO record SELECT * FROM record ON CONFLICT (seq) DO UPDATE SET kind = 'x'",
        "SET session_replication_role = replica; DELETE FROM record",
    ],
)
def test_the_server_refuses_edits_even_of_those_who_may_do_everything(ledger: Ledger, postgres: Database, statement: str) -> None:
    published(ledger)
    with postgres.superuser() as connection, pytest.raises(psycopg.errors.IntegrityError, match="the ledger is append-only"):
        connection.execute(statement.encode())
    assert ledger.problems() == []


def test_a_truncated_chain_shows(ledger: Ledger, postgres: Database) -> None:
    published(ledger)
    with postgres.unguarded() as connection:
        connection.execute("TRUNCATE record, head")
    assert [p for p in ledger.problems() if "records were cut off after record 0" in p]


def test_a_run_settles_a_month_as_it_does_on_a_file(shelf: Shelf, house_in: HouseIn) -> None:
    expected, reports = shelf.expected(), shelf.published()
    house = house_in("new")
    answer = house.run()
    assert answer.code == 0, answer.err
    assert house.exports() == expected
    assert house.published() == reports
    assert not (house.warehouse / "ledger.db").exists()
    house.assert_chain_holds()
    assert house.command("preview", "--month", MONTH, "--reference", house.reference).code == 0, "over a fork of the ledger"


def test_a_run_s_name_may_be_as_long_as_on_a_file(ledger: Ledger) -> None:
    name = f"settlement_monthly/{'r' * 250}/statements.publish/3"
    ledger.append("alerted", name, {"task": "한국어 ☂"}, DAY)
    [record] = ledger.records(run_id=name)
    assert record.body == {"task": "한국어 ☂"}
    assert ledger.problems() == []
