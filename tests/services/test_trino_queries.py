"""Faults 20, 21 and 32 of Trino: real workers, killed or told to end, and a Trino that says itself what became of a query;
and published days that are reconciled through the metastore.

Workers are forked from a process that has loaded Airflow: `python -m tests.services.test_trino_queries` reads orders, one JSON
object a line: `{"start": {…}}` is answered with a process id, `{"wait": pid}` with its exit code.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.api import wait_for
from local.services.hive import Hive
from local.services.s3 import BUCKETS, S3
from local.services.service import HOST
from local.services.stack import Stack
from local.services.trino import USER, Trino
from settlement.engines.places import short_name
from settlement.errors import EngineError, SettlementError
from settlement.pipeline import days_of
from settlement.settings import settings
from settlement.steps import reconcile, tasks
from settlement.steps.compute import places_of
from settlement.steps.place import Place
from settlement.steps.pointers import follow
from settlement.steps.tasks import Run
from settlement.storage import location, put_folder, remove_folder
from settlement.warehouse import Partition
from tests.integration.example import MONTH
from tests.integration.shelf import Shelf, settle_days

ROOT = Path(__file__).resolve().parents[2]
LONG = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a (x) CROSS JOIN UNNEST(sequence(1, 10000)) AS b (y) "
    "CROSS JOIN UNNEST(sequence(1, 10000)) AS c (z) WHERE x + y + z = -1"
)
MANY = "SELECT x * 100 + y FROM UNNEST(sequence(1, 100)) AS a (x) CROSS JOIN UNNEST(sequence(1, 100)) AS b (y)"
HUNGRY = (
    "SELECT x, cardinality(array_agg(repeat(y, 100))) FROM UNNEST(sequence(1, 100)) AS a (x) "
    "CROSS JOIN UNNEST(sequence(1, 5000)) AS b (y) GROUP BY x"
)
CANARY = "canary-7f3a1c55"


@dataclass
class Worker:
    """A worker's process, and what it leaves behind."""

    pid: int
    answer: Path
    wait: Callable[[int], int]

    def end(self) -> Any:
        """What it answers in the end; None when it was killed."""
        code = self.wait(self.pid)
        assert code in (0, -signal.SIGKILL), code
        return json.loads(self.answer.read_text()) if self.answer.exists() else None


@dataclass
class Town:
    """A task that asks Trino, run by workers, and Trino's own list of queries.

    Args:
        trino: running.
        stage: starts workers.
        folder: of a test's own.
    """

    trino: Trino
    stage: subprocess.Popen[str]
    folder: Path
    source: str = field(default_factory=lambda: f"test-{secrets.token_hex(6)}")
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self, sql: str = LONG, attempt: int = 1, **order: Any) -> Worker:
        """A worker at an attempt of the task; `env` are further settings of its."""
        number = next(self.numbers)
        answer = self.folder / f"answer-{number}"
        env = {"SETTLEMENT_TRINO_PORT": str(self.trino.port), "SETTLEMENT_TRINO_SOURCE": self.source, **order.pop("env", {})}
        whole = {"sql": sql, "try": attempt, "run": "manual__1", "answer": str(answer), "log": str(self.log), "env": env, **order}
        return Worker(self._told({"start": whole}), answer, lambda pid: self._told({"wait": pid}))

    def run(self, sql: str, attempt: int = 1, **order: Any) -> Any:
        """What an attempt comes to."""
        return self.start(sql, attempt, **order).end()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def asked(self) -> list[tuple[str, str, str | None]]:
        """Query, state and error of all that the task has asked, in order."""
        return [row[:3] for row in self._queries("query_id, state, error_code")]

    def times(self) -> list[tuple[Any, Any]]:
        """When each of them was made and when it ended."""
        return [(row[0], row[1]) for row in self._queries('created, "end"')]

    def at_work(self) -> str:
        """The query that runs now, once it does."""
        live = wait_for(self.live, lambda found: len(found) == 1, "a query runs", 60)
        return str(live[0])

    def live(self) -> list[str]:
        return [query for query, state, _ in self.asked() if state == "RUNNING"]

    def session_of(self, query: str) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.address}/v1/query/{query}", headers={"X-Trino-User": USER})
        with urllib.request.urlopen(request, timeout=30) as answer:
            session: dict[str, Any] = json.load(answer)["session"]
        return session

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.trino.port}"

    def _queries(self, columns: str) -> list[tuple[Any, ...]]:
        with self.trino.cursor() as cursor:
            own = f"starts_with(source, '{self.source}/dev/')"
            cursor.execute(f"SELECT {columns} FROM system.runtime.queries WHERE {own} ORDER BY created")
            return [tuple(row) for row in cursor.fetchall()]

    def _told(self, order: dict[str, Any]) -> int:
        assert self.stage.stdin is not None
        assert self.stage.stdout is not None
        self.stage.stdin.write(json.dumps(order) + "\n")
        self.stage.stdin.flush()
        return int(self.stage.stdout.readline())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    home = tmp_path_factory.mktemp("airflow")
    airflow = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
    }
    command = [sys.executable, "-W", "ignore", "-m", "tests.services.test_trino_queries"]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **airflow}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None, "it could not start"
        yield process
        process.stdin.close()
    assert process.returncode == 0


