"""Restating a closed month (rules §8): asked for with a reason, computed as a version of its own, approved by somebody else,
posted into the next month to be settled. Nothing that was published changes."""

from __future__ import annotations

from collections.abc import Callable, Collection

from settlement.audit.checks import Finding
from settlement.errors import NotAllowed, SettlementError
from settlement.ledger.restatements import Restatement, not_closed
from settlement.pipeline import RESTATED_STAGES, days_of
from settlement.reports.changes import Delta
from settlement.steps import month as months
from settlement.steps.audit import audit
from settlement.steps.build import build_tables
from settlement.steps.context import Context, record_release
from settlement.steps.differences import differences, partner_names
from settlement.steps.pinning import closed_version, pools_pins
from settlement.steps.plan import month_inputs
from settlement.steps.publish import publish
from settlement.warehouse import Partition, hash_json


def request(context: Context, month: str, reason: str) -> Restatement:
    """Reserve the version of a restatement from today's rules and the newest catalogue.

    Raises:
        NotAllowed: no reason, the month isn't closed, or another restatement of it is under way.
    """
    if closed_version(context.ledger, month) is None:
        raise not_closed(month)
    pins = pools_pins(context.ledger, context.release.catalog, month, restates=True)
    inputs = month_inputs(context, pins, RESTATED_STAGES)
    record_release(context.ledger, context.run_id, context.release, context.requested_by, Partition(month))
    partition = context.ledger.restate(month, inputs, context.run_id, context.requested_by, reason)
    return found(context, partition)


def found(context: Context, partition: Partition) -> Restatement:
    """The restatement that has a version; raises SettlementError when none has."""
    restatement = context.ledger.restatement(partition)
    if restatement is None:
        raise SettlementError(f"{partition} is no restatement", "see `settlement restate show`")
    return restatement


def under_way(context: Context, month: str) -> Restatement:
    """The restatement of a month that waits for an answer, or is approved and not posted.

    Raises:
        SettlementError: there is none.
    """
    for restatement in context.ledger.restatements(month):
        if restatement.state in ("requested", "approved"):
            return restatement
    raise SettlementError(f"no restatement of {month} is under way", "ask for one: settlement restate request")


def compute(context: Context, partition: Partition, progress: Callable[[str], None] = lambda _: None) -> list[Finding]:
    """Build, audit and publish the stages of a restatement; returns warnings."""
    warnings: list[Finding] = []
    for stage in RESTATED_STAGES:
        progress(f"{stage} {partition}")
        built = build_tables(context, stage, partition)
        if built is not None:
            warnings += audit(context, built)
            publish(context, built)
    return warnings


def lines_hash(context: Context, partition: Partition) -> str:
    """A short name of the figures that an approval of a computed restatement is bound to."""
    return hash_json(dict(months.to_approve(context, partition).rows_hashes))[:16]


def approve(context: Context, partition: Partition, approved_by: str, cleared_by: Collection[str] = ()) -> None:
    """Record the approval of a restatement by somebody who didn't ask for it.

    Raises:
        NotAllowed: the approver is among the requesters (recorded as `refused`), or it was rejected.
        SettlementError: it hasn't been computed yet.
    """
    restatement = found(context, partition)
    if restatement.state == "rejected":
        raise NotAllowed(f"{partition} was rejected", "ask for a new restatement")
    if restatement.state == "requested":
        _require_known_partners(context, restatement)
    try:
        months.approve(context, partition, approved_by, cleared_by)
    except NotAllowed as error:
        context.ledger.append("refused", context.run_id, {"by": approved_by, "reason": error.message}, partition)
        raise


def _require_known_partners(context: Context, restatement: Restatement) -> None:
    """Refuse to post to partners whom the catalogue of the month to be settled lacks: its statements couldn't be made.

    Raises:
        NotAllowed: names them.
    """
    month = context.ledger.next_to_settle()
    snapshot = context.ledger.head_build("ods", Partition(days_of(month)[-1]))
    if snapshot is None:  # the month isn't over yet: its last catalogue is still to come
        return
    known = partner_names(context, snapshot.release, snapshot.partition, snapshot.build_id)
    lacking = sorted({d.partner_id for d in deltas(context, restatement) if d.partner_id} - known.keys())
    if lacking:
        raise NotAllowed(
            f"{restatement.partition} changes partners that the catalogue of {snapshot.partition} lacks: "
            f"{', '.join(map(str, lacking[:10]))}",
            f"close {month} first, then approve: the deltas go into the month after it",
        )


def post(context: Context, partition: Partition) -> Restatement:
    """Post an approved restatement into the next month to be settled, once.

    Raises:
        NotAllowed: it isn't approved.
    """
    context.ledger.post(partition, context.run_id)
    return found(context, partition)


def reject(context: Context, partition: Partition, rejected_by: str) -> None:
    """Record that somebody answered no: the version stays, and nothing is posted.

    Raises:
        NotAllowed: it is approved or posted.
    """
    found(context, partition)
    context.ledger.reject(partition, context.run_id, rejected_by)


def deltas(context: Context, restatement: Restatement) -> list[Delta]:
    """What a computed restatement changes against the version published or posted before, largest change first.

    Raises:
        SettlementError: it hasn't been computed yet.
    """
    old = context.ledger.head_build("lines", Partition(restatement.partition.key, restatement.version_from))
    assert old is not None, "what is restated has been published"
    return differences(context, old, months.to_approve(context, restatement.partition))
