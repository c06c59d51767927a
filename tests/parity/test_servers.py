"""What only a server can show: exact macros, constants, tables that change, pointers, cancelled statements, clear errors."""

from __future__ import annotations

import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import FrameType

import pytest
import sqlglot

from local.services.hive import beeline
from local.services.stack import Stack
from settlement.engines import ddl, pointers
from settlement.engines.dialect import Hive4, Query
from settlement.engines.hive import HiveEngine, HiveSession
from settlement.engines.literals import hive_text
from settlement.engines.pinned import pin_tables
from settlement.engines.places import Places, full_name
from settlement.engines.script import SETTINGS, Script, register
from settlement.engines.trino import TrinoEngine
from settlement.errors import EngineError
from settlement.pipeline import day_range
from settlement.tables import Column, Table
from settlement.warehouse import Partition
from tests.parity.lake import Lake
from tests.sql.harness import catalog
from tests.unit.test_engines_dialect import HOSTILE

MAX = 10**38 - 1
EXACT = [
    ("FLOOR_DIV({0}, {1})", 7, 2, 3),
    ("FLOOR_DIV({0}, {1})", 2**53 * 3 + 2, 3, 2**53),
    ("FLOOR_DIV({0}, {1})", 10**32 - 1, 7, (10**32 - 1) // 7),
    ("FLOOR_DIV({0}, {1})", MAX - 1, MAX, 0),
    ("FLOOR_DIV({0}, {1})", MAX, 10**6 + 1, MAX // (10**6 + 1)),
    ("FLOOR_DIV({0}, {1})", 0, 1, 0),
    ("MUL({0}, {1})", 2**63 - 1, 2**62, (2**63 - 1) * 2**62),
    ("MUL({0}, {1})", MAX, 1, MAX),
    ("MUL({0}, {1})", -(10**18), 10**18, -(10**36)),
]
DAYS = [("1970-01-01", 0), ("1969-12-31", -1), ("2024-02-29", 19782), ("2026-02-28", 20512), ("9999-12-31", 2932896)]
LONG = (
    "SELECT count(*) FROM {0} AS a CROSS JOIN {0} AS b CROSS JOIN {0} AS c CROSS JOIN {0} AS d WHERE a.x + b.x + c.x + d.x = -1"
)


class _Interrupted(BaseException):
    """What a signal raises in the middle of a statement."""


@pytest.fixture(scope="module")
def session(hive: HiveEngine) -> Iterator[HiveSession]:
    with hive.session() as opened:
        for name, value in SETTINGS.items():
            opened.run(f"SET {name}={value}")
        yield opened


@pytest.fixture
def on_hive(session: HiveSession) -> Callable[..., tuple[object, ...]]:
    return lambda sql, **params: session.rows(select(sql, "hive", **params))[0]


@pytest.fixture
def on_trino(trino: TrinoEngine) -> Callable[..., tuple[object, ...]]:
    return lambda sql, **params: trino.rows(select(sql, "trino", **params)).rows[0]


def select(sql: str, target: str, **params: str | int) -> str:
    return Query(sqlglot.parse_one(f"SELECT {sql}", read=Hive4)).render(target, params)  # type: ignore[arg-type]


def wide(number: int) -> str:
    return f"CAST('{number}' AS DECIMAL(38,0))"


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Expects the body to be ended by a signal, as a task that is killed politely is."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(_Interrupted):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# -- arithmetic ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["on_hive", "on_trino"])
def test_macros_are_exact(engine: str, request: pytest.FixtureRequest) -> None:
    ask = request.getfixturevalue(engine)
    columns = ", ".join(f"{form.format(wide(a), wide(b))} AS x{n}" for n, (form, a, b, _) in enumerate(EXACT))
    assert [int(Decimal(str(value))) for value in ask(columns)] == [expected for *_, expected in EXACT]


@pytest.mark.parametrize("engine", ["on_hive", "on_trino"])
def test_days_are_the_same_numbers(engine: str, request: pytest.FixtureRequest) -> None:
    ask = request.getfixturevalue(engine)
    there = ", ".join(f"EPOCH_DAY('{day}') AS x{n}" for n, (day, _) in enumerate(DAYS))
    back = ", ".join(f"DAY_TEXT({number}) AS x{n}" for n, (_, number) in enumerate(DAYS))
    assert list(ask(there)) == [number for _, number in DAYS]
    assert list(ask(back)) == [day for day, _ in DAYS]
    assert ask("EPOCH_DAY('2026-02-30') AS a, EPOCH_DAY('') AS b, EPOCH_DAY('2026-13-01') AS c") == (None, None, None)


@pytest.mark.parametrize("engine", ["on_hive", "on_trino"])
@pytest.mark.parametrize(
    "sql", [f"MUL({wide(MAX)}, 2)", f"MUL({wide(10**19)}, {wide(10**19)})", f"FLOOR_DIV({wide(7)}, {wide(0)})"]
)
def test_what_doesn_t_fit_is_an_error(engine: str, sql: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(EngineError):
        request.getfixturevalue(engine)(f"{sql} AS x")


def test_hive_doesn_t_pass_over_a_product_that_is_too_large(hive: HiveEngine, lake: Lake) -> None:
    """A sum skips NULL, and the optimizer takes `a * b IS NULL` for impossible: the check must get past both."""
    table, pin = catalog()["mart.month_user_pool"], (Partition("2024-03", 1), "overflow")
    row = {"product_id": "sub", "right_type": "producer", "user_id": 1, "revenue_uwon": Decimal(1)}
    large = Decimal(12 * 10**18)
    lake.put_rows(
        table, pin, [{**row, "weight": large, "pool_uwon": large}, {**row, "weight": Decimal(2), "pool_uwon": Decimal(3)}]
    )
    rows = f"FROM {full_name(table, lake.places.builds)} WHERE build = '{pin[1]}'"
    checked = f"{select('sum(MUL(weight, pool_uwon)) AS x', 'hive')} {rows}"
    with hive.session() as opened:
        for statement in register({table: [pin]}, lake.places):
            opened.run(statement)
        assert opened.rows(f"SELECT sum(weight * pool_uwon) {rows}") == [(Decimal(6),)], "Hive's own answer"
        for optimized, vectorized in (("true", "true"), ("true", "false"), ("false", "true")):
            opened.run(f"SET hive.cbo.enable={optimized}")
            opened.run(f"SET hive.vectorized.execution.enabled={vectorized}")
            with pytest.raises(EngineError, match="38 digits"):
                opened.rows(checked)
        assert opened.rows(f"{checked} AND weight < 10") == [(Decimal(6),)]


# -- constants -----------------------------------------------------------------------------------------------------------


def test_any_text_is_read_as_it_is(session: HiveSession, on_trino: Callable[..., tuple[object, ...]]) -> None:
    assert session.rows(select(":p AS x", "hive", p=HOSTILE)) == [(HOSTILE,)]
    assert on_trino(":p AS x", p=HOSTILE) == (HOSTILE,)


def test_any_text_gets_through_beeline(services: Stack, session: HiveSession, lake: Lake, tmp_path: Path) -> None:
    table = catalog()["ods.advance"]
    pin = (Partition("2024-03-10"), "hostile")
    for statement in register({table: [pin]}, lake.places):
        session.run(statement)
    target = f"{full_name(table, lake.places.builds)} PARTITION (dt = '2024-03-10', build = 'hostile')"
    insert = f"INSERT OVERWRITE TABLE {target} SELECT {hive_text(HOSTILE)}, 1, '', 2"
    file = tmp_path / "hostile.hql"
    file.write_text(Script((*(f"SET {name}={value}" for name, value in SETTINGS.items()), insert), {}).text)
    run = subprocess.run([*beeline(services.services["hive"].port), "-f", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert session.rows(f"SELECT advance_id FROM {full_name(table, lake.places.builds)} WHERE build = 'hostile'") == [(HOSTILE,)]


# -- tables --------------------------------------------------------------------------------------------------------------


def with_columns(table: Table, columns: list[Column]) -> Table:
    return replace(table, definition=table.definition.model_copy(update={"columns": columns}))


def test_a_table_gets_a_new_column_and_its_old_builds_have_none_there(hive: HiveEngine, lake: Lake, trino: TrinoEngine) -> None:
    table, pin = catalog()["ods.product"], (Partition("2024-03-10"), "before")
    places = Places(f"{lake.places.database}_changed", lake.places.root)
    row = {"product_id": "sub", "name": "n", "service": "s", "cohort": "c", "list_price_krw": 1}
    lake.put_rows(table, pin, [row])
    with hive.session() as session:
        for statement in register({table: [pin]}, places):
            session.run(statement)
        assert hive.changes([table], places.builds) == []
        extra = Column(name="note", type="STRING", unit="text", description="a note about it", nullable=True)
        newer = with_columns(table, [*table.columns, extra])
        for statement in hive.changes([newer], places.builds):
            session.run(statement)
        assert hive.changes([newer], places.builds) == []
        later = (Partition("2024-03-11"), "after")
        lake.put_rows(newer, later, [{**row, "note": "new"}])
        for statement in register({newer: [later]}, places):
            session.run(statement)
        found = session.rows(f"SELECT dt, note FROM {full_name(table, places.builds)} ORDER BY dt")
    assert found == [("2024-03-10", None), ("2024-03-11", "new")]
    assert trino.rows(f"SELECT dt, note FROM {places.builds}.ods_product ORDER BY dt").rows == found
    with pytest.raises(EngineError, match="column note is gone"):
        hive.changes([table], places.builds)


def test_a_pointer_is_switched_for_all_readers_at_once(session: HiveSession, trino: TrinoEngine, lake: Lake) -> None:
    table, month = catalog()["mart.month_user_gap"], Partition("2024-03", 1)
    for statement in pointers.prepare(lake.places, [table]):
        session.run(statement)
    name = f"{lake.places.database}.mart_month_user_gap"
    for plays, build in enumerate(["old", "new", "new"], 1):
        lake.put_rows(table, (month, build), [{"product_id": "sub", "day": 1, "plays": plays}])
        for statement in pointers.switch(lake.places, table, (month, build)):
            session.run(statement)
        rows = session.rows(pointers.describe(lake.places, table, (month, build)))
        assert pointers.location_in(rows) == lake.places.location(table, (month, build))
        assert session.rows(f"SELECT plays FROM {name} WHERE month = '2024-03'") == [(plays,)]
        assert trino.rows(f"SELECT plays FROM {name} WHERE month = '2024-03' AND version = 1").rows == [(plays,)]


def test_a_year_of_pins_is_planned(session: HiveSession, trino: TrinoEngine, lake: Lake) -> None:
    """What payments read: every day since the first."""
    table = catalog()["ods.other_revenue"]
    days = list(day_range("2023-01-01", "2024-03-10"))
    pins = [(Partition(day), f"b{number}") for number, day in enumerate(days)]
    for statement in register({table: pins}, lake.places):
        session.run(statement)
    row = {"file": "f", "row_no": 1, "revenue_id": "r", "product_id": "sub", "amount_krw": 5, "memo": "", "bucket": "counted"}
    for pin in (pins[0], pins[-1], (pins[-1][0], "other")):
        lake.put_rows(table, pin, [row])
    tree = sqlglot.parse_one("SELECT sum(amount_krw) AS x FROM ods.other_revenue", read=Hive4)
    query = Query(pin_tables(tree, {table: pins}, lake.places.builds))
    assert session.rows(query.render("hive", {})) == [(10,)]
    assert trino.rows(query.render("trino", {})).rows == [(10,)]


# -- interrupted ---------------------------------------------------------------------------------------------------------


def test_an_interrupted_statement_is_cancelled_on_hive(hive: HiveEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    from TCLIService.ttypes import TGetOperationStatusReq, TOperationState

    numbers = "(SELECT pos AS x FROM (SELECT 1) AS o LATERAL VIEW posexplode(split(space(9999), ' ')) e AS pos, v)"
    with hive.session() as session, hive.session() as other:
        opened, cursor = session.connection.cursor, []
        monkeypatch.setattr(session.connection, "cursor", lambda: cursor.append(opened()) or cursor[-1])
        with interrupted_after(4):
            session.rows(LONG.format(numbers))
        asked = TGetOperationStatusReq(operationHandle=cursor[-1]._operationHandle)
        answer = other.connection.client.GetOperationStatus(asked)
        assert answer.operationState == TOperationState.CANCELED_STATE


def test_an_interrupted_query_is_cancelled_on_trino(trino: TrinoEngine) -> None:
    numbers = "(SELECT x FROM UNNEST(sequence(1, 10000)) AS t (x))"
    tag = f"interrupted-{secrets.token_hex(4)}"
    with interrupted_after(4):
        trino.rows(f"{LONG.format(numbers)} /* {tag} */", tags=[tag])
    where = f"WHERE query LIKE '%/* {tag} */%' AND query NOT LIKE '%runtime%'"
    found: list[tuple[str, str, str]] = []
    for _ in range(50):  # cancelling is asynchronous
        found = trino.rows(f"SELECT state, error_code, source FROM system.runtime.queries {where}").rows  # type: ignore[assignment]
        if found and found[0][0] == "FAILED":
            break
        time.sleep(0.2)
    assert found == [("FAILED", "USER_CANCELED", "settlement")]


# -- errors --------------------------------------------------------------------------------------------------------------


def test_a_table_that_isn_t_there_is_named(session: HiveSession, trino: TrinoEngine) -> None:
    with pytest.raises(EngineError, match="Table not found 'nosuch'"):
        session.rows("SELECT * FROM nosuch")
    with pytest.raises(EngineError, match="Schema 'nosuch' does not exist"):
        trino.rows("SELECT * FROM nosuch.nosuch")


def test_the_statements_after_one_that_failed_don_t_run(hive: HiveEngine, lake: Lake) -> None:
    database = f"{lake.places.database}_never"
    with pytest.raises(EngineError):
        hive.run(Script(("SELECT * FROM nosuch", f"CREATE DATABASE {database}"), {}))
    with hive.session() as session:
        assert not session.has(database)


def test_a_query_that_needs_too_much_memory_says_what_to_raise(trino: TrinoEngine) -> None:
    small = replace(trino, properties={"query_max_memory": "1MB"})
    # Trino looks at what a query holds once a second: these groups fill at once, and their rows come for many.
    numbers = "UNNEST(sequence(1, 10000)) AS a (x) CROSS JOIN UNNEST(sequence(1, 10000)) AS b (y)"
    with pytest.raises(EngineError, match="memory") as refused:
        small.rows(f"SELECT count(*) FROM (SELECT x * 10 + y % 10 FROM {numbers} GROUP BY 1)")
    assert "query.max-memory" in refused.value.hint


def test_servers_that_don_t_answer_are_named_with_what_to_do(hive: HiveEngine, trino: TrinoEngine) -> None:
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1\b") as refused, replace(hive, port=1).session():
        pass
    assert "HiveServer2" in refused.value.hint
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:1\b") as refused:
        replace(trino, port=1).rows("SELECT 1")
    assert "address" in refused.value.hint
    assert "password" not in repr(replace(trino, password="canary"))
    assert "canary" not in repr(replace(trino, password="canary"))


def test_evidence_names_version_and_queries(hive: HiveEngine, trino: TrinoEngine) -> None:
    found = hive.run(Script(("SET a=b", "SELECT 1", "SELECT 2"), {}))
    assert found.engine == "hive 4.0.1"
    assert len(set(found.query_ids)) >= 2
    answer = trino.rows("SELECT 1 AS one")
    assert (answer.columns, answer.rows, answer.evidence.engine) == (("one",), [(1,)], "trino 476")
    assert len(answer.evidence.query_ids) == 1


def test_existing_columns_are_read_as_they_were_created(session: HiveSession, lake: Lake) -> None:
    for table in (catalog()[name] for name in ("ods.play", "mart.pool", "ref.rate_card")):  # a day, a month, neither
        session.run(ddl.create(table, "default", f"{lake.places.root}/columns/{table.name}"))
        try:
            assert ddl.changes(table, "default", session.columns(table, "default")) == []
        finally:
            session.run(f"DROP TABLE {full_name(table, 'default')}")
