"""Pins: which published builds a stage reads. A month takes them once, for all of its stages, when its pools are built."""

from __future__ import annotations

from settlement import pipeline
from settlement.errors import NotArrived, SettlementError
from settlement.ledger import Ledger
from settlement.ledger.records import pin
from settlement.pipeline import MONTH_STAGES, RESTATED_STAGES, Stage
from settlement.tables import Catalog, Window
from settlement.warehouse import Partition

Pins = dict[str, str]
_DAY_STAGES: dict[str, Stage] = {stage.name: stage for stage in pipeline.STAGES if stage.grain == "day"}


def unpin(pinned: str) -> Partition:
    """The partition that a pin names."""
    _, key, *version = pinned.split("/")
    return Partition(key, int(version[0]) if version else 0)


def stage_of(pinned: str) -> str:
    """The stage that a pin names."""
    return pinned.split("/", maxsplit=1)[0]


def closed_version(ledger: Ledger, month: str) -> Partition | None:
    """The version of a month that is closed, if it is."""
    found = list(ledger.records(kind="closed", partition=month))
    if len(found) > 1:
        raise SettlementError(f"the ledger closes {month} twice", "run `settlement ledger verify`")
    return found[0].partition if found else None


def settled_version(ledger: Ledger, month: str, version: int | None = None) -> Partition:
    """The version that was asked for, else the one that is closed, else the newest with statements.

    Raises:
        NotArrived: the month has no statements.
    """
    if version is not None:
        return Partition(month, version)
    found = closed_version(ledger, month) or max((p for p in ledger.heads("statements") if p.key == month), default=None)
    if found is None:
        raise NotArrived(f"there are no statements of {month}", "settle it first")
    return found


def stages_of(ledger: Ledger, partition: Partition) -> tuple[str, ...]:
    """The stages that a version of a month has: a restatement leaves no statement (rules §8)."""
    return RESTATED_STAGES if ledger.restatement(partition) else MONTH_STAGES


def catalogue_day(partition: Partition, pins: Pins) -> str | None:
    """The catalogue snapshot that a month's rights and contracts come from: the newest that is pinned (rules §5).

    None of a day, and of a month without pins.
    """
    days = [unpin(name).key for name in pins if stage_of(name) == "ods"]
    return max(days, default=None) if partition.is_month else None


def day_pins(ledger: Ledger, catalog: Catalog, stage: str, partition: Partition) -> Pins:
    """What a stage of a day reads.

    Raises:
        NotArrived: a day that it needs has not been published yet.
    """
    pins = _heads_in(ledger, partition, _windows(catalog, [stage]), None)
    needed = {"ods": ("raw", partition), "daily": ("ods", partition)}.get(stage)
    return _complete(f"{stage} {partition}", pins, [needed] if needed else [])


def pools_pins(ledger: Ledger, catalog: Catalog, month: str, restates: bool) -> Pins:
    """What all stages of a month read beside each other: its days, the month before, what was posted into it.

    A restatement reads products, plays and revenue of the month's days, and the newest catalogue; no statements.

    Raises:
        NotArrived: a day of the month has not been published yet.
    """
    partition = Partition(month)
    stages = RESTATED_STAGES if restates else MONTH_STAGES
    newest = max((p.key for p in ledger.heads("ods")), default=None) if restates else None
    pins = _heads_in(ledger, partition, _windows(catalog, stages), newest)
    pins |= _closed_before(ledger, month, stages)
    if not restates:
        for posting in ledger.postings(month):
            for name in posting.pins:
                head = ledger.head("lines", unpin(name))
                assert head is not None, "what is posted has been published"
                pins[name] = head.build_id
    days = [Partition(day) for day in pipeline.days_of(month)]
    return _complete(f"pools {month}", pins, [("daily", day) for day in days] + [("ods", days[-1])])


def later_pins(ledger: Ledger, stage: str, partition: Partition) -> Pins:
    """What `lines` or `statements` of a month read: the pins of its pools, so that a day published in between doesn't split
    the month, and the stages before.

    Raises:
        NotArrived: a stage before has not been published yet.
    """
    pins: Pins = {}
    for before in MONTH_STAGES[: MONTH_STAGES.index(stage)]:
        head = ledger.head_build(before, partition)
        if head is None:
            raise NotArrived(f"{stage} {partition} needs {before} {partition}, which is not published")
        if before == MONTH_STAGES[0]:
            pins |= head.pins
        pins[pin(before, partition)] = head.build_id
    return dict(sorted(pins.items()))


def _windows(catalog: Catalog, stages: tuple[str, ...] | list[str]) -> dict[str, set[Window]]:
    """Stages of days that the given stages read, with all the windows over their tables."""
    found: dict[str, set[Window]] = {}
    for stage in stages:
        for name, windows in pipeline.stage_reads(catalog, stage).items():
            source = catalog[name].definition.stage
            if source in _DAY_STAGES:
                found.setdefault(source, set()).update(windows)
    return found


def _heads_in(ledger: Ledger, partition: Partition, windows: dict[str, set[Window]], newest: str | None) -> Pins:
    return {
        pin(source, other): head.build_id
        for source, read in windows.items()
        for other, head in ledger.heads(source).items()
        if any(pipeline.in_window(window, partition, other, newest) for window in read)
    }


def _closed_before(ledger: Ledger, month: str, stages: tuple[str, ...]) -> Pins:
    """Of the month before the version that was closed: its carry and, for statements, its balances."""
    closed = closed_version(ledger, pipeline.previous_month(month))
    if closed is None:
        return {}
    heads = [ledger.head(stage, closed) for stage in stages if stage in ("pools", "statements")]
    return {pin(head.stage, closed): head.build_id for head in heads if head is not None}


def _complete(what: str, pins: Pins, needed: list[tuple[str, Partition]]) -> Pins:
    for source, other in needed:
        if pin(source, other) not in pins:
            raise NotArrived(f"{what} needs {source} {other}, which is not published")
    return dict(sorted(pins.items()))
