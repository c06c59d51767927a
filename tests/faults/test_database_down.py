"""The ledger's server is gone in the middle of a run (fault 33): a clear failure, nothing half recorded, a run that succeeds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from local.services.postgres import programs
from settlement.errors import LedgerUnavailable
from settlement.ledger import Ledger
from settlement.ledger import ledger as ledger_module
from tests.integration.bad import HouseIn
from tests.integration.databases import Database, houses_on, ledger, postgres
from tests.integration.house import Answer, House, Tree
from tests.integration.shelf import Shelf
from tests.unit.test_ledger import build

__all__ = ["ledger", "postgres"]


@pytest.fixture
def house_in(shelf: Shelf, postgres: Database) -> Iterator[HouseIn]:
    """Houses whose ledger is on the server, which runs when the test begins."""
    postgres.server.up()
    url = postgres.new()
    with houses_on(url, shelf) as taken:
        yield taken
    postgres.server.up()


def stop_at_once(postgres: Database) -> None:
    """What a crash of the server looks like to its clients."""
    server = postgres.server
    stop = [programs() / "pg_ctl", "stop", "--mode", "immediate", "--pgdata", server.home / "data"]
    subprocess.run([*server._as_owner(), *stop], check=True, capture_output=True, cwd=server.home)
    assert not server.running()


def lose_the_machine(postgres: Database) -> None:
    postgres.server.kill()


def assert_clear_refusal(answer: Answer) -> None:
    assert answer.code == 1, answer.said
    assert answer.err.count("error: ") == 1, answer.err
    assert "Traceback" not in answer.err
    assert "  → " in answer.err, "says what to do"
    assert "the ledger " in answer.err


def on_append(kind: str, stage: str, happens: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, after a record of this kind and stage was written and before anything is committed."""
    real = ledger_module.append_record
    left = [happens]

    def appended(*arguments: Any) -> object:
        record = real(*arguments)
        if left and (record.kind, record.stage) == (kind, stage):
            left.pop()()
        return record

    monkeypatch.setattr(ledger_module, "append_record", appended)


def recorded(house: House, kind: str, stage: str) -> int:
    return len(list(house.ledger.records(kind=kind, stage=stage)))


def assert_it_settles(house: House, shelf: Shelf) -> None:
    answer = house.run()
    assert answer.code == 0, answer.err
    assert house.exports() == shelf.expected()
    assert house.published() == shelf.published()
    assert set(house.counted("published").values()) == {1}
    house.assert_chain_holds()


@pytest.mark.fault(33)
def test_a_server_that_crashes_again_and_again_in_every_stage(
    shelf: Shelf, house_in: HouseIn, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time the run gets a little further; what it was about to record isn't there."""
    reports = shelf.published()
    shelf.expected()
    house = house_in("almost")
    for kind, stage, crash in (
        ("sealed", "raw", stop_at_once),
        ("published", "ods", lose_the_machine),
        ("sealed", "daily", stop_at_once),
        ("published", "pools", lose_the_machine),
        ("sealed", "lines", stop_at_once),
        ("published", "statements", lose_the_machine),
        ("approved", "", stop_at_once),
        ("closed", "", lose_the_machine),
    ):
        before = recorded(house, kind, stage)
        with monkeypatch.context() as patch:
            on_append(kind, stage, partial(crash, postgres), patch)
            answer = house.run()
        assert_clear_refusal(answer)
        assert "the ledger could not be written" in answer.said
        assert "nothing was recorded; run again" in answer.said
        postgres.server.up()
        assert recorded(house, kind, stage) == before, f"{kind} {stage}"
        assert house.published() == ({} if kind != "closed" else without_marker(reports))
    assert_it_settles(house, shelf)


def without_marker(reports: Tree) -> Tree:
    return {path: content for path, content in reports.items() if not path.endswith("_SUCCESS")}


@pytest.mark.fault(33)
def test_a_server_that_crashes_while_it_says_that_it_has_committed(
    shelf: Shelf, house_in: HouseIn, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The publication stands, though nobody was told: the next run finds it."""
    shelf.expected(), shelf.published()
    house = house_in("days")
    armed: list[bool] = []
    on_append("published", "statements", lambda: armed.append(True), monkeypatch)
    real = PGDialect_psycopg.do_commit

    def committed(dialect: PGDialect_psycopg, connection: Any) -> None:
        real(dialect, connection)
        if armed:
            armed.pop()
            stop_at_once(postgres)
            connection.execute("SELECT 1")  # what the client hears: the connection is lost

    monkeypatch.setattr(PGDialect_psycopg, "do_commit", committed)
    answer = house.run()
    assert_clear_refusal(answer)
    assert "whether it was recorded will be seen when it is run again" in answer.said
    postgres.server.up()
    assert len(house.ledger.heads("statements")) == 1
    assert_it_settles(house, shelf)


@pytest.mark.fault(33)
def test_a_server_that_crashes_before_the_ledger_is_read(
    shelf: Shelf, house_in: HouseIn, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.expected(), shelf.published()
    house = house_in("days")
    real = Ledger.postings
    left = [stop_at_once]

    def read(asked: Ledger, month: str) -> object:
        if left:
            left.pop()(postgres)
        return real(asked, month)

    monkeypatch.setattr(Ledger, "postings", read)
    answer = house.run()
    assert_clear_refusal(answer)
    assert "the ledger could not be read: connection failed" in answer.said
    assert "Connection refused" in answer.said
    postgres.server.up()
    house.assert_nothing_published()
    assert_it_settles(house, shelf)


def test_what_was_committed_outlives_the_machine(ledger: Ledger, postgres: Database) -> None:
    sealed = build("b1")
    ledger.seal(sealed)
    ledger.publish(sealed, {}, {})
    lose_the_machine(postgres)
    with pytest.raises(LedgerUnavailable, match="the ledger could not be written: connection failed") as refused:
        ledger.seal(build("b2", "b1"))
    assert "nothing was recorded; run again" in refused.value.hint
    postgres.server.up()
    assert [r.kind for r in ledger.records()] == ["sealed", "published"]
    assert ledger.problems() == []


def test_a_reader_whose_connection_is_ended_is_told_so(ledger: Ledger, postgres: Database) -> None:
    def read() -> None:
        with ledger_module.read_transaction(ledger._engine) as connection:
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            with postgres.superuser() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [pid])
            connection.exec_driver_sql("SELECT 1")

    with pytest.raises(LedgerUnavailable, match="could not be read: terminating connection due to administrator command"):
        read()


@pytest.mark.fault(33)
def test_a_server_that_is_gone_is_no_reason_to_settle_on_a_file(house_in: HouseIn, postgres: Database) -> None:
    house = house_in("days")
    stop_at_once(postgres)
    for answer in (house.run(), house.command("ledger", "verify"), house.command("ledger", "show")):
        assert_clear_refusal(answer)
        assert "the ledger can't be opened: connection failed" in answer.said
    assert not list(house.warehouse.glob("ledger.db*"))
