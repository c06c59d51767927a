"""Faults 22 to 24, 9 and 27 on real servers: what Trino, Hive and DuckDB see while partitions are published, and by whom."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import pytest

from local.services.stack import Stack
from settlement.engines.hive import HiveEngine
from settlement.errors import AuditFailed, SettlementError
from settlement.steps import tasks
from settlement.steps.compute import hive_of
from settlement.steps.place import Place
from settlement.steps.remote import Prepared
from settlement.steps.tasks import Run
from tests.faults.racing import AT_THE_BARRIER, stop_before
from tests.integration.example import FIRST
from tests.integration.scheduled import change_rules
from tests.integration.shelf import Shelf
from tests.services.served import Rows, Served, rows_of, served
from tests.worlds.plain import play

LINES, COLUMNS = "mart_settlement_daily", ("product_id", "track_id", "right_type", "partner_id", "plays", "amount_uwon")
PUBLICATIONS = 4
PATIENCE_SECONDS = 240  # the machine may be busy
SHARE = "105000"  # of the revenue, in millionths: what the example's rate card says


@pytest.fixture(scope="module")
def settled(services: Stack, shelf: Shelf) -> Iterator[Served]:
    """The first day's plays are published, its lines aren't. Partner 4 has a right in the track of the shorter play only."""
    house = shelf.house("new")
    plays = (play(FIRST, "short"), play(FIRST, "long", track_id=2, ms_played=90_000))
    name = next(house.folder("plays", FIRST).glob("*.jsonl.gz")).name
    house.land("plays", FIRST, {name: b"".join(one.line + b"\n" for one in plays)})
    with served(services, house, ("raw", "ods")) as made:
        yield made


@pytest.fixture
def day(settled: Served) -> Iterator[Served]:
    """The day of the module; its rules are as they were before the next test takes it."""
    before = {path: path.read_bytes() for path in settled.house.reference.iterdir()}
    yield settled
    for path, content in before.items():
        path.write_bytes(content)


def begun(day: Served, run: str, share: int) -> Run:
    """A run that goes by another share of the revenue: other shares, other lines."""
    card = day.house.reference / "rate_card.csv"
    before = card.read_text("utf-8")
    card.write_text(before.replace(SHARE, str(share)), "utf-8")
    started = day.begin(run)
    card.write_text(before, "utf-8")
    return started


# -- 22: no reader ever sees half a partition, no write doubles rows -------------------------------------------------------


@dataclass
class Reader:
    """Reads the day again and again until it is told to stop."""

    read: Callable[[], Rows]
    stop: threading.Event
    found: list[Rows] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)

    def __call__(self) -> None:
        while not self.stop.is_set():
            try:
                self.found.append(self.read())
            except Exception as error:
                self.trouble.append(error)
                return


@pytest.mark.long
def test_22_no_reader_ever_sees_anything_but_one_whole_build(day: Served) -> None:
    """Two builds of the day take turns as its head while Trino, Hive and DuckDB read it without a pause."""
    runs = [begun(day, f"turns/{share}", share) for share in (200_000, 300_000)]
    whole = []
    for run in runs:
        day.candidate(run)
        assert day.publish(run) == "new"
        whole.append(day.by_trino(LINES, COLUMNS))
    assert len(whole[0]) > 1
    assert whole[0] != whole[1]
    stop, context = threading.Event(), day.context(runs[0])
    with day.hive.cursor(day.name) as cursor:
        readers = [
            Reader(lambda: day.by_trino(LINES, COLUMNS), stop),
            Reader(lambda: rows_of(cursor, LINES, COLUMNS), stop),
            Reader(lambda: day.by_duckdb(context, LINES, COLUMNS), stop),
        ]
        threads = [threading.Thread(target=reader) for reader in readers]
        for thread in threads:
            thread.start()
        try:
            for number in range(PUBLICATIONS):
                day.candidate(runs[number % 2])
                assert day.publish(runs[number % 2]) == "new"
                assert day.by_trino(LINES, COLUMNS) == day.by_hive(LINES, COLUMNS) == whole[number % 2]
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
    for reader in readers:
        assert reader.trouble == []
        assert [rows for rows in reader.found if rows not in whole] == [], "it saw what nobody has published"
        assert all(rows in reader.found for rows in whole), "it saw both builds"


def _run_and_die(statements: Sequence[str], hive: HiveEngine) -> None:
    """A worker that is killed when its last statement has been done, before it can tell."""
    with hive.session() as session:
        for statement in statements:
            session.run(statement)
        os.kill(os.getpid(), signal.SIGKILL)


def test_22_a_write_that_is_done_again_after_its_worker_was_killed_doubles_no_row(day: Served) -> None:
    """By Hive, into the very build that the first try has filled; and nobody but who knows the build sees it (24)."""
    run = day.begin("retried/1")
    with day.settings("emr"):
        prepared = tasks.build(Place.open(), run, "daily", attempt="1")
        assert isinstance(prepared, Prepared)
        again = tasks.build(Place.open(), run, "daily", attempt="1")
        assert isinstance(again, Prepared)
        assert (again.build_id, again.script) == (prepared.build_id, prepared.script), "the retry means the same build"
    statements = [line.removesuffix(";") for line in prepared.script.splitlines()]
    first = next(number for number, line in enumerate(statements) if line.startswith("INSERT"))
    table = statements[first].partition("`.`")[2].partition("`")[0]
    columns, seen = ("build", "count(*)"), day.partitions(table)
    worker = multiprocessing.get_context("spawn").Process(target=_run_and_die, args=(statements[: first + 1], hive_of()))
    worker.start()
    worker.join(PATIENCE_SECONDS)
    assert worker.exitcode == -signal.SIGKILL
    counted = [_counted(day, table, prepared.build_id)]
    with hive_of().session() as session:
        for statement in statements[: first + 1]:
            session.run(statement)
    counted.append(_counted(day, table, prepared.build_id))
    assert counted[0] == counted[1], columns
    assert counted[0][0] > 0
    assert day.partitions(table) == seen, "written is not published"


def _counted(day: Served, table: str, build: str) -> tuple[int, int]:
    """Rows of a build in the table of builds: by Trino and by Hive."""
    where = f"FROM {day.name}_build.{table} WHERE build = '{build}'"
    with day.trino.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {where.replace('FROM ', 'FROM hive.')}")
        ((by_trino,),) = cursor.fetchall()
    with day.hive.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {where}")
        ((by_hive,),) = cursor.fetchall()
    assert by_trino == by_hive
    return by_trino, by_hive


# -- 23: an overwrite removes what has no rows any more ------------------------------------------------------------------


def test_23_a_partner_without_rows_is_gone_after_the_day_was_published_again(day: Served) -> None:
    first = begun(day, "partners/1", 400_000)
    day.candidate(first)
    assert day.publish(first) == "new"
    assert partners(day, first) == [{"1", "2", "3", "4"}] * 3
    change_rules(day.house)  # the shorter play doesn't count any more
    second = begun(day, "partners/2", 400_000)
    plays = day.head("ods")
    day.candidate(second, "ods")
    with day.settings("duckdb"):  # nobody reads the plays here
        assert day.publish(second, "ods") == "new"
    day.candidate(second)
    assert day.publish(second) == "new"
    assert partners(day, second) == [{"1", "2", "3"}] * 3
    assert day.head("ods") != plays


def partners(day: Served, run: Run) -> list[set[str]]:
    """The partners with lines, as each engine reads them; rights that nobody has are nobody's (0)."""
    of = ("partner_id",)
    found = [day.by_trino(LINES, of), day.by_hive(LINES, of), day.by_duckdb(day.context(run), LINES, of)]
    return [{partner for (partner,) in rows} - {"0"} for rows in found]


