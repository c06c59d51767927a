"""DuckDB as an engine of the API: a query that is ended, fails or is left gives back what it held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pyarrow as pa
import pytest

from settlement.api.engines.on_duckdb import OnDuckDB
from settlement.api.engines.running import Bounds, Running
from settlement.api.problems import Cancelled, TooLarge
from settlement.api.statement import Statement
from settlement.engines.duckdb import DuckDBEngine, write_rows
from settlement.errors import EngineError
from settlement.settings import settings
from settlement.steps.place import make_engine
from settlement.warehouse import Partition, Warehouse
from tests.unit.api.world import ALL, CATALOG

_SCHEMA = pa.schema([("a", pa.int64())])
_BOUNDS = Bounds(60, 10_000)
_LONG = "SELECT range AS a FROM range(3000000000)"
_SORTED = "SELECT range AS a FROM range(300000000) ORDER BY hash(range) DESC"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckDBEngine]:
    made = DuckDBEngine(settings(), tmp_path)
    yield made
    with made.session({}) as session:
        found = session.con.execute("SELECT database_name FROM duckdb_databases() WHERE database_name LIKE 'session%'").fetchall()
    assert len(found) == 1, "sessions of queries are gone"


def _running(engine: DuckDBEngine, tmp_path: Path, text: str) -> Running:
    return OnDuckDB(Warehouse(tmp_path), engine).start(Statement(text, (), _SCHEMA, {}), ALL, "test", _BOUNDS)


@pytest.mark.parametrize("text", [_LONG, _SORTED], ids=["between rows", "before the first row"])
def test_a_query_ends_soon_when_it_is_cancelled(text: str, engine: DuckDBEngine, tmp_path: Path) -> None:
    running = _running(engine, tmp_path, text)
    Timer(0.3, running.cancel).start()
    with pytest.raises(Cancelled):
        for _ in running.batches():
            pass


def test_a_query_that_is_cancelled_before_it_began_gives_nothing(engine: DuckDBEngine, tmp_path: Path) -> None:
    running = _running(engine, tmp_path, _LONG)
    running.cancel()
    with pytest.raises(Cancelled):
        next(running.batches())


def test_a_query_that_is_left_gives_back_its_session(engine: DuckDBEngine, tmp_path: Path) -> None:
    batches = _running(engine, tmp_path, _LONG).batches()
    assert next(batches).num_rows > 0
    batches.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_query_that_did_not_hear_the_engine_s_end_gives_back_its_session(engine: DuckDBEngine, tmp_path: Path) -> None:
    running = _running(engine, tmp_path, _LONG)
    batches = running.batches()
    next(batches)
    running._is_cancelled.set()  # type: ignore[attr-defined]  # told when nothing was at work that could be interrupted
    with pytest.raises(Cancelled):
        next(batches)


def test_a_query_that_fails_says_why_in_one_line(engine: DuckDBEngine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"^the query failed: .*too wide") as failed:
        list(_running(engine, tmp_path, "SELECT CAST(error('too wide') AS BIGINT) AS a").batches())
    assert "\n" not in failed.value.message


def test_a_query_whose_files_are_too_large_is_refused_before_it_begins(engine: DuckDBEngine, tmp_path: Path) -> None:
    table, pin = CATALOG["mart.pool"], (Partition("2026-02", 1), "b1")
    folder = Path(str(Warehouse(tmp_path).build_dir(table.name, *pin)))
    write_rows(table, [], folder)
    size = sum(path.stat().st_size for path in folder.iterdir())
    statement = Statement("SELECT count(*) AS a FROM mart.pool", (), _SCHEMA, {table: [pin]})
    asked = OnDuckDB(Warehouse(tmp_path), engine)
    with pytest.raises(TooLarge, match=f"would read {size:,} bytes, more than {size - 1:,}"):
        list(asked.start(statement, ALL, "test", Bounds(60, size - 1)).batches())
    [batch] = asked.start(statement, ALL, "test", Bounds(60, size)).batches()
    assert batch.to_pylist() == [{"a": 0}]


def test_values_are_bound(engine: DuckDBEngine, tmp_path: Path) -> None:
    schema = pa.schema([("t", pa.string()), ("n", pa.int64())])
    statement = Statement("SELECT CAST(? AS VARCHAR) AS t, CAST(? AS BIGINT) AS n", ("'; DROP --", 2**62), schema, {})
    [batch] = OnDuckDB(Warehouse(tmp_path), engine).start(statement, ALL, "test", _BOUNDS).batches()
    assert batch.to_pylist() == [{"t": "'; DROP --", "n": 2**62}]


def test_its_memory_is_not_that_of_builds(tmp_path: Path) -> None:
    def limit(engine: DuckDBEngine) -> str:
        with engine.session({}) as session:
            ((found,),) = session.run("SELECT current_setting('memory_limit')", "the limit").fetchall()
        return str(found)

    assert limit(make_engine(Warehouse(tmp_path), "64MiB")) == "64.0 MiB"
    assert limit(make_engine(Warehouse(tmp_path))) != "64.0 MiB"