@pytest.fixture
def town(services: Stack, stage: subprocess.Popen[str], tmp_path: Path) -> Iterator[Town]:
    trino = services.of(Trino)
    made = Town(trino, stage, tmp_path)
    yield made
    for query in made.live():  # of a test that failed
        with made.trino.cursor() as cursor:
            cursor.execute(f"CALL system.runtime.kill_query(query_id => '{query}', message => 'the test is over')")


def states(town: Town) -> list[str]:
    return [state for _, state, _ in town.asked()]


# -- 20 ------------------------------------------------------------------------------------------------------------------


def test_20_a_result_is_read_to_its_last_row_and_the_query_is_finished(town: Town) -> None:
    came = town.run(MANY)
    assert (came["did"], came["rows"]) == ("success", 10_000)
    ((query, state, _),) = town.asked()
    assert (state, came["query"]) == ("FINISHED", query)


def test_20_a_query_that_fails_after_its_first_rows_is_no_success(town: Town) -> None:
    came = town.run(f"SELECT 1000000 / (10100 - v) FROM ({MANY}) AS t (v)")
    assert (came["did"], "(DIVISION_BY_ZERO)" in came["said"]) == ("failed", True)
    assert states(town) == ["FAILED"]


def test_20_more_rows_than_were_declared_are_a_failure_and_the_query_is_ended(town: Town) -> None:
    came = town.run(MANY.replace("sequence(1, 100)", "sequence(1, 2000)"), max_rows=9_999)
    assert (came["did"], "has more than 9999 rows" in came["said"]) == ("failed", True)
    assert town.run(MANY, max_rows=10_000)["did"] == "success"
    assert states(town) == ["FAILED", "FINISHED"]


def test_the_query_is_named_in_trino_and_linked_from_its_task(town: Town) -> None:
    came = town.run("SELECT 1", run="manual__2026-11-27, Seoul 서울")
    ((query, _, _),) = town.asked()
    session = town.session_of(query)
    assert sorted(session["clientTags"]) == [
        "dag=daily", "env=dev", "run=manual__2026-11-27__Seoul___", "task=reconcile", "try=1",
    ]  # fmt: skip
    assert session["source"].startswith(f"{town.source}/dev/")
    page = f"{town.address}/ui/query.html?{query}"
    assert came["links"] == {"_link_TrinoQueryLink": page}
    assert came["page"] == page


# -- 21 ------------------------------------------------------------------------------------------------------------------


def test_21_a_worker_that_is_told_to_end_cancels_its_query_at_once(town: Town) -> None:
    worker = town.start()
    town.at_work()
    began = time.monotonic()
    os.kill(worker.pid, signal.SIGTERM)  # as Airflow does when a task is cleared or marked; five seconds later it kills
    came = worker.end()
    assert time.monotonic() - began < 5
    assert (came["did"], "cleared, marked or stopped" in came["said"]) == ("retry", True)
    ((_, state, error),) = town.asked()
    assert (state, error) == ("FAILED", "ADMINISTRATIVELY_KILLED")


def test_21_a_killed_worker_s_query_is_ended_by_the_retry_before_it_asks_its_own(town: Town) -> None:
    worker = town.start()
    orphan = town.at_work()
    os.kill(worker.pid, signal.SIGKILL)
    assert worker.end() is None
    assert town.at_work() == orphan, "nobody has ended it"
    came = town.run("SELECT 1", attempt=2)
    assert came["did"] == "success"
    assert [(state, error) for _, state, error in town.asked()] == [("FAILED", "ADMINISTRATIVELY_KILLED"), ("FINISHED", None)]
    (_, ended), (made, _) = town.times()
    assert ended <= made


