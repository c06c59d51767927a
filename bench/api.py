"""The query API against DuckDB's own client that fetches the same rows; and many small queries at once."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from bench.measure import in_process
from settlement.engines.files import arrow_schema
from settlement.settings import sql_dir
from settlement.steps.place import open_ledger
from settlement.tables import read
from settlement.warehouse import Partition, Warehouse

DAY = "2026-03-02"
FORMATS = ("csv", "ndjson", "arrow")
_TABLE = "mart.usage_daily"
_ASKED = {"measures": "plays", "by": "track,device,country", "from": DAY, "to": DAY}
_SMALL = {"measures": "plays", "by": "device", "from": DAY, "to": DAY}
_AT_ONCE = 200
_TIMES = 3


@dataclass(frozen=True)
class Fetched:
    """How an answer was fetched: seconds until its first row and until its last."""

    first: float
    whole: float


def measure(scratch: Path, sizes: list[int], say: Callable[[str], None]) -> None:
    """Measure every size: answers of one row for each track of one day."""
    warehouse = _settled(scratch)
    for rows in sizes:
        file = _blown_up(warehouse, rows)
        with _served(warehouse) as (client, process):
            _fetched(client, "arrow")  # what is loaded once is loaded
            text, values = _statement(client)
            raw = _best([_raw(file, text, values) for _ in range(_TIMES)])
            say(f"{rows:,} rows: DuckDB's own client: first row {raw.first:.3f} s, {rows / raw.whole / 1e6:.2f} M rows/s")
            for form in FORMATS:
                took = _best([_fetched(client, form) for _ in range(_TIMES)])
                say(
                    f"  {form}: first row {took.first:.3f} s ({took.first - raw.first:+.3f} s, aim 0.3 s over), "
                    f"{rows / took.whole / 1e6:.2f} M rows/s ({raw.whole / took.whole:.2f} ×"
                    f"{', aim 0.5 ×' if form == 'arrow' else ''})"
                )
            say(f"  peak memory of the server {_peak_mib(process.pid)} MiB")
            if rows == sizes[0]:
                say(asyncio.run(_at_once(client)))


def _settled(scratch: Path) -> Path:
    """A warehouse with one published day."""
    landing, warehouse = scratch / "landing", scratch / "warehouse"
    subprocess.run([sys.executable, "-m", "bench.day", str(landing), DAY, "1000"], check=True)
    in_process("bench.one_day", str(landing), str(warehouse), DAY, "")
    return warehouse


def _blown_up(warehouse: Path, rows: int) -> Path:
    """Put so many rows of usage in place of those of the day."""
    table = read(sql_dir())[_TABLE]
    opened = Warehouse(warehouse)
    head = open_ledger(opened).head("daily", Partition(DAY))
    assert head is not None
    ones = pa.array([1] * rows, pa.int64())
    own = {
        "product_id": pa.array(["P"] * rows),
        "device": pa.array(["app"] * rows),
        "country": pa.array(["KR"] * rows),
        "track_id": pa.array(range(rows), pa.int64()),
    }
    columns = [own.get(column.name, ones) for column in table.columns]
    file = Path(str(opened.build_dir(_TABLE, head.partition, head.build_id))) / "part-00000.parquet"
    pq.write_table(pa.Table.from_arrays(columns, schema=arrow_schema(table)), file)
    return file


@contextmanager
def _served(warehouse: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """The API in a process of its own, with as much room as the test of many queries needs."""
    room = {"SETTLEMENT_API_QUERIES": "64", "SETTLEMENT_API_USER_QUERIES": "64", "SETTLEMENT_API_USER_REQUESTS": "100000"}
    more = {**room, "SETTLEMENT_API_MAX_ROWS": "100000000"}
    command = [sys.executable, "-m", "settlement", "serve", "--local", "--port", "0", "--warehouse", str(warehouse)]
    process = subprocess.Popen(command, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {told['tokens']['operator']}"}
        # The address is told before anybody listens to it.
        with httpx.Client(
            transport=httpx.HTTPTransport(retries=20), base_url=told["address"], headers=headers, timeout=600
        ) as client:
            yield client, process
    finally:
        process.terminate()
        process.wait()


def _statement(client: httpx.Client) -> tuple[str, list[Any]]:
    told = client.get("/v1/query", params={**_ASKED, "format": "sql"}).raise_for_status().json()["sql"]
    return told["text"], told["values"]


def _raw(file: Path, text: str, values: list[Any]) -> Fetched:
    """The same statement over the same file, fetched as Arrow batches by DuckDB's own client."""
    start = time.perf_counter()
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as con:
        con.execute("CREATE SCHEMA mart")
        con.execute(f"CREATE VIEW {_TABLE} AS SELECT *, '{DAY}' AS dt FROM read_parquet('{file}')")
        first = 0.0
        for _ in con.sql(text, params=values).to_arrow_reader(16_384):
            first = first or time.perf_counter() - start
        return Fetched(first, time.perf_counter() - start)


def _fetched(client: httpx.Client, form: str) -> Fetched:
    start, first, last = time.perf_counter(), 0.0, b""
    with client.stream("GET", "/v1/query", params={**_ASKED, "format": form}) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            first = first or time.perf_counter() - start
            last = (last + piece)[-4_096:]
    if b"sha256" not in last:
        raise SystemExit(f"the answer in {form} isn't complete")
    return Fetched(first, time.perf_counter() - start)


def _best(found: list[Fetched]) -> Fetched:
    return Fetched(min(one.first for one in found), min(one.whole for one in found))


async def _at_once(client: httpx.Client) -> str:
    """Many small queries, all sent at the same moment."""
    limits = httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers, timeout=600, limits=limits) as many:

        async def ask() -> tuple[int, float]:
            start = time.perf_counter()
            answer = await many.get("/v1/query", params=_SMALL)
            return answer.status_code, time.perf_counter() - start

        found = await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))
    statuses = Counter(status for status, _ in found)
    if set(statuses) - {200, 429}:
        raise SystemExit(f"{_AT_ONCE} queries at once: {dict(statuses)}")
    took = sorted(seconds for status, seconds in found if status == 200)
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    return f"  {_AT_ONCE} small queries at once: {dict(sorted(statuses.items()))}, p50 {p50:.2f} s, p99 {p99:.2f} s"


def _peak_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
