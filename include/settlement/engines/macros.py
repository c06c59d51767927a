"""Exact arithmetic and dates, one rendering per engine: the only place where engines may differ.

Every argument is SQL text in the engine's own dialect. `FLOOR_DIV(a, b)` wants a ≥ 0 and b > 0; a quotient above 2^53 and
a product up to 10^38 − 1 are exact, anything larger is an error on DuckDB (never NULL, never a wrap).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Target = Literal["duckdb"]
_WIDE = "DECIMAL(38, 0)"


def floor_div(_target: Target, a: str, b: str) -> str:
    """floor(a / b) as DECIMAL(38,0). DuckDB's `/` and `//` on decimals give DOUBLE, on HUGEINT they are exact."""
    return f"CAST(CAST({a} AS HUGEINT) // CAST({b} AS HUGEINT) AS {_WIDE})"


def mul(_target: Target, a: str, b: str) -> str:
    """a × b as DECIMAL(38,0): both sides are widened first, since BIGINT × BIGINT overflows at real sizes."""
    return f"(CAST({a} AS {_WIDE}) * CAST({b} AS {_WIDE}))"


def epoch_day(_target: Target, day: str) -> str:
    """Days since 1970-01-01 of a `YYYY-MM-DD` text as BIGINT; NULL when it is no real date."""
    return f"CAST(TRY_CAST({day} AS DATE) - DATE '1970-01-01' AS BIGINT)"


def day_text(_target: Target, number: str) -> str:
    """`YYYY-MM-DD` of days since 1970-01-01."""
    return f"CAST(DATE '1970-01-01' + CAST({number} AS INTEGER) AS VARCHAR)"


MACROS: dict[str, Callable[..., str]] = {
    "FLOOR_DIV": floor_div,
    "MUL": mul,
    "EPOCH_DAY": epoch_day,
    "DAY_TEXT": day_text,
}