# -- 24: bad data isn't visible before its audit -------------------------------------------------------------------------


def test_24_what_was_not_audited_or_failed_its_audit_is_visible_to_nobody(day: Served) -> None:
    good, bad = begun(day, "audited/good", 500_000), begun(day, "audited/bad", 600_000)
    seen = day.partitions(LINES)
    day.candidate(good)
    assert day.partitions(LINES) == seen, "audited is not published"
    day.publish(good)
    assert day.partitions(LINES) == [f"dt={FIRST}"]
    before = day.by_trino(LINES, COLUMNS)
    with day.settings("duckdb"):
        assert tasks.build(Place.open(), bad, "daily").outcome == "sealed"
    with pytest.raises(AuditFailed):
        day.publish(bad)
    spoil(day, bad)
    with pytest.raises(AuditFailed, match="are not those that were sealed"):
        tasks.audit(Place.open(), bad, "daily")
    with pytest.raises(AuditFailed):
        day.publish(bad)
    for now in (day.by_trino(LINES, COLUMNS), day.by_hive(LINES, COLUMNS), day.by_duckdb(day.context(bad), LINES, COLUMNS)):
        assert now == before


def spoil(day: Served, run: Run) -> None:
    """Somebody writes into a file of a candidate."""
    context = day.context(run)
    result = context.ledger.result(run.run_id, "daily", run.partition)
    assert result is not None
    folder = context.warehouse.build_dir("mart.settlement_daily", run.partition, result.build_id)
    file = next(path for path in folder.iterdir() if path.name.endswith(".parquet"))
    file.write_bytes(file.read_bytes()[:-1])


