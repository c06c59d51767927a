"""The one asset: a settled day, which wakes its month."""

from __future__ import annotations

from airflow.sdk import Asset

SETTLEMENT_DAY = Asset("settlement_day")
