"""The stages and their order, said once; which partitions a stage reads; what must have landed before a day is settled."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal

from settlement.errors import SettlementError
from settlement.warehouse import Partition

if TYPE_CHECKING:  # DAG files read this module: it imports no engine and no parser
    from settlement.landing.contract import Kind
    from settlement.tables import Catalog, Window

LOOK_BACK_DAYS = 30


@dataclass(frozen=True)
class Stage:
    """A part of the pipeline that is built, audited and published as one."""

    name: str
    grain: Literal["day", "month"]
    title: str


STAGES = (
    Stage("raw", "day", "landed files → raw tables"),
    Stage("ods", "day", "typed snapshot, plays in buckets, payments with their base"),
    Stage("daily", "day", "usage, recognised revenue and provisional lines"),
    Stage("pools", "month", "pools of the month"),
    Stage("lines", "month", "settlement lines and royalties"),
    Stage("statements", "month", "statements of the partners"),
)
DAY_STAGES = tuple(stage.name for stage in STAGES if stage.grain == "day")
MONTH_STAGES = tuple(stage.name for stage in STAGES if stage.grain == "month")
RESTATED_STAGES = ("pools", "lines")  # a restatement leaves no statement (rules §8)


def days_of(month: str) -> list[str]:
    """The days of a month `YYYY-MM`, in order."""
    year, number = int(month[:4]), int(month[5:])
    return [f"{month}-{day:02d}" for day in range(1, monthrange(year, number)[1] + 1)]


def previous_month(month: str) -> str:
    return (date.fromisoformat(f"{month}-01") - timedelta(days=1)).isoformat()[:7]


def next_month(month: str) -> str:
    return (date.fromisoformat(days_of(month)[-1]) + timedelta(days=1)).isoformat()[:7]


def months(text: str) -> list[str]:
    """The months of `YYYY-MM` or `YYYY-MM..YYYY-MM`, in order.

    Raises:
        SettlementError: not of this form, or the end lies before the start.
    """
    first, dots, last = text.partition("..")
    try:
        start, end = date.fromisoformat(f"{first}-01"), date.fromisoformat(f"{last if dots else first}-01")
    except ValueError:
        raise SettlementError(f"months {text!r}: must be YYYY-MM or YYYY-MM..YYYY-MM") from None
    if end < start:
        raise SettlementError(f"months {text!r}: the last month lies before the first")
    found = [start.isoformat()[:7]]
    while found[-1] < end.isoformat()[:7]:
        found.append(next_month(found[-1]))
    return found


def one_month(text: str) -> str:
    """The month `YYYY-MM`; raises SettlementError when the text is anything else."""
    found = months(text)
    if len(found) != 1 or found != [text]:
        raise SettlementError(f"--month {text!r}: must be YYYY-MM")
    return text


def day_before(day: str, count: int = 1) -> str:
    return (date.fromisoformat(day) - timedelta(days=count)).isoformat()


def day_range(first: str, last: str) -> Iterator[str]:
    """Days from first to last, both included."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        yield day.isoformat()
        day += timedelta(days=1)


def parameters(partition: Partition, catalogue_day: str | None = None) -> dict[str, str | int]:
    """Values of the named parameters that queries of a partition may use.

    `catalogue_day` is the snapshot that a month's rights and contracts are read from: its last day, or of a restatement the
    newest (rules §5).
    """
    if not partition.is_month:
        return {"dt": partition.key}
    days = days_of(partition.key)
    return {
        "catalogue_day": catalogue_day or days[-1],
        "month": partition.key,
        "version": partition.version,
        "first_day": days[0],
        "last_day": days[-1],
        "previous_month": previous_month(partition.key),
    }


def stage_reads(catalog: Catalog, stage: str) -> dict[str, set[Window]]:
    """Tables of other stages (or of other months) that a stage reads, with the windows over all its tables."""
    reads: dict[str, set[Window]] = {}
    for table in catalog.of_stage(stage):
        for name, window in table.definition.reads.items():
            if catalog[name].definition.stage != stage or window in ("previous_month", "posted"):
                reads.setdefault(name, set()).add(window)
    return reads


def in_window(window: Window, partition: Partition, other: Partition, catalogue_day: str | None = None) -> bool:
    """Whether a partition of an input lies in a window of the partition that is built; `catalogue_day` as in `parameters`."""
    key = other.key
    match window:
        case "same":
            found = other == partition
        case "last_30_days":
            found = day_before(partition.key, LOOK_BACK_DAYS) <= key <= partition.key
        case "to_date":
            found = key <= partition.key
        case "month_days":
            found = key[:7] == partition.key
        case "month_end":
            found = key == days_of(partition.key)[-1]
        case "catalogue":
            found = key == (catalogue_day or days_of(partition.key)[-1])
        case "previous_month":
            found = key == previous_month(partition.key)
        case "posted":  # which of an earlier month's versions: only they are pinned
            found = key < partition.key
    return found


def needed_days(kind: Kind, day: str, first: str) -> list[str]:
    """Days of a kind that the settlement of `day` reads, from the `first` day of the kind that was ever delivered.

    A day needs its own four folders, plays of the 30 days before, every earlier payment and other revenue (rules §2.3, §3).
    """
    if kind == "catalog":
        return [day]
    start = max(first, day_before(day, LOOK_BACK_DAYS)) if kind == "plays" else first
    return list(day_range(min(start, day), day))
