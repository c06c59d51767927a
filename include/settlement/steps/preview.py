"""Preview: settle a month in a throw-away layer over the warehouse and compare it with what is in force. The same pipeline,
over a fork of the ledger; the warehouse itself is only read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from settlement.errors import NotArrived
from settlement.landing.folders import Landing
from settlement.ledger import Ledger
from settlement.ledger.records import Build
from settlement.release import Release
from settlement.reports.changes import Delta, Figure, Warned
from settlement.run import Progress, Runner
from settlement.settings import settings, sql_dir
from settlement.steps.build import frozen_of
from settlement.steps.context import Context
from settlement.steps.differences import differences
from settlement.steps.figures import figures
from settlement.steps.pinning import closed_version
from settlement.steps.place import make_engine
from settlement.steps.warnings import warnings_of
from settlement.warehouse import Partition, Warehouse, hash_json


@dataclass(frozen=True)
class Preview:
    """What a month would come to.

    Attributes:
        month: `YYYY-MM`.
        against: the version in force whose royalties are compared; none when nothing of the month was settled before.
        totals_against: the version whose totals are compared: the closed one, a restatement has no statements; none when
            there are no statements yet.
        figures: totals before and now, in whole won.
        deltas: royalties that change, largest first.
        warnings: what the audits warned of.
    """

    month: str
    against: Partition | None
    totals_against: Partition | None
    figures: Sequence[Figure]
    deltas: Sequence[Delta]
    warnings: Sequence[Warned]


def preview(
    warehouse: Warehouse,
    ledger: Ledger,
    month: str,
    landing: Landing | None,
    reference: Path,
    run_id: str,
    requested_by: str,
    progress: Progress,
) -> Preview:
    """Settle a month without leaving a trace.

    Args:
        warehouse: the one in force.
        ledger: its ledger.
        month: `YYYY-MM`.
        landing: other landing folders than those that were ingested; none: the days as they were ingested.
        reference: folder of the reference rows to preview; the SQL is the package's.
        run_id: what the throw-away layer names the run.
        requested_by: who asks.
        progress: called before each step.

    Raises:
        SettlementError: what is missing or wrong, as a settlement would say it.
    """
    with tempfile.TemporaryDirectory(prefix="settlement-preview-") as scratch:
        layer = Warehouse(Path(scratch), warehouse.root)
        fork = ledger.fork(layer.local, month)
        above = Context(layer, fork, make_engine(layer), Release.freeze(sql_dir(), reference, layer), run_id, requested_by)
        if landing is not None:
            _accept(above, landing)
        else:
            _require_days(ledger, month)
        runner = Runner(above, landing, None, progress, settings().reader_processes)
        with runner.processes():
            result = runner.settle(month)
        lines = above.ledger.head_build("lines", result.partition)
        statements = above.ledger.head_build("statements", result.partition)
        assert lines is not None, "they were published just before"
        assert statements is not None, "they were published just before"
        old = in_force(ledger, month)
        before = closed_version(ledger, month) or (old.partition if old else None)  # a restatement has no statements
        old_statements = ledger.head_build("statements", before) if before else None
        return Preview(
            month=month,
            against=old.partition if old else None,
            totals_against=old_statements.partition if old_statements else None,
            figures=figures(above, old_statements, statements),
            deltas=differences(above, old, lines),
            warnings=warnings_of(above, statements),
        )


def in_force(ledger: Ledger, month: str) -> Build | None:
    """The lines of a month that count: of the last restatement posted, of the closed version, else of the newest version."""
    posted = [r.partition for r in ledger.restatements(month) if r.state == "posted"]
    closed = closed_version(ledger, month)
    newest = max((p for p in ledger.heads("lines") if p.key == month), default=None)
    partition = posted[-1] if posted else closed or newest
    return ledger.head_build("lines", partition) if partition else None


def _accept(context: Context, landing: Landing) -> None:
    """Take whatever is delivered there, whatever was ingested before: nobody publishes it."""
    for partition in context.ledger.heads("raw"):
        head = context.ledger.head_build("raw", partition)
        if head is not None and landing.kinds(partition.key):
            frozen = landing.freeze(partition.key)
            if frozen != frozen_of(head):
                body = {"landing": hash_json(frozen), "by": context.requested_by, "reason": "preview"}
                context.ledger.append("redelivery", context.run_id, body, partition)


def _require_days(ledger: Ledger, month: str) -> None:
    if not any(partition.key[:7] == month for partition in ledger.heads("raw")):
        raise NotArrived(f"no day of {month} has been ingested", "say --landing, or settle its days first")