def test_21_a_dispatch_of_the_same_try_ends_what_the_first_one_left(town: Town) -> None:
    worker = town.start()
    town.at_work()
    os.kill(worker.pid, signal.SIGKILL)
    worker.end()
    assert town.run("SELECT 1")["did"] == "success"
    assert states(town) == ["FAILED", "FINISHED"]


def test_21_an_attempt_that_goes_on_after_its_task_was_cleared_is_ended_by_the_newer_one(town: Town) -> None:
    old = town.start()
    town.at_work()
    assert town.run("SELECT 1", attempt=2)["did"] == "success"
    came = old.end()
    assert (came["did"], "ended by its task" in came["said"]) == ("failed", True)


def test_21_an_older_attempt_that_wakes_up_late_ends_nothing_and_asks_nothing(town: Town) -> None:
    new = town.start(attempt=2)
    query = town.at_work()
    came = town.run("SELECT 1", attempt=1)
    assert (came["did"], "overtaken by a newer attempt" in came["said"]) == ("failed", True)
    assert [row[:2] for row in town.asked()] == [(query, "RUNNING")]
    os.kill(new.pid, signal.SIGTERM)
    new.end()


def test_21_queries_of_other_runs_are_let_be(town: Town) -> None:
    other = town.start(run="manual__2")
    query = town.at_work()
    assert town.run("SELECT 1", attempt=2)["did"] == "success"
    assert town.at_work() == query
    os.kill(other.pid, signal.SIGTERM)
    other.end()


def test_21_a_query_that_takes_too_long_is_ended_and_the_task_fails_for_good(town: Town) -> None:
    came = town.run(LONG, seconds=2)
    assert came["did"] == "failed"
    assert "(EXCEEDED_TIME_LIMIT)" in came["said"]
    assert "→ see in Trino what it waited for, or raise SETTLEMENT_TRINO_RUN_SECONDS; then clear the task" in came["said"]
    assert states(town) == ["FAILED"]


def test_21_airflow_s_own_time_out_cancels_and_sees_the_end_before_it_goes_on(town: Town) -> None:
    came = town.run(LONG, alarm=2)
    assert came["did"] == "AirflowTaskTimeout"
    assert came["live"] == [], "when it goes on, nothing is at work"
    ((_, state, error),) = town.asked()
    assert (state, error) in {("FAILED", "USER_CANCELED"), ("FAILED", "ADMINISTRATIVELY_KILLED")}


# -- what is wrong, in words ---------------------------------------------------------------------------------------------


def test_out_of_memory_says_what_to_raise_and_is_tried_again(town: Town) -> None:
    came = town.run(HUNGRY, env={"SETTLEMENT_TRINO_QUERY_MEMORY": "10MB"})
    assert came["did"] == "retry"
    assert "Query exceeded" in came["said"]
    assert "memory limit of 10MB" in came["said"]
    hint = "→ raise SETTLEMENT_TRINO_QUERY_MEMORY or Trino's query.max-memory, or give it more machines; the task tries again"
    assert hint in came["said"]


def test_a_missing_table_says_so_and_isn_t_tried_again(town: Town) -> None:
    came = town.run("SELECT * FROM hive.default.no_such_table")
    assert came["did"] == "failed"
    assert "Table 'hive.default.no_such_table' does not exist (TABLE_NOT_FOUND)" in came["said"]
    assert "→ publish the stage, which makes its tables, or correct SETTLEMENT_DATABASE; then clear the task" in came["said"]


def test_a_trino_that_isn_t_there_is_tried_again(town: Town) -> None:
    came = town.run("SELECT 1", env={"SETTLEMENT_TRINO_PORT": "1"})
    assert came["did"] == "retry"
    assert f"Trino at http://{HOST}:1 can't be reached: Connection refused" in came["said"]
    assert "→ see that it runs and its address is right; the task tries again" in came["said"]


# -- 32 ------------------------------------------------------------------------------------------------------------------


def connection(**said: Any) -> dict[str, str]:
    """Settings that name an Airflow connection."""
    return {"SETTLEMENT_TRINO_CONNECTION": "trino", "AIRFLOW_CONN_TRINO": json.dumps({"conn_type": "trino", **said})}


