"""When days and months run: a day the morning after, by Korean time; a month when its last day is published."""

from __future__ import annotations

from airflow.sdk import (
    Asset,
    CronPartitionTimetable,
    MonthWindow,
    PartitionedAssetTimetable,
    RollupMapper,
    StartOfMonthMapper,
)

DAY = "%Y-%m-%d"
SEOUL = "Asia/Seoul"


def landing_days() -> CronPartitionTimetable:
    """02:30 in Seoul on the day after: partition key = landing day `YYYY-MM-DD`."""
    return CronPartitionTimetable("30 2 * * *", timezone=SEOUL, run_offset=-1, key_format=DAY)


def months_of(day: Asset) -> PartitionedAssetTimetable:
    """Once every day of a month was emitted by `day`: partition key = month `YYYY-MM`. It only wakes the month's run."""
    rollup = RollupMapper(upstream_mapper=StartOfMonthMapper(input_format=DAY), window=MonthWindow())
    return PartitionedAssetTimetable(assets=day, default_partition_mapper=rollup)
