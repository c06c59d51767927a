"""The question about a stage, and what is made of its answer; a real Trino answers in tests/services."""

from __future__ import annotations

import pytest

from settlement.engines.places import Places
from settlement.errors import EngineError
from settlement.steps.reconcile import MONEY, Figures, Found, answer, money_columns, question
from settlement.warehouse import Partition
from tests.sql.harness import catalog

PLACES = Places("settlement_dev", "s3://bucket/warehouse")


def test_a_day_is_asked_by_its_date_and_a_month_by_its_version() -> None:
    pool, usage = catalog()["mart.pool"], catalog()["mart.settlement_daily"]
    month = question([pool], Partition("2026-02", 3), PLACES, "hive")
    day = question([usage], Partition("2026-02-28"), PLACES, "hive")
    assert month.endswith('FROM "hive"."settlement_dev"."mart_pool"\nWHERE month = \'2026-02\' AND version = 3')
    assert day.endswith('FROM "hive"."settlement_dev"."mart_settlement_daily"\nWHERE dt = \'2026-02-28\'')


def test_every_table_of_a_stage_is_asked_about_once() -> None:
    tables = catalog().of_stage("daily")
    asked = question(tables, Partition("2026-02-28"), PLACES, "hive").split("\nUNION ALL\n")
    assert [part.partition(" AS table_name")[0] for part in asked] == [f"SELECT '{table.name}'" for table in tables]


def test_amounts_are_totalled_and_rates_ids_and_counts_are_not() -> None:
    assert money_columns(catalog()["mart.settlement_daily"]) == ["amount_uwon", "pro_rata_uwon"]
    pool = catalog()["mart.pool"]
    assert {"pool_krw", "revenue_uwon"} <= set(money_columns(pool))
    assert {column.unit for column in pool.columns if column.name in money_columns(pool)} <= set(MONEY)
    assert "per_subscriber_krw" not in money_columns(pool)


def test_an_answer_becomes_figures_that_are_exact() -> None:
    table = catalog()["mart.settlement_daily"]
    huge = 10**38 - 1
    found = answer([table], [["mart.settlement_daily", 2, [str(huge), "-1"], ["0a"]]])
    assert found == {table.name: Found(Figures(2, {"amount_uwon": huge, "pro_rata_uwon": -1}), ("0a",))}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [["mart.pool", 0, [], []]],
        [["mart.settlement_daily", 0, ["0", "0"], []]] * 2,
        [["mart.settlement_daily", 0, ["0", "0"], []], ["mart.pool", 0, [], []]],
    ],
)
def test_an_answer_that_isn_t_one_row_a_table_is_refused(rows: list[list[object]]) -> None:
    with pytest.raises(EngineError, match="not about the stage's 1 tables"):
        answer([catalog()["mart.settlement_daily"]], rows)
