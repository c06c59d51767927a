"""A real server of the query API over a settled warehouse, and what tests say to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from settlement.api.audit_log import verify
from settlement.engines.files import arrow_schema
from settlement.settings import sql_dir
from settlement.tables import read
from settlement.warehouse import Partition, Warehouse
from tests.integration.house import House

ROLES = ("operator", "auditor", "approver", "partner:2", "partner:3", "partner:99")
_START_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A server that runs: its address, a token for each role, and its audit log."""

    address: str
    tokens: Mapping[str, str]
    process: subprocess.Popen[str]
    log: Path

    def client(self, role: str | None = "operator") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=120)

    def get(self, path: str, role: str | None = "operator", **params: Any) -> httpx.Response:
        with self.client(role) as client:
            return client.get(path, params=params or None)  # empty ones would replace those of the path

    def query(self, role: str = "operator", **params: Any) -> httpx.Response:
        """GET /v1/query; `first` and `last` are from and to."""
        period = {"from": params.pop("first", "2026-02"), "to": params.pop("last", "2026-02")}
        return self.get("/v1/query", role, **period, **params)

    def lines(self) -> list[dict[str, Any]]:
        """The lines of the audit log, whose chain holds."""
        found = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        assert verify(self.log).broken is None
        return found

    def lines_of(self, response: httpx.Response) -> list[dict[str, Any]]:
        """The lines of one request."""
        return [line for line in self.lines() if line["request"] == response.headers["x-request-id"]]

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def served(
    warehouse: Path, more: Mapping[str, str] | None = None, *, is_ready: bool = True, **settings: object
) -> Iterator[Server]:
    """A server over a warehouse, ended afterwards; `settings` are SETTLEMENT_API_*, in lower case, `more` any other.

    Unless `is_ready` is False, it is waited for until it can answer.
    """
    own = {f"SETTLEMENT_API_{name.upper()}": str(value) for name, value in settings.items()}
    usual = {"SETTLEMENT_API_USER_REQUESTS": "100000", "SETTLEMENT_DUCKDB_THREADS": "1"}
    roles = [part for role in ROLES for part in ("--role", role)]
    command = [sys.executable, "-m", "settlement", "serve", "--local", "--port", "0", "--warehouse", str(warehouse), *roles]
    process = subprocess.Popen(command, env={**os.environ, **usual, **(more or {}), **own}, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        server = Server(told["address"], told["tokens"], process, warehouse / "api-audit" / "requests.jsonl")
        wait_for(lambda: _is_up(server, "/ready" if is_ready else "/health"))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _is_up(server: Server, probe: str) -> bool:
    try:
        return server.get(probe, None).status_code == 200
    except httpx.TransportError:
        assert server.process.poll() is None, "it has ended"
        return False


def wait_for(is_so: Callable[[], object], seconds: float = _START_SECONDS) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it doesn't come true"
        time.sleep(0.05)


def blow_up(house: House, rows: int) -> str:
    """Write so many rows of usage into the build of the month's first day; returns the day."""
    day = "2026-02-01"
    table = read(sql_dir())["mart.usage_daily"]
    head = house.ledger.head("daily", Partition(day))
    assert head is not None
    folder = Warehouse(house.warehouse).build_dir(table.name, head.partition, head.build_id)
    ones = pa.array([1] * rows, pa.int64())
    texts = {"product_id": pa.array(["P"] * rows), "device": pa.array(["app"] * rows), "country": pa.array(["KR"] * rows)}
    columns = {**{column.name: ones for column in table.columns}, **texts, "track_id": pa.array(range(rows), pa.int64())}
    names = [column.name for column in table.columns]
    content = pa.Table.from_arrays([columns[name] for name in names], schema=arrow_schema(table))
    pq.write_table(content, Path(str(folder)) / "part-00000.parquet")
    return day
