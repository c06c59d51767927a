"""A work folder (landing, warehouse, Airflow home) and the Airflow that settles it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from local.airflow import ENGINE_SLOTS, Airflow, free_port, is_taken

PREFERRED_PORT = 8080


def airflow_of(work: Path, more: Mapping[str, str] | None = None, port: int | None = None) -> Airflow:
    """The Airflow of a work folder; the port that it was first given or asked for stays."""
    work = work.resolve()
    home = work / "airflow"
    settings = {
        "SETTLEMENT_LANDING": str(work / "landing"),
        "SETTLEMENT_WAREHOUSE": str(work / "warehouse"),
        # As many engines as slots share what this machine has.
        "SETTLEMENT_DUCKDB_MEMORY": "2GB",
        "SETTLEMENT_DUCKDB_THREADS": str(max(1, (os.cpu_count() or 1) // ENGINE_SLOTS)),
        "SETTLEMENT_READER_PROCESSES": str(max(1, (os.cpu_count() or 1) // ENGINE_SLOTS)),
        "SETTLEMENT_POLL_SECONDS": "5",
        "SETTLEMENT_RETRY_SECONDS": "5",
        **{name: value for name, value in os.environ.items() if name.startswith("SETTLEMENT_")},
        **(more or {}),
    }
    return Airflow(home, settings, _port(home, port))


def _port(home: Path, wanted: int | None) -> int:
    path = home / "port"
    if wanted is not None or not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        path.write_text(str(wanted or (free_port() if is_taken(PREFERRED_PORT) else PREFERRED_PORT)))
    return int(path.read_text())
