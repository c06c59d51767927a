"""One process that runs every stage of whole months in dependency order: the embedded settlement run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from settlement.audit.checks import Finding
from settlement.landing.contract import KINDS, Kind
from settlement.landing.folders import Landing
from settlement.ledger.records import Build
from settlement.pipeline import MONTH_STAGES, days_of
from settlement.processes import reader_pool
from settlement.steps import month as months
from settlement.steps import ready
from settlement.steps.audit import audit
from settlement.steps.build import build_raw, build_tables, require_unchanged
from settlement.steps.context import Context, record_release
from settlement.steps.deliver import Delivery, complete, deliver, is_complete
from settlement.steps.pinning import closed_version
from settlement.steps.publish import publish
from settlement.warehouse import Partition

# A progress callback gets what is being done and how many of how many steps are done.
Progress = Callable[[str, int, int], None]


@dataclass
class MonthResult:
    """How a month ended: `closed` now, `closed before` or `open`, and what was found on the way."""

    partition: Partition
    state: str
    delivery: Delivery | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
    published_by: set[str] = field(default_factory=set)  # other runs that had published the same content
    warnings: dict[str, list[tuple[str, Finding]]] = field(default_factory=dict)  # by check: partition and finding


@dataclass
class Runner:
    """Runs months over one landing root."""

    context: Context
    landing: Landing | None  # none: the days are taken as they were ingested
    approved_by: str | None
    progress: Progress
    readers: int
    _workers: Callable[[], Executor] = field(init=False, repr=False)

    def run(self, wanted: Sequence[str]) -> Iterator[MonthResult]:
        """Settle months one after the other; each result is yielded as soon as the month has ended.

        Raises:
            SettlementError: what is missing, wrong or not allowed; what was published before stays.
        """
        with self.processes():
            for month in wanted:
                yield self._month(month)

    @contextmanager
    def processes(self) -> Iterator[None]:
        """Keep the processes that parse landing files until the end of the block."""
        with reader_pool(self.readers) as self._workers:
            yield

    def _month(self, month: str) -> MonthResult:
        closed = closed_version(self.context.ledger, month)
        if closed is not None:
            for day in days_of(month):
                self._check_closed_day(day)
            if not is_complete(self.context, closed):  # a run before was stopped between closing and the markers
                complete(deliver(self.context, closed))
            return MonthResult(closed, "closed before")
        approved = months.approved_version(self.context.ledger, month)
        if approved is not None:  # a run before was stopped on its way from approval to closing
            result = self._publish_reports(MonthResult(approved, "open"))
            months.require_same_inputs(self.context, approved)
            return result
        result = self.settle(month)
        if self.approved_by:
            months.approve(self.context, result.partition, self.approved_by)
            self._publish_reports(result)
        return result

    def settle(self, month: str) -> MonthResult:
        """Settle a month as far as its statements, which wait for an approval.

        Raises:
            SettlementError: as `run`.
        """
        months.require_turn(self.context.ledger, month)
        landed = self.required_days(month) if self.landing else []
        days = days_of(month)
        result = MonthResult(Partition(month), "open")
        context = self.context
        record_release(context.ledger, context.run_id, context.release, context.requested_by, Partition(month))
        total = len(landed) + 2 * len(days) + len(MONTH_STAGES)
        steps = count()
        for day in landed:
            self.progress(f"raw {day}", next(steps), total)
            self.raw_day(day, result)
        for day in days:
            for stage in ("ods", "daily"):
                self.progress(f"{stage} {day}", next(steps), total)
                self.finish(build_tables(self.context, stage, Partition(day)), result)
        result.partition = months.reserve(self.context, month)
        if self.approved_by:
            months.require_approver(self.context, result.partition, self.approved_by)
        for stage in MONTH_STAGES:
            self.progress(f"{stage} {month}", next(steps), total)
            self.finish(build_tables(self.context, stage, result.partition), result)
        self.progress(f"{month} settled", total, total)
        return result

    def _publish_reports(self, result: MonthResult) -> MonthResult:
        """Publish the reports of an approved version and close its month."""
        result.delivery = deliver(self.context, result.partition)
        months.close(self.context, result.partition, result.delivery.hash)
        complete(result.delivery)
        result.state = "closed"
        return result

    def required_days(self, month: str) -> list[str]:
        """Days whose landing folders the month reads, in order; refuses what a scheduled run would wait for.

        Raises:
            NotArrived: names the first folder that is missing.
        """
        required: dict[str, set[Kind]] = {}
        landing = self._landing()
        for kind in KINDS:
            for day in days_of(month):  # a month's own folders are named first
                landing.require(kind, day)
        for day in days_of(month):
            for needed, kinds in ready.required(landing, day).items():
                required.setdefault(needed, set()).update(kinds)
        for day in sorted(required):
            for kind in (kind for kind in KINDS if kind in required[day]):
                landing.require(kind, day)
        return sorted(required)

    def _landing(self) -> Landing:
        assert self.landing is not None, "only a run without landing takes the days as they were ingested"
        return self.landing

    def _check_closed_day(self, day: str) -> None:
        head = self.context.ledger.head_build("raw", Partition(day))
        if head is not None and self.landing and self.landing.kinds(day):
            require_unchanged(self.context, head, self.landing, self.landing.freeze(day))

    def raw_day(self, day: str, result: MonthResult) -> None:
        """Ingest a landing day; a day of a closed month is only checked."""
        if closed_version(self.context.ledger, day[:7]) is not None:
            self._check_closed_day(day)
        else:
            self.finish(build_raw(self.context, self._landing(), day, self._workers), result)

    def finish(self, build: Build | None, result: MonthResult) -> None:
        """Audit and publish a candidate; none means that the published build is of the same inputs."""
        outcome = "unchanged"
        if build is not None:
            for finding in audit(self.context, build):
                result.warnings.setdefault(f"{finding.table} {finding.check}", []).append((build.partition.key, finding))
            published = publish(self.context, build)
            outcome = published.outcome
            if outcome == "same":
                result.published_by.add(published.run_id)
        result.outcomes[outcome] = result.outcomes.get(outcome, 0) + 1
