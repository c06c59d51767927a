"""Every fixture of every query.sql: by hand = DuckDB = Hive = Trino, to the content hash of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest

from settlement.engines.hive import HiveEngine
from settlement.engines.trino import TrinoEngine
from settlement.errors import EngineError
from settlement.tables import Table
from tests.parity.cases import (
    OnHive,
    Placed,
    all_cases,
    answer_in,
    hash_of,
    on_duckdb,
    on_trino,
    place,
    write_result,
)
from tests.parity.lake import Lake
from tests.sql.harness import HERE, Answer, difference


def _size(path: Path) -> tuple[int, Path]:
    return path.stat().st_size, path


def _parameters(table: Table, path: Path) -> pytest.ParameterSet:
    """The largest fixture of each query is for `make test`, the others are long: Hive takes seconds for each."""
    marks = () if path in LARGEST else pytest.mark.long
    return pytest.param(table, path, id=str(path.relative_to(HERE)), marks=marks)


CASES = all_cases()
LARGEST = {max((path for _, path in cases), key=_size) for _, cases in groupby(CASES, key=itemgetter(0))}
pytestmark = pytest.mark.parametrize(("table", "path"), [_parameters(*case) for case in CASES])


@pytest.fixture(scope="module")
def placed(lake: Lake, request: pytest.FixtureRequest) -> dict[Path, Placed]:
    """The fixtures that are asked for, in the lake."""
    wanted = {item.callspec.params["path"] for item in request.session.items if item.path == request.path}
    return {path: place(lake, table, path) for table, path in CASES if path in wanted}


@pytest.fixture(scope="module")
def on_hive(hive: HiveEngine, lake: Lake, placed: dict[Path, Placed]) -> Iterator[OnHive]:
    runner = OnHive(hive, lake)
    runner.start(list(placed.values()))
    yield runner
    runner.close()


def test_the_query_gives_the_same_rows_on_every_engine(
    table: Table, path: Path, placed: dict[Path, Placed], on_hive: OnHive, trino: TrinoEngine, lake: Lake, tmp_path: Path
) -> None:
    one = placed[path]
    if one.case.error is not None:
        assert_refused(one, on_hive, trino, lake, tmp_path)
        return
    # A build's folders name its partition; DuckDB wants to see it in the path.
    below = one.output[0].path if one.output[0] else ""
    expected = on_duckdb(one, tmp_path / "duckdb" / below)
    by_trino = write_result(table, on_trino(trino, lake, one), tmp_path / "trino" / below)
    assert_equal(table, by_trino, one.case.expect, expected)
    by_hive = on_hive.rows_of(one, tmp_path / "hive" / below)
    assert_equal(table, by_hive, one.case.expect, expected)


def assert_equal(table: Table, folder: Path, expect: Answer, expected_hash: str) -> None:
    assert not difference(table, expect, answer_in(table, folder)), folder.name
    assert hash_of(table, folder) == expected_hash, folder.name


def assert_refused(one: Placed, on_hive: OnHive, trino: TrinoEngine, lake: Lake, tmp_path: Path) -> None:
    """What is an error on DuckDB is one on Trino; on Hive too, or it is a null where the audit allows none."""
    with pytest.raises(EngineError):
        on_trino(trino, lake, one)
    try:
        rows = answer_in(one.table, on_hive.rows_of(one, tmp_path / "hive"))
    except EngineError as error:
        assert "38 digits" in error.message  # noqa: PT017  # either way will do
        return
    required = [number for number, column in enumerate(one.table.columns) if not column.nullable]
    assert rows
    assert all(any(row[number] is None for number in required) for row in rows)
