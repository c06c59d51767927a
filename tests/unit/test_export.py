"""Exports: the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from settlement import export
from settlement.engines.duckdb import DuckDBEngine, Session
from settlement.errors import SettlementError
from settlement.settings import Settings
from tests.oracle import COLUMNS, KEYS


@contextmanager
def session_with(scratch: Path, rows: str) -> Iterator[Session]:
    with DuckDBEngine(Settings(), scratch).session({}) as session:
        session.con.execute("CREATE SCHEMA ods")
        session.con.execute(f"CREATE TABLE ods.payment AS SELECT * FROM (VALUES {rows}) AS t(dt, payment_id, bucket, base_uwon)")
        yield session


def test_rows_are_counted_sorted_quoted_and_nulls_are_empty(tmp_path: Path) -> None:
    rows = """('2026-02-01', 'b', 'counted', CAST(5 AS DECIMAL(38,0))), ('2026-02-01', 'a"1,', 'counted', -7),
      ('2026-02-01', 'b', 'duplicate', 5), ('2026-02-01', 'b', 'duplicate', 5), ('2026-02-01', NULL, 'counted', NULL),
      ('2026-02-01', 'a' || chr(13), 'counted', 1), ('2026-02-01', 'a' || chr(10), 'counted', 2), ('2026-02-01', '한', 'counted', 3)"""
    with session_with(tmp_path, rows) as session:
        count = export.write(session, export.named("payment_bucket"), tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes().decode() == (
        "dt,payment_id,bucket,rows,base_uwon\n"
        "2026-02-01,,counted,1,\n"
        '2026-02-01,"a\n",counted,1,2\n'
        '2026-02-01,"a\r",counted,1,1\n'
        '2026-02-01,"a""1,",counted,1,-7\n'
        "2026-02-01,b,counted,1,5\n"
        "2026-02-01,b,duplicate,2,10\n"
        "2026-02-01,한,counted,1,3\n"
    )
    assert count == 7


def test_an_unknown_export_says_which_there_are() -> None:
    with pytest.raises(SettlementError, match=r"no export mart\.nothing") as caught:
        export.named("mart.nothing")
    assert "settlement_line" in str(caught.value)


def test_exports_have_the_columns_and_keys_of_the_contract() -> None:
    for name, wanted in export.EXPORTS.items():
        assert wanted.columns == tuple(COLUMNS[name])
        assert wanted.keys == tuple(KEYS[name])


def test_an_export_that_fails_leaves_no_file(tmp_path: Path) -> None:
    rows = "('2026-02-01', 'a', 'counted', 1)"
    with session_with(tmp_path, rows) as session, pytest.raises(SettlementError):
        export.write(session, export.named("pool"), tmp_path / "out.csv")
    assert not list(tmp_path.glob("*out.csv*"))
