"""The checks of a table: those that its definition implies, and those of its checks.sql."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import sqlglot

from settlement.engines.dialect import Hive4, Query
from settlement.engines.duckdb import Session
from settlement.landing.contract import PRIVATE
from settlement.tables import LANDING_MANIFEST, Check, Table

SAMPLE_ROWS = 10
MASKED = PRIVATE | {"subscription_id", "line"}  # a raw line holds what its columns hold
_SORTED_ROWS = 1000  # so many are sorted to make the sample the same every time


@dataclass(frozen=True)
class Finding:
    """The result of one check: how many rows broke it, and the first few of them."""

    table: str
    check: str
    level: Literal["fail", "warn"]
    meaning: str
    rows: int
    sample: list[dict[str, Any]]

    def __str__(self) -> str:
        """One line for logs and messages, which must not name a listener; the verdict's sample does."""
        rows = "; ".join(", ".join(f"{k}={'…' if k in MASKED else v}" for k, v in row.items()) for row in self.sample[:3])
        more = f" … and {self.rows - 3} more" if self.rows > 3 else ""
        return f"{self.table}: {self.check}: {self.meaning}: {rows}{more}"


@cache  # tables live as long as their release
def all_checks(table: Table) -> list[Check]:
    """Every check of a table: `unique_grain`, `not_null`, `records_landed` (raw tables), then those of checks.sql."""
    landed = [_records_landed(table)] if table.definition.source == "landing" else []
    return [_unique_grain(table), _not_null(table), *landed, *table.checks]


def run_checks(session: Session, table: Table) -> list[Finding]:
    """Findings of the checks that did not pass."""
    checks = all_checks(table)
    counts = session.counts([check.select for check in checks], f"checks of {table.name}")
    return [_finding(session, table, check, rows) for check, rows in zip(checks, counts, strict=True) if rows]


def _finding(session: Session, table: Table, check: Check, rows: int) -> Finding:
    cursor = session.rows(check.select, f"check {check.name} of {table.name}")
    names = [column[0] for column in cursor.description or []]
    found = sorted(cursor.fetchall() if rows <= _SORTED_ROWS else cursor.fetchmany(_SORTED_ROWS), key=repr)
    sample = [dict(zip(names, map(_plain, row), strict=True)) for row in found[:SAMPLE_ROWS]]
    return Finding(table.name, check.name, check.level, check.meaning, rows, sample)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _own_partition(table: Table) -> str:
    return " AND ".join(f"{name} = :{name}" for name in table.partition_types)


def _unique_grain(table: Table) -> Check:
    keys = ", ".join(f"`{name}`" for name in table.definition.grain)
    sql = f"SELECT {keys}, count(*) AS times FROM {table.name} WHERE {_own_partition(table)} GROUP BY {keys} HAVING count(*) > 1"
    return Check(
        "unique_grain",
        "fail",
        f"{', '.join(table.definition.grain)} stand once",
        Query(sqlglot.parse_one(sql, read=Hive4)),
    )


def _not_null(table: Table) -> Check:
    columns = [column.name for column in table.columns if not column.nullable]
    keys = ", ".join(f"`{name}`" for name in table.definition.grain)
    null = " OR ".join(f"`{name}` IS NULL" for name in columns)
    sql = f"SELECT {keys} FROM {table.name} WHERE {_own_partition(table)} AND ({null})"
    return Check("not_null", "fail", "no value is missing where one must be", Query(sqlglot.parse_one(sql, read=Hive4)))


def _records_landed(table: Table) -> Check:
    sql = f"""
    SELECT coalesce(f.file, t.file) AS file, f.`rows` AS landed, t.kept
    FROM (SELECT file, `rows` FROM {LANDING_MANIFEST} WHERE table_name = '{table.name}') AS f
    FULL JOIN (SELECT file, count(*) AS kept FROM {table.name} WHERE dt = :dt GROUP BY file) AS t ON t.file = f.file
    WHERE coalesce(f.`rows`, 0) <> coalesce(t.kept, 0)
    """
    return Check("records_landed", "fail", "every record of a landed file is a row", Query(sqlglot.parse_one(sql, read=Hive4)))