@pytest.mark.parametrize(
    ("said", "did"),
    [
        ({"extra": {"extra_credential": [["store", CANARY]]}}, "success"),
        ({"login": "settlement", "password": CANARY}, "failed"),  # in the open: refused
        ({"login": "settlement", "password": CANARY, "extra": {"protocol": "https"}}, "failed"),  # nobody speaks TLS there
        ({"extra": {"auth": "jwt", "jwt__token": CANARY, "protocol": "https"}}, "failed"),
    ],
)
def test_32_what_signs_in_is_nowhere_in_logs_errors_links_or_trino(town: Town, said: dict[str, Any], did: str) -> None:
    came = town.run("SELECT 1", env=connection(host=HOST, port=town.trino.port, **said))
    assert came["did"] == did, came
    written = town.log.read_text() + json.dumps(came)
    assert "settlement_airflow" in written, "the log is the task's"
    assert CANARY not in written
    queries = [town.session_of(query) for query, _, _ in town.asked()]
    assert len(queries) == (did == "success")
    assert CANARY not in json.dumps(queries)


# -- published days, reconciled ------------------------------------------------------------------------------------------

DAY = days_of(MONTH)[0]
STAGES = ("raw", "daily")
RUN = Run("daily/manual__1", DAY)


@dataclass
class Published:
    """A published day in the bucket, and its tables for people in a database of its own.

    Args:
        place: where its runs work.
        variables: settings of workers.
    """

    place: Place
    variables: dict[str, str]
    hive: Hive

    def point(self, stage: str) -> None:
        """Point the tables of a stage to the head, as a publication does."""
        context = tasks.context_of(self.place, RUN)
        follow(context, context.ledger.build(self.head(stage)))

    def head(self, stage: str = "daily", day: str = DAY) -> str:
        head = self.place.ledger.head(stage, Partition(day))
        assert head is not None
        return head.build_id

    @contextmanager
    def altered(self, change: str) -> Iterator[None]:
        """The day's partition of a table for people, changed as nobody should; then it points to the head again."""
        table = self.table("mart.settlement_daily")
        right = f"{self.place.warehouse.build_dir('mart.settlement_daily', Partition(DAY), self.head())}"
        try:
            self._alter(f"ALTER TABLE {table} {change}")
            yield
        finally:
            self._alter(f"ALTER TABLE {table} ADD IF NOT EXISTS PARTITION (dt='{DAY}')")
            self._alter(f"ALTER TABLE {table} PARTITION (dt='{DAY}') SET LOCATION '{right}'")

    def table(self, name: str) -> str:
        return f"{self.variables['SETTLEMENT_DATABASE']}.{name.replace('.', '_')}"

    def _alter(self, statement: str) -> None:
        with self.hive.cursor() as cursor:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def published(services: Stack, shelf: Shelf) -> Iterator[Published]:
    name = f"trino_{secrets.token_hex(4)}"
    hive = services.of(Hive)
    house = shelf.house("new")
    settle_days(house, days_of(MONTH)[:2])
    with pytest.MonkeyPatch.context() as patch:
        root = f"s3://{BUCKETS[0]}/{name}"
        variables = {
            **services.environment(),
            "SETTLEMENT_ENGINE": "hive",
            "SETTLEMENT_DATABASE": name,
            "SETTLEMENT_WAREHOUSE": f"{root}/warehouse",
            "SETTLEMENT_LANDING": f"{root}/landing",
            "SETTLEMENT_REFERENCE": str(house.reference),
            "SETTLEMENT_SCRATCH": str(house.root / "scratch"),
            "SETTLEMENT_LEDGER_URL": f"sqlite:///{house.warehouse / 'ledger.db'}",
            "SETTLEMENT_HIVE_PORT": str(hive.port),
        }
        for variable, value in variables.items():
            patch.setenv(variable, value)
        settings.cache_clear()
        for part in ("tables", "releases", "verdicts"):
            put_folder(house.warehouse / part, location(f"{root}/warehouse/{part}"))
        place = Place.open()
        tasks.begin(place, RUN, "service:scheduler")
        made = Published(place, variables, hive)
        for stage in STAGES:
            made.point(stage)
        yield made
        with hive.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} CASCADE")
        remove_folder(location(root))
    settings.cache_clear()


@pytest.mark.parametrize("stage_name", STAGES)
def test_what_trino_reads_is_what_was_published(town: Town, published: Published, stage_name: str) -> None:
    came = town.run("", stage=stage_name, partition=DAY, env=published.variables)
    assert came["did"] == "success", came
    said = f"{stage_name} {DAY}: Trino reads build {published.head(stage_name)} as it was published: "
    assert came["said"].startswith(said)
    (rows,) = [int(word) for word, what in itertools.pairwise(came["said"].split()) if what == "rows,"]
    assert rows > 0
    assert states(town) == ["FINISHED"]


