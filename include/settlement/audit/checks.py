"""The checks of a table: those that its definition implies, and those of its checks.sql."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlglot

from settlement.engines.dialect import Hive4
from settlement.engines.duckdb import Session
from settlement.tables import LANDING_MANIFEST, Check, Table

SAMPLE_ROWS = 10


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
        rows = "; ".join(", ".join(f"{k}={v}" for k, v in row.items()) for row in self.sample[:3])
        more = f" … and {self.rows - 3} more" if self.rows > 3 else ""
        return f"{self.table}: {self.check}: {self.meaning}: {rows}{more}"


def all_checks(table: Table) -> list[Check]:
    """Every check of a table: `unique_grain`, `not_null`, `records_landed` (raw tables), then those of checks.sql."""
    landed = [_records_landed(table)] if table.definition.source == "landing" else []
    return [_unique_grain(table), _not_null(table), *landed, *table.checks]


def run_checks(session: Session, table: Table) -> list[Finding]:
    """Findings of the checks that did not pass."""
    found = [_run(session, table, check) for check in all_checks(table)]
    return [finding for finding in found if finding.rows]


def _run(session: Session, table: Table, check: Check) -> Finding:
    cursor = session.rows(check.tree, f"check {check.name} of {table.name}")
    names = [column[0] for column in cursor.description or []]
    sample = [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchmany(SAMPLE_ROWS)]
    rows = len(sample)
    while more := cursor.fetchmany(10_000):
        rows += len(more)
    return Finding(table.name, check.name, check.level, check.meaning, rows, sample)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _own_partition(table: Table) -> str:
    return " AND ".join(f"{name} = :{name}" for name in table.partition_types)


def _unique_grain(table: Table) -> Check:
    keys = ", ".join(f"`{name}`" for name in table.definition.grain)
    sql = f"SELECT {keys}, count(*) AS times FROM {table.name} WHERE {_own_partition(table)} GROUP BY {keys} HAVING count(*) > 1"
    return Check("unique_grain", "fail", f"{', '.join(table.definition.grain)} stand once", sqlglot.parse_one(sql, read=Hive4))


def _not_null(table: Table) -> Check:
    columns = [column.name for column in table.columns if not column.nullable]
    keys = ", ".join(f"`{name}`" for name in table.definition.grain)
    null = " OR ".join(f"`{name}` IS NULL" for name in columns)
    sql = f"SELECT {keys} FROM {table.name} WHERE {_own_partition(table)} AND ({null})"
    return Check("not_null", "fail", "no value is missing where one must be", sqlglot.parse_one(sql, read=Hive4))


def _records_landed(table: Table) -> Check:
    sql = f"""
    SELECT coalesce(f.file, t.file) AS file, f.`rows` AS landed, t.kept
    FROM (SELECT file, `rows` FROM {LANDING_MANIFEST} WHERE table_name = '{table.name}') AS f
    FULL JOIN (SELECT file, count(*) AS kept FROM {table.name} WHERE dt = :dt GROUP BY file) AS t ON t.file = f.file
    WHERE coalesce(f.`rows`, 0) <> coalesce(t.kept, 0)
    """
    return Check("records_landed", "fail", "every record of a landed file is a row", sqlglot.parse_one(sql, read=Hive4))
