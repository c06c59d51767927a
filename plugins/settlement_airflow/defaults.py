"""What every settlement DAG has in common: owner, start, retries with back-off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from settlement.settings import settings

OWNER = "settlement"
START = datetime(2024, 1, 1, tzinfo=UTC)
DAY_RUNS = 16  # days at work or waiting at once, of scheduled and cleared runs; a backfill brings its own limit


def task_defaults() -> dict[str, Any]:
    """Three tries after the first, the wait doubling each time: a worker lost, a full disk, a locked ledger pass."""
    return {
        "owner": OWNER,
        "retries": 3,
        "retry_delay": timedelta(seconds=settings().retry_seconds),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=30),
    }
