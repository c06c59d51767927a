"""Where a column's values come from, read from the SQL: of tables made here, and of the settlement's own."""

from __future__ import annotations

import pytest

from settlement.lineage import How, Source, sources
from settlement.tables import Catalog
from tests.sql.harness import catalog


def _made_from(table: str, column: str) -> set[Source]:
    return set(sources(catalog(), catalog()[table])[column])


def test_a_column_that_is_passed_on_is_the_value_itself() -> None:
    assert _made_from("mart.month_right", "share_ppm") == {Source("ods.rights", "share_ppm", How.IDENTITY)}


def test_a_computed_column_is_not_what_only_decides_which_rows_there_are() -> None:
    assert _made_from("mart.month_right", "from_day") == {Source("ods.rights", "valid_from", How.TRANSFORMATION)}
    assert all(
        source.table == "ods.rights" for found in sources(catalog(), catalog()["mart.month_right"]).values() for source in found
    )


def test_a_sum_is_told_from_a_computation_on_one_row_through_every_subquery() -> None:
    found = {(s.table, s.column): s.how for s in _made_from("mart.settlement_line", "pro_rata_uwon")}
    assert found == {
        ("mart.month_group", "weight"): How.AGGREGATION,
        ("mart.month_weight", "weight"): How.AGGREGATION,
        ("mart.pool", "pool_krw"): How.AGGREGATION,
    }


def test_a_source_that_is_a_partition_is_named_as_a_column() -> None:
    assert Source("raw.payment", "dt", How.IDENTITY) in _made_from("ods.payment_known", "landed_on")


def test_lineage_ends_where_no_query_is() -> None:
    assert set(sources(catalog(), catalog()["raw.play"]).values()) == {()}


@pytest.mark.parametrize("table", [table.name for table in catalog().tables.values() if table.query])
def test_every_column_s_sources_are_columns_that_the_query_s_tables_have(table: str) -> None:
    found = sources(catalog(), catalog()[table])
    assert list(found) == [column.name for column in catalog()[table].columns]
    for source in (source for column in found.values() for source in column):
        assert source.table in catalog()[table].inputs
        assert source.column in _columns(catalog(), source.table)


def _columns(tables: Catalog, name: str) -> set[str]:
    return {column.name for column in tables[name].columns} | tables[name].partition_types.keys()


def test_every_amount_of_a_statement_goes_back_to_what_landed_or_to_the_rules() -> None:
    """From `mart.statement.paid_krw` one comes to plays, payments, rates and contracts."""
    tables, todo, seen = catalog(), [("mart.statement", "paid_krw")], set()
    while todo:
        table, column = todo.pop()
        for source in sources(tables, tables[table]).get(column, ()):
            if (source.table, source.column) not in seen:
                seen.add((source.table, source.column))
                todo.append((source.table, source.column))
    assert {"raw.play", "raw.payment", "raw.rights", "raw.contract", "ref.rate_card", "ref.service_rule"} <= {
        name for name, _ in seen
    }
