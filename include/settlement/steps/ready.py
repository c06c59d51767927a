"""Whether work may begin: what a landing day, a day's settlement and a month's settlement still wait for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone

from settlement.landing.contract import KINDS, Kind
from settlement.landing.folders import Landing
from settlement.ledger import Ledger
from settlement.ledger.records import pin
from settlement.pipeline import days_of, needed_days, previous_month
from settlement.steps.month import is_turn
from settlement.warehouse import Partition

KST = timezone(timedelta(hours=9), "KST")


def required(landing: Landing, day: str) -> dict[str, set[Kind]]:
    """Days whose folders the settlement of a day reads, and of which kinds: looking back no further than what ever came."""
    found: dict[str, set[Kind]] = {}
    for kind in KINDS:
        for needed in needed_days(kind, day, landing.first_day(kind) or day):
            found.setdefault(needed, set()).add(kind)
    return found


def landing_waits_for(landing: Landing, day: str) -> list[str]:
    """Folders of a day that have not arrived; a kind that began on a later day isn't waited for."""
    return [f"{kind}/dt={day}" for kind in KINDS if not landing.arrived(kind, day) and day >= (landing.first_day(kind) or day)]


def day_waits_for(ledger: Ledger, landing: Landing, day: str) -> list[str]:
    """Raw partitions that the settlement of a day reads and that nobody has published."""
    waiting: list[str] = []
    for needed, kinds in sorted(required(landing, day).items()):
        head = ledger.head_build("raw", Partition(needed))
        missing = sorted(kinds - head.landing.keys()) if head else sorted(kinds)
        waiting += [f"raw {needed} ({kind})" for kind in missing]
    return waiting


def month_waits_for(ledger: Ledger, month: str) -> list[str]:
    """Days of a month that nobody has published or that were settled from what was replaced since; an open month before."""
    published = ledger.heads("daily")
    waiting = [f"daily {day}" for day in days_of(month) if Partition(day) not in published]
    waiting += _replaced(ledger, month)
    if not is_turn(ledger, month):
        waiting.append(f"the closing of {previous_month(month)}")
    return waiting


def _replaced(ledger: Ledger, month: str) -> Iterator[str]:
    """Inputs of settled days that were published again since, unless the same content came of them too."""
    for stage, source in (("ods", "raw"), ("daily", "ods")):
        now = {pin(source, partition): head.build_id for partition, head in ledger.heads(source).items()}
        for day in days_of(month):
            head = ledger.head_build(stage, Partition(day))
            if head is None:
                continue
            reads = [head.pins, *(build.pins for build in ledger.confirmations(head))]
            stale = [sorted(name for name, build_id in pins.items() if now.get(name, build_id) != build_id) for pins in reads]
            if all(stale):
                replaced = stale[-1][0].replace("/", " ")
                yield f"{stage} {day} (settled before {replaced} was published again)"


def landing_due(day: str, deadline: time) -> datetime:
    """When a day must have landed at the latest: the morning after, by Korean time; returned in UTC."""
    return datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=1), deadline, KST).astimezone(UTC)
