"""Exact arithmetic and dates, one rendering per engine: the only place where engines may differ.

Every argument is SQL text in the engine's own dialect. `FLOOR_DIV(a, b)` wants a ≥ 0 and b > 0; a quotient above 2^53 and
a product up to 10^38 − 1 are exact. What is larger is an error on every engine, never NULL and never a wrap: DuckDB and Trino
raise it themselves; Hive answers NULL, which a `sum` would pass over, so `checked` turns it into an error there. A quotient
of 10^32 or more is such an error on Hive alone: its division keeps six digits behind the point.

Outside the macros Hive stays as it is: a BIGINT sum wraps and a DECIMAL sum beyond 38 digits is NULL. The reader bounds what
lands (won to 10^15, shares to 10^6), the audit refuses a missing value in a column that isn't nullable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

Target = Literal["duckdb", "hive", "trino"]
_WIDE = "DECIMAL(38, 0)"
_EPOCH = "DATE '1970-01-01'"


def floor_div(target: Target, a: str, b: str) -> str:
    """floor(a / b) as DECIMAL(38,0): what is divided is a multiple of b, so that no engine has anything to round.

    DuckDB's `/` and `//` on decimals give DOUBLE, on HUGEINT they are exact.
    """
    if target == "duckdb":
        return f"CAST(CAST({a} AS HUGEINT) // CAST({b} AS HUGEINT) AS {_WIDE})"
    a, b = f"CAST({a} AS {_WIDE})", f"CAST({b} AS {_WIDE})"
    return f"CAST(({a} - {a} % {b}) / {b} AS {_WIDE})"


def mul(_target: Target, a: str, b: str) -> str:
    """a × b as DECIMAL(38,0): both sides are widened first, since BIGINT × BIGINT overflows at real sizes."""
    return f"(CAST({a} AS {_WIDE}) * CAST({b} AS {_WIDE}))"


def epoch_day(target: Target, day: str) -> str:
    """Days since 1970-01-01 of a `YYYY-MM-DD` text as BIGINT; NULL when it is no real date."""
    if target == "hive":
        return f"CAST(datediff(CAST({day} AS DATE), {_EPOCH}) AS BIGINT)"
    if target == "trino":
        return f"date_diff('day', {_EPOCH}, TRY_CAST({day} AS DATE))"
    return f"CAST(TRY_CAST({day} AS DATE) - {_EPOCH} AS BIGINT)"


def day_text(target: Target, number: str) -> str:
    """`YYYY-MM-DD` of days since 1970-01-01."""
    if target == "hive":
        return f"CAST(date_add({_EPOCH}, CAST({number} AS INT)) AS STRING)"
    if target == "trino":
        return f"CAST(date_add('day', {number}, {_EPOCH}) AS VARCHAR)"
    return f"CAST({_EPOCH} + CAST({number} AS INTEGER) AS VARCHAR)"


def checked(value: str, arguments: Sequence[str]) -> str:
    """Hive's `value`, as an error where it is NULL though none of its arguments is: it didn't fit, or something was divided by 0.

    Nested macros are checked once, at the outermost: a NULL within runs through to it. Whether `value` is NULL is asked of its
    text: Hive's optimizer takes `a * b IS NULL` for `a IS NULL OR b IS NULL` and drops the question.
    """
    given = "".join(f" AND {argument} IS NOT NULL" for argument in arguments)
    failed = f"CAST(CAST(assert_true(FALSE) AS STRING) AS {_WIDE})"
    return f"CASE WHEN concat_ws('', CAST({value} AS STRING)) = ''{given} THEN {failed} ELSE {value} END"


MACROS: dict[str, Callable[..., str]] = {
    "FLOOR_DIV": floor_div,
    "MUL": mul,
    "EPOCH_DAY": epoch_day,
    "DAY_TEXT": day_text,
}
EXACT = {"FLOOR_DIV", "MUL"}