def test_a_table_that_points_to_another_build_is_named_and_tried_again(town: Town, published: Published) -> None:
    places = places_of(tasks.context_of(published.place, RUN))
    other = days_of(MONTH)[1]
    build = published.head(day=other)
    there = f"{places.root}/tables/mart/settlement_daily/dt={other}/build={build}"
    with published.altered(f"PARTITION (dt='{DAY}') SET LOCATION '{there}'"):
        came = town.run("", stage="daily", partition=DAY, env=published.variables)
    assert came["did"] == "retry"
    assert f"mart.settlement_daily {DAY}: Trino reads build {build}, and {published.head()} is published" in came["said"]
    assert "→ clear the stage's publish" in came["said"]


def test_a_partition_that_trino_doesn_t_know_is_tried_again(town: Town, published: Published) -> None:
    with published.altered(f"DROP PARTITION (dt='{DAY}')"):
        came = town.run("", stage="daily", partition=DAY, env=published.variables)
    assert came["did"] == "retry"
    assert f"mart.settlement_daily {DAY}: Trino reads no files, and {published.head()} is published" in came["said"]


def test_other_figures_in_the_very_build_fail_for_good_and_are_named(town: Town, published: Published, services: Stack) -> None:
    """A folder that bears the build's name, and holds the day's lines twice."""
    context = tasks.context_of(published.place, RUN)
    head = published.head()
    s3 = services.of(S3)
    source = str(context.warehouse.build_dir("mart.settlement_daily", Partition(DAY), head)).removeprefix(f"s3://{BUCKETS[0]}/")
    target = f"{published.variables['SETTLEMENT_DATABASE']}/forged/build={head}"
    client = s3.client()
    (entry,) = client.list_objects_v2(Bucket=BUCKETS[0], Prefix=f"{source}/")["Contents"]
    for name in ("one", "two"):
        copied = {"Bucket": BUCKETS[0], "Key": entry["Key"]}
        client.copy_object(Bucket=BUCKETS[0], Key=f"{target}/{name}.parquet", CopySource=copied)
    with published.altered(f"PARTITION (dt='{DAY}') SET LOCATION 's3://{BUCKETS[0]}/{target}'"):
        came = town.run("", stage="daily", partition=DAY, env=published.variables)
    assert came["did"] == "failed"
    assert f"AuditFailed: daily {DAY}: Trino finds something else in build {head} than its files hold" in came["said"]
    with town.trino.cursor() as cursor:
        name = published.table("mart.settlement_daily")
        cursor.execute(f"SELECT count(*), sum(amount_uwon) FROM {name} WHERE dt = '{DAY}'")
        ((rows, total),) = cursor.fetchall()
    assert total > 0
    assert f"mart.settlement_daily: rows: Trino {2 * rows}, published {rows}, difference {rows}" in came["said"]
    amounts = f"mart.settlement_daily: total of amount_uwon: Trino {2 * total}, published {total}, difference {total}"
    assert amounts in came["said"]


def test_files_that_aren_t_those_that_were_sealed_are_refused(town: Town, published: Published) -> None:
    context = tasks.context_of(published.place, RUN)
    folder = context.warehouse.build_dir("mart.settlement_daily", Partition(DAY), published.head())
    extra = location(f"{folder}/another.parquet")
    extra.write_bytes(next(iter(folder.iterdir())).read_bytes())
    try:
        came = town.run("", stage="daily", partition=DAY, env=published.variables)
    finally:
        extra.unlink()
    assert (came["did"], "are not those that were sealed" in came["said"]) == ("failed", True)


def test_a_publication_in_between_is_compared_anew(published: Published) -> None:
    with pytest.raises(EngineError, match=rf"build {published.head()} was published meanwhile"):
        reconcile.compare(published.place, RUN, "daily", "the one before", "[]")


def test_what_nobody_published_isn_t_asked_about(published: Published) -> None:
    unsettled = Run("daily/manual__2", days_of(MONTH)[-1])
    tasks.begin(published.place, unsettled, "service:scheduler")
    with pytest.raises(SettlementError, match="nothing is published"):
        reconcile.ask(published.place, unsettled, "daily")


