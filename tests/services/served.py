"""A house of one day on the services: files in the bucket, the ledger on PostgreSQL, tables for people in the metastore."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from local.on_services import in_this_process
from local.services.hive import Hive
from local.services.postgres import Postgres
from local.services.s3 import BUCKETS
from local.services.stack import Stack
from local.services.trino import Trino
from settlement.steps import tasks
from settlement.steps.context import Context
from settlement.steps.place import Place
from settlement.steps.tasks import Run
from settlement.storage import location, put_folder
from settlement.warehouse import Partition
from tests.integration.databases import Elsewhere, moved
from tests.integration.example import FIRST
from tests.integration.house import House
from tests.integration.scheduled import SCHEDULER
from tests.integration.shelf import settle_days

DAY = Partition(FIRST)
Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Served:
    """A house whose days are published from the bucket; what this process does there is done as a worker does it.

    Args:
        stack: with all that the house needs running.
        house: on this machine: landing and reference data.
        name: of its folder in the bucket, its ledger, and its database in the metastore.
        ledger_url: with its password.
    """

    stack: Stack
    house: Elsewhere
    name: str
    ledger_url: str = field(repr=False)

    @property
    def root(self) -> str:
        return f"s3://{BUCKETS[0]}/{self.name}"

    def variables(self, engine: str = "hive") -> dict[str, str]:
        """Settings of its workers."""
        return {
            **self.stack.services["s3"].variables(),
            **self.stack.services["hive"].variables(),
            "SETTLEMENT_PROFILE": "services",
            "SETTLEMENT_ENGINE": engine,
            "SETTLEMENT_EMR_GLUE_CATALOG": "false",
            "SETTLEMENT_DATABASE": self.name,
            "SETTLEMENT_LANDING": str(self.house.landing),
            "SETTLEMENT_WAREHOUSE": f"{self.root}/warehouse",
            "SETTLEMENT_REFERENCE": str(self.house.reference),
            "SETTLEMENT_SCRATCH": str(self.house.root / "scratch"),
            "SETTLEMENT_LEDGER_URL": self.ledger_url,
            "SETTLEMENT_DUCKDB_THREADS": "1",
            "SETTLEMENT_READER_PROCESSES": "1",
        }

    @contextmanager
    def settings(self, engine: str = "hive") -> Iterator[None]:
        """These settings in this process, with an engine that computes: DuckDB takes a second where Hive takes a minute."""
        with in_this_process(self.variables(engine)):
            yield

    # -- what tasks do -----------------------------------------------------------------------------------------------------

    def begin(self, name: str) -> Run:
        """A run of the day, which goes by the reference data of now."""
        run = Run(name, FIRST)
        tasks.begin(Place.open(), run, SCHEDULER)
        return run

    def candidate(self, run: Run, stage: str = "daily") -> None:
        """Build by DuckDB, and audit."""
        with self.settings("duckdb"):
            assert tasks.build(Place.open(), run, stage).outcome == "sealed"
            assert tasks.audit(Place.open(), run, stage).outcome == "passed"

    def publish(self, run: Run, stage: str = "daily") -> str:
        """Publish what was audited; how that ended."""
        return tasks.publish(Place.open(), run, stage).outcome

    def context(self, run: Run) -> Context:
        return tasks.context_of(Place.open(), run)

    def head(self, stage: str = "daily") -> str:
        """The published build of the day."""
        head = self.house.ledger.head(stage, DAY)
        assert head is not None
        return head.build_id

    # -- what people read --------------------------------------------------------------------------------------------------

    @property
    def hive(self) -> Hive:
        return self.stack.of(Hive)

    @property
    def trino(self) -> Trino:
        return self.stack.of(Trino)

    def by_trino(self, table: str, columns: Sequence[str], database: str | None = None) -> Rows:
        """The day's rows as text, sorted, through the tables for people."""
        with self.trino.cursor() as cursor:
            cursor.execute(f"SELECT {_text(columns)} FROM hive.{database or self.name}.{table} WHERE dt = '{FIRST}'")
            return sorted(tuple(row) for row in cursor.fetchall())

    def by_hive(self, table: str, columns: Sequence[str], database: str | None = None) -> Rows:
        with self.hive.cursor(database or self.name) as cursor:
            return rows_of(cursor, table, columns)

    def by_duckdb(self, context: Context, table: str, columns: Sequence[str]) -> Rows:
        """The same from the files of the ledger's head."""
        found = next(one for one in context.release.catalog.tables.values() if one.name.replace(".", "_") == table)
        assert found.definition.stage is not None
        build = context.ledger.head_build(found.definition.stage, DAY)
        assert build is not None
        with context.engine.session({}) as session:
            session.add(found, [context.warehouse.build_dir(found.name, DAY, build.build_id)])
            return sorted(session.con.execute(f"SELECT {_text(columns)} FROM {found.name}").fetchall())

    def partitions(self, table: str) -> list[str]:
        """The partitions that people see of a table; none when they see no table."""
        with self.hive.cursor() as cursor:
            cursor.execute(f"SHOW DATABASES LIKE '{self.name}'")
            if not cursor.fetchall():
                return []
            cursor.execute(f"SHOW TABLES IN {self.name} LIKE '{table}'")
            if not cursor.fetchall():
                return []
            cursor.execute(f"SHOW PARTITIONS {self.name}.{table}")
            return [name for (name,) in cursor.fetchall()]

    def records(self) -> str:
        """All that the ledger holds, as text."""
        return json.dumps([[r.kind, r.run_id, r.body, str(r.partition)] for r in self.house.ledger.records()])

    def drop(self) -> None:
        """Remove its databases in the metastore."""
        with self.hive.cursor() as cursor:
            for database in (self.name, f"{self.name}_build"):
                cursor.execute(f"DROP DATABASE IF EXISTS {database} CASCADE")


def rows_of(cursor: Any, table: str, columns: Sequence[str]) -> Rows:
    """The day's rows as text, sorted, by a cursor of Hive."""
    cursor.execute(f"SELECT {_text(columns)} FROM {table} WHERE dt = '{FIRST}'")
    return sorted(tuple(row) for row in cursor.fetchall())


@contextmanager
def served(stack: Stack, house: House, stages: Sequence[str], ledger_url: str | None = None) -> Iterator[Served]:
    """Move a new house onto the services, with some stages of its first day published there (not in the metastore).

    Args:
        stack: runs.
        house: in the state `new`.
        stages: of the day.
        ledger_url: of an empty database; default: one of its own on the stack's PostgreSQL.
    """
    name = f"faults_{secrets.token_hex(4)}"
    if ledger_url is None:
        server = stack.of(Postgres)
        ledger_url = server.made("ledger", f"ledger_{name}")
    settle_days(house, [FIRST], stages)
    made = Served(stack, moved(house, ledger_url), name, ledger_url)
    with made.settings():
        for part in ("tables", "releases", "verdicts"):
            put_folder(house.warehouse / part, location(f"{made.root}/warehouse/{part}"))
        yield made
        made.drop()


def _text(columns: Sequence[str]) -> str:
    return ", ".join(f"CAST({column} AS VARCHAR(200))" for column in columns)
