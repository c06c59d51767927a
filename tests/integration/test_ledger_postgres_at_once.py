"""The ledger on PostgreSQL: one writer at a time, whatever the others do, and readings of one moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from settlement.errors import LedgerUnavailable, PublishRefused, SettlementError
from settlement.ledger import Build, Ledger, postgresql
from settlement.ledger import ledger as ledger_module
from settlement.ledger import verify as verify_module
from settlement.warehouse import Partition
from tests.integration.appending import RECORDS, append_many, open_ledger
from tests.integration.databases import Database, ledger, postgres
from tests.unit.test_ledger import DAY, build, closed_month, published

__all__ = ["ledger", "postgres"]


def test_two_processes_append_to_one_chain_without_gaps(ledger: Ledger, postgres: Database, tmp_path: Path) -> None:
    context = get_context("spawn")
    start = context.Barrier(2)
    writers = [context.Process(target=append_many, args=(postgres.url, tmp_path, f"run-{n}", start)) for n in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert [r.seq for r in ledger.records()] == list(range(1, 2 * RECORDS + 1))
    for n in (1, 2):
        assert [r.body["n"] for r in ledger.records(run_id=f"run-{n}")] == list(range(RECORDS))
    assert ledger.problems() == []


def test_processes_that_open_a_new_ledger_at_once_migrate_it_once(postgres: Database, tmp_path: Path) -> None:
    url, context = postgres.new(), get_context("spawn")
    start = context.Barrier(2)
    openers = [context.Process(target=open_ledger, args=(url, tmp_path, start)) for _ in range(2)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert [opener.exitcode for opener in openers] == [0, 0]
    published(Ledger(url, tmp_path))


def test_a_ledger_is_migrated_while_nobody_else_writes(
    postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "LOCK_SECONDS", 1)
    url = postgres.new()
    with postgres.superuser() as connection, connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({postgresql._WRITERS})")
        with pytest.raises(LedgerUnavailable, match="can't be opened: canceling statement due to lock timeout"):
            Ledger(url, tmp_path)
    published(Ledger(url, tmp_path))


def waiting(postgres: Database) -> None:
    """Until somebody waits for the writers' lock."""
    with postgres.superuser() as connection:
        while not connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
            time.sleep(0.02)


@pytest.mark.fault(9, 27)
def test_of_two_that_publish_at_once_the_second_decides_after_the_first(
    ledger: Ledger, postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is held between its decision and its record; the second must not decide meanwhile."""
    one, other = build("b1"), build("b2", run_id="run-2")
    for sealed in (one, other):
        ledger.seal(sealed)
    decided, go_on, ends = threading.Event(), threading.Event(), dict[str, object]()
    real = ledger_module.append_record

    def held(*arguments: Any) -> object:
        if "run-1" in arguments:
            decided.set()
            assert go_on.wait(60)
        return real(*arguments)

    monkeypatch.setattr(ledger_module, "append_record", held)

    def publish(sealed: Build) -> None:
        try:
            ends[sealed.build_id] = Ledger(postgres.url, tmp_path).publish(sealed, {}, {}).kind
        except SettlementError as error:
            ends[sealed.build_id] = error

    threads = [threading.Thread(target=publish, args=(sealed,)) for sealed in (one, other)]
    threads[0].start()
    assert decided.wait(60)
    threads[1].start()
    waiting(postgres)
    go_on.set()
    for thread in threads:
        thread.join()
    assert ends["b1"] == "published"
    assert isinstance(ends["b2"], PublishRefused)
    assert "was published by run run-1" in str(ends["b2"])
    assert len(list(ledger.records(kind="published"))) == 1
    assert ledger.problems() == []


def test_a_writer_that_waits_too_long_is_told_so_and_records_nothing(
    ledger: Ledger, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "LOCK_SECONDS", 1)
    with postgres.superuser() as connection, connection.transaction():
        connection.execute(f"SELECT pg_advisory_xact_lock({postgresql._WRITERS})")
        with pytest.raises(LedgerUnavailable, match="could not be written: canceling statement due to lock timeout") as refused:
            ledger.seal(build("b1"))
        assert "nothing was recorded; run again" in refused.value.hint
        assert "another process has been writing for too long" in refused.value.hint
        assert list(ledger.records()) == [], "readers wait for nobody"
    ledger.seal(build("b1"))


def test_a_writer_that_hangs_is_sent_away_and_the_next_one_goes_on(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "IDLE_SECONDS", 1)

    def hang() -> None:
        with ledger._appending() as connection:
            ledger_module.append_record(connection, "begun", "hangs", {}, DAY, "ods", "")
            ledger.seal(build("b1"))  # waits for the lock until the server takes it away
            ledger_module.append_record(connection, "begun", "hangs", {}, DAY, "ods", "")

    with pytest.raises(LedgerUnavailable, match="could not be written: terminating connection due to idle") as refused:
        hang()
    assert "nothing was recorded; run again" in refused.value.hint
    assert [r.kind for r in ledger.records()] == ["sealed"]
    assert ledger.problems() == []


def test_an_appended_record_is_on_disk_whatever_the_server_s_default_is(ledger: Ledger, postgres: Database) -> None:
    said = []
    for default in ("off", "local", "remote_apply"):
        with postgres.superuser() as connection:
            connection.execute(f"ALTER ROLE ledger SET synchronous_commit = {default}".encode())
        with ledger._appending() as connection:
            said.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar())
    with postgres.superuser() as connection:
        connection.execute("ALTER ROLE ledger RESET synchronous_commit")
    assert said == ["on", "on", "remote_apply"]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_what_is_published_while_the_ledger_is_verified_is_no_fault(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    published(ledger)
    real = verify_module._head_problems

    def meanwhile(*arguments: Any) -> Iterator[str]:
        sealed = build("b3", "b2")
        ledger.seal(sealed)
        ledger.publish(sealed, {}, {})
        return real(*arguments)

    monkeypatch.setattr(verify_module, "_head_problems", meanwhile)
    found = ledger.verify()
    assert list(found.problems) == []
    assert found.records == 4
    monkeypatch.undo()
    assert ledger.verify().records == 6


def test_reading_writes_nothing(ledger: Ledger) -> None:
    with (
        pytest.raises(LedgerUnavailable, match="cannot execute INSERT in a read-only transaction"),
        ledger_module.read_transaction(ledger._engine) as connection,
    ):
        ledger_module.append_record(connection, "begun", "run", {}, DAY, "ods", "")


def test_heads_come_in_the_order_of_their_partitions(ledger: Ledger) -> None:
    days = [Partition(f"2026-02-{day:02}") for day in (3, 1, 2)]
    for day in days:
        ledger.publish(replace(build(day.key), partition=day), {}, {})
    assert list(ledger.heads("ods")) == sorted(days)


def test_a_fork_is_a_file_with_every_row_that_was_wanted(ledger: Ledger, tmp_path: Path) -> None:
    with ledger._appending() as connection:
        for number in range(1500):  # more than are fetched at once
            ledger_module.append_record(connection, "begun", f"run-{number}", {"n": number}, DAY, "ods", "")
    published(ledger)
    closed_month(ledger)
    (tmp_path / "fork").mkdir()
    fork = ledger.fork(tmp_path / "fork", "2026-02")
    assert (tmp_path / "fork" / "ledger.db").exists()
    wanted = [r for r in ledger.records() if r.kind not in ("reserved", "approved", "closed")]
    assert list(fork.records()) == wanted
    assert fork.heads("ods") == ledger.heads("ods")