def test_where_only_duckdb_reads_there_is_nothing_to_ask(town: Town, published: Published) -> None:
    came = town.run("", stage="daily", partition=DAY, env={**published.variables, "SETTLEMENT_ENGINE": "duckdb"})
    assert (came["did"], "there is nothing to reconcile" in came["said"]) == ("success", True)
    assert town.asked() == []


def test_the_tables_are_those_that_people_find(published: Published) -> None:
    asked = reconcile.ask(published.place, RUN, "daily")
    tables = tasks.context_of(published.place, RUN).release.catalog.of_stage("daily")
    assert all(f'"{published.variables["SETTLEMENT_DATABASE"]}"."{short_name(table)}"' in asked.sql for table in tables)
    assert asked.build_id == published.head()


# -- the workers ---------------------------------------------------------------------------------------------------------


def _execute(order: dict[str, Any]) -> dict[str, Any]:
    """A worker at a task, told of signals as Airflow tells them."""
    from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout

    def ring(*_: Any) -> None:
        raise AirflowTaskTimeout

    came: dict[str, Any] = {"links": {}}
    operator = _operator(order, came)
    signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    signal.signal(signal.SIGALRM, ring)
    signal.alarm(order.get("alarm", 0))
    ti = SimpleNamespace(dag_id="daily", run_id=order["run"], task_id="reconcile", map_index=-1, try_number=order["try"])
    ti.xcom_push = lambda key, value: came["links"].update({key: value})
    run = SimpleNamespace(dag_id="daily", run_id=order["run"], partition_key=order.get("partition"), triggering_user_name=None)
    try:
        said = operator.execute({"ti": ti, "dag_run": run, "params": {}})
    except AirflowTaskTimeout:
        return {**came, "did": "AirflowTaskTimeout", "live": _at_work(order)}
    except AirflowFailException as error:
        return {**came, "did": "failed", "said": _whole(error)}
    except AirflowException as error:
        return {**came, "did": "retry", "said": _whole(error)}
    return {**came, "did": "success", "said": said, "page": operator.query_page}


def _operator(order: dict[str, Any], came: dict[str, Any]) -> Any:
    """The order's task: it reconciles a stage, or asks a query and keeps in `came` what it was given."""
    from settlement_airflow.operators.reconcile import ReconcileOperator
    from settlement_airflow.operators.trino_query import Asked, TrinoQueryOperator

    class Work:
        def prepare(self, _: Any) -> Asked:
            return Asked(order["sql"])

        def finish(self, _: Any, __: Asked, result: Any) -> str:
            came.update(rows=len(result.rows), query=result.query_id)
            return f"{len(result.rows)} rows"

    if "stage" in order:
        return ReconcileOperator(task_id="reconcile", stage=order["stage"])
    timeout = timedelta(seconds=order["seconds"]) if "seconds" in order else None
    return TrinoQueryOperator(task_id="reconcile", work=Work(), timeout=timeout, max_rows=order.get("max_rows"))


def _at_work(order: dict[str, Any]) -> list[str]:
    from trino.dbapi import connect

    cursor = connect(host=HOST, port=int(order["env"]["SETTLEMENT_TRINO_PORT"]), user=USER).cursor()
    source = order["env"]["SETTLEMENT_TRINO_SOURCE"]
    cursor.execute(
        "SELECT query_id FROM system.runtime.queries "
        f"WHERE starts_with(source, '{source}/dev/') AND state NOT IN ('FAILED', 'FINISHED')"
    )
    return [query for (query,) in cursor.fetchall()]


def _whole(error: BaseException) -> str:
    """An error as a log shows it, with what it came of."""
    import traceback

    return "".join(traceback.format_exception(error))


def _act(order: dict[str, Any]) -> None:
    import logging

    from settlement.settings_trino import trino_settings

    with Path(order["log"]).open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    logging.basicConfig(level=logging.DEBUG, force=True)
    os.environ.update(order["env"])
    settings.cache_clear()
    trino_settings.cache_clear()
    answer = Path(order["answer"])
    answer.with_suffix(".new").write_text(json.dumps(_execute(order)))
    answer.with_suffix(".new").rename(answer)


def _serve() -> None:
    """Serve orders until there are no more."""
    import settlement_airflow.hooks.trino_queries  # noqa: F401  # loaded once for all workers

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            said = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        else:
            said = os.fork()
            if said == 0:
                code = 1
                try:
                    _act(order["start"])
                    code = 0
                except BaseException:
                    import traceback

                    traceback.print_exc()
                finally:
                    sys.stdout.flush()
                    sys.stderr.flush()
                    os._exit(code)
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
