"""Macros at extreme values: exact beyond 2^53 and up to 38 digits, and an error beyond that."""

from __future__ import annotations

import duckdb
import pytest
import sqlglot

from settlement.engines.dialect import Hive4, Query

MAX = 10**38 - 1


def value(sql: str, **params: str | int) -> object:
    query = Query(sqlglot.parse_one(f"SELECT {sql} AS x", read=Hive4))
    return duckdb.sql(query.render("duckdb", params)).fetchall()[0][0]


def wide(number: int) -> str:
    return f"CAST('{number}' AS DECIMAL(38,0))"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (0, 1), (7, 2), (2**53 + 1, 1), (2**53 * 3 + 2, 3), (10**32 - 1, 7), (MAX, 1), (MAX, MAX), (MAX - 1, MAX), (MAX, 3),
        (10**37 + 1, 10),
    ],
)  # fmt: skip
def test_floor_div_is_exact(a: int, b: int) -> None:
    assert int(str(value(f"FLOOR_DIV({wide(a)}, {wide(b)})"))) == a // b


def test_floor_div_floors_and_does_not_round() -> None:
    assert int(str(value("FLOOR_DIV(1999999, 1000000)"))) == 1


def test_floor_div_by_zero_is_an_error() -> None:
    with pytest.raises(duckdb.Error, match="Division by zero"):
        value(f"FLOOR_DIV({wide(7)}, {wide(0)})")


@pytest.mark.parametrize(("a", "b"), [(2**63 - 1, 2**62), (10**19, 10**18), (MAX, 1), (10**37, 9), (-(10**18), 10**18)])
def test_mul_is_exact_up_to_38_digits(a: int, b: int) -> None:
    assert int(str(value(f"MUL({wide(a)}, {wide(b)})"))) == a * b


@pytest.mark.parametrize(("a", "b"), [(10**19, 10**19), (MAX, 2), (12 * 10**18, 10**19)])
def test_a_product_of_39_digits_is_an_error_and_never_null(a: int, b: int) -> None:
    with pytest.raises(duckdb.OutOfRangeException, match=r"[Oo]verflow"):
        value(f"MUL({wide(a)}, {wide(b)})")


def test_a_sum_of_39_digits_is_an_error() -> None:
    with pytest.raises(duckdb.Error, match=r"[Oo]verflow|Could not cast"):
        duckdb.sql(f"SELECT CAST(sum(x) AS DECIMAL(38,0)) FROM (SELECT {wide(MAX)} AS x FROM range(2))").fetchall()


def test_bigint_operands_are_widened_before_they_are_multiplied() -> None:
    sql = f"MUL(CAST({2**62} AS BIGINT), CAST({2**62} AS BIGINT))"
    assert int(str(value(sql))) == 2**124


@pytest.mark.parametrize(
    ("day", "number"),
    [("1970-01-01", 0), ("1969-12-31", -1), ("2026-02-28", 20512), ("0001-01-01", -719162), ("9999-12-31", 2932896)],
)
def test_epoch_day_and_day_text_are_each_other_s_inverse(day: str, number: int) -> None:
    assert value("EPOCH_DAY(:d)", d=day) == number
    assert value("DAY_TEXT(:n)", n=number) == day


@pytest.mark.parametrize("day", ["2026-02-30", "", "2026-13-01"])
def test_epoch_day_of_what_is_no_date_is_null(day: str) -> None:
    assert value("EPOCH_DAY(:d)", d=day) is None


def test_macros_nest() -> None:
    assert int(str(value("FLOOR_DIV(MUL(MUL(11, 1000000), 10), 11)"))) == 10_000_000


def test_a_parameter_is_bound_as_text_whatever_it_holds() -> None:
    hostile = "x' OR '1'='1"
    assert value(":p", p=hostile) == hostile


def test_a_parameter_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="dt"):
        value(":dt")
