"""Stages of a month or of a day on DuckDB, Hive and Trino, from the same builds, one after the other in one run.

`python -m bench engines [plays of the month]`, `python -m bench engines-day [plays of the day …]`. Hive and Trino are those of
`make services-up`, with the files in its S3; DuckDB reads the same files from a disk. Hive writes a build, DuckDB writes one,
Trino reads every row to its end into a checksum.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import timed
from local.services.__main__ import default_state
from local.services.s3 import BUCKETS, S3
from local.services.service import HOST
from local.services.stack import Stack
from settlement.engines.dialect import Query
from settlement.engines.files import files_of
from settlement.engines.hive import HiveEngine
from settlement.engines.pinned import pin_tables
from settlement.engines.places import Pin, Places
from settlement.engines.trino import TrinoEngine
from settlement.ledger.records import Build
from settlement.pipeline import days_of
from settlement.steps.compute import InProcess
from settlement.steps.plan import Plan
from settlement.warehouse import Partition
from tests.integration.house import House
from tests.parity.lake import Lake
from tests.parity.month import Settled, on_hive
from tests.services.fixtures import shared

Part = tuple[str, Partition]


@dataclass(frozen=True)
class Took:
    """A stage on each engine: seconds, and what Trino has read against what lies in the files of its inputs, in bytes."""

    stage: str
    duckdb: float
    hive: float
    trino: float
    scanned: int
    there: int

    def __str__(self) -> str:
        ratios = f"Hive {self.hive / self.duckdb:.1f} ×, Trino {self.trino / self.duckdb:.1f} ×"
        return (
            f"{self.stage:6} DuckDB {self.duckdb:.1f} s, {ratios}; "
            f"scanned {self.scanned / 2**20:.1f} MiB of {self.there / 2**20:.1f} MiB there ({self.scanned / self.there:.2f} ×)"
        )


def of_day(day: str) -> list[Part]:
    """The stages that engines compute of a day."""
    return [(stage, Partition(day)) for stage in ("ods", "daily")]


def of_month(month: str) -> list[Part]:
    """Those of the month's last day, and of the month."""
    return [*of_day(days_of(month)[-1]), *((stage, Partition(month, 1)) for stage in ("pools", "lines"))]


def measure(warehouse: Path, reference: Path, parts: Sequence[Part], scratch: Path) -> Iterator[Took]:
    """Some stages of a warehouse on a disk, which has their builds."""
    house = House(warehouse.parent, warehouse)
    shutil.copytree(reference, house.reference, dirs_exist_ok=True)
    with shared(Stack(default_state())) as stack:
        lake = _lake(stack, f"bench_{int(time.time())}")
        hive = HiveEngine(HOST, stack.services["hive"].port)
        trino = TrinoEngine(HOST, stack.services["trino"].port)
        settled = Settled(house.context("bench"), lake)
        settled.upload(hive)
        for stage, partition in parts:
            build = settled.head(stage, partition)
            by_trino, scanned = _on_trino(trino, settled, build)
            folder = scratch / f"hive-{stage}"
            by_duckdb = timed(lambda build=build: _on_duckdb(settled, build))  # type: ignore[misc]
            by_hive = timed(lambda build=build, folder=folder: on_hive(hive, settled, build, folder))  # type: ignore[misc]
            if settled.hashes(build, folder) != settled.hashes(build):
                raise SystemExit(f"{stage}: Hive's rows are not DuckDB's")
            yield Took(stage, by_duckdb, by_hive, by_trino, scanned, _there(settled, build))


def _lake(stack: Stack, name: str) -> Lake:
    s3 = stack.of(S3)
    return Lake(Places(name, f"s3://{BUCKETS[0]}/{name}"), s3.client())


def _on_duckdb(settled: Settled, build: Build) -> None:
    plan = Plan(f"again{build.build_id}", build.stage, build.partition, build.pins, build.inputs, None)
    InProcess().compute(settled.context, plan)


def _on_trino(engine: TrinoEngine, settled: Settled, build: Build) -> tuple[float, int]:
    """Seconds of every query of the stage, and the bytes that they read."""
    own: Pin = (build.partition, build.build_id)
    tables = settled.context.release.catalog.of_stage(build.stage)
    inputs = settled.inputs(build)
    known = inputs | {table: [*inputs.get(table, []), own] for table in tables}
    seconds, scanned = 0.0, 0
    for table in tables:
        if table.select is None:
            continue
        query = Query(pin_tables(table.select.tree, known, settled.lake.places.builds))
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        drained = f"SELECT count(*), checksum(ROW({columns})) FROM ({query.render('trino', settled.parameters(build))})"
        start = time.perf_counter()
        (query_id,) = engine.rows(drained, tags=["bench"]).evidence.query_ids
        seconds += time.perf_counter() - start
        asked = "SELECT sum(physical_input_bytes) FROM system.runtime.tasks WHERE query_id = "
        ((read,),) = engine.rows(f"{asked}'{query_id}'").rows
        scanned += int(read or 0)
    return seconds, scanned


def _there(settled: Settled, build: Build) -> int:
    """Bytes in the files that the stage's tables are made from, each file once."""
    root = settled.context.warehouse
    folders = {
        root.build_dir(table.name, partition, build_id)
        for table, pins in settled.inputs(build).items()
        for partition, build_id in pins
        if partition is not None
    }
    return sum(path.stat().st_size for path in files_of(list(folders)))