# -- 9 and 27: one publisher ---------------------------------------------------------------------------------------------


def _publish(run: Run, other: Connection) -> None:
    """A worker that publishes, held before it asks the ledger."""
    stop_before("settlement.ledger.ledger:Ledger.publish", other)
    try:
        done = tasks.publish(Place.open(), run, "daily")
    except SettlementError as error:
        other.send((type(error).__name__, error.message))
    else:
        other.send((done.outcome, done.sentence))


@pytest.mark.fault(9, 27)
@pytest.mark.parametrize(("shares", "loser"), [((710_000, 720_000), "PublishRefused"), ((730_000, 730_000), "same")])
def test_of_two_workers_that_publish_a_day_at_once_one_does_and_the_other_names_it(
    shares: tuple[int, int], loser: str, day: Served
) -> None:
    if not day.partitions(LINES):  # of two that make the tables for people at once, one may have to try again
        before = begun(day, f"race/before-{shares[0]}", shares[0] + 1)
        day.candidate(before)
        day.publish(before)
    runs = [begun(day, f"race/{who}-{shares[0]}", share) for who, share in zip(("manual", "backfill"), shares, strict=True)]
    for run in runs:
        day.candidate(run)
    said = _at_once(runs)
    published = list(day.house.ledger.records(kind="published", stage="daily", partition=FIRST))[-1]
    winner = next(number for number, run in enumerate(runs) if run.run_id == published.run_id)
    outcome, sentence = said[1 - winner]
    assert (said[winner][0], outcome) == ("new", loser), said
    assert runs[winner].run_id in sentence
    assert day.head() == published.build_id
    expected = day.by_duckdb(day.context(runs[winner]), LINES, COLUMNS)
    assert day.by_trino(LINES, COLUMNS) == expected, "the metastore follows the winner"
    assert day.house.ledger.problems() == []


def _at_once(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Publish in a process for each run, all of them let go when the last has come so far; how each ended."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in runs]
    workers = [context.Process(target=_publish, args=(run, theirs)) for run, (_, theirs) in zip(runs, pipes, strict=True)]
    for worker in workers:
        worker.start()
    for ours, _ in pipes:
        assert ours.poll(PATIENCE_SECONDS)
        assert ours.recv() == AT_THE_BARRIER
    for ours, _ in pipes:
        ours.send("go")
    said = []
    for ours, _ in pipes:
        assert ours.poll(PATIENCE_SECONDS)
        said.append(ours.recv())
    for worker in workers:
        worker.join(PATIENCE_SECONDS)
    return said


def _publish_slowly(run: Run, other: Connection) -> None:
    """A worker that is held between its publication and the metastore."""
    stop_before("settlement.steps.publish:follow", other)
    other.send(tasks.publish(Place.open(), run, "daily").outcome)


@pytest.mark.fault(9, 27)
def test_a_publisher_that_comes_late_to_the_metastore_points_to_the_head_of_then(day: Served) -> None:
    early, late = begun(day, "late/1", 810_000), begun(day, "late/2", 820_000)
    day.candidate(early)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    worker = context.Process(target=_publish_slowly, args=(early, theirs))
    worker.start()
    assert ours.poll(PATIENCE_SECONDS)
    assert ours.recv() == AT_THE_BARRIER
    day.candidate(late)
    assert day.publish(late) == "new"
    ours.send("go")
    assert ours.poll(PATIENCE_SECONDS)
    assert ours.recv() == "new"
    worker.join(PATIENCE_SECONDS)
    assert day.by_trino(LINES, COLUMNS) == day.by_duckdb(day.context(late), LINES, COLUMNS)
