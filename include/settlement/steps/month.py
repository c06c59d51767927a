"""A month's life in the ledger: its version is reserved, approved by somebody else, and closed once."""

from __future__ import annotations

from collections.abc import Collection

from settlement.errors import NotAllowed, SettlementError
from settlement.ledger import Build, Ledger
from settlement.ledger.guards import require_other
from settlement.ledger.ledger import Others
from settlement.pipeline import previous_month
from settlement.settings import settings
from settlement.steps.context import Context
from settlement.steps.pinning import closed_version, stages_of
from settlement.steps.plan import month_inputs
from settlement.warehouse import Partition


def is_turn(ledger: Ledger, month: str) -> bool:
    """Whether the month before is closed, or this is the first month of all (rules §7)."""
    if closed_version(ledger, previous_month(month)) is not None:
        return True
    closed = {r.partition.key for r in ledger.records(kind="closed")}
    started = closed | {r.partition.key for r in ledger.records(kind="reserved")}
    return not closed and not any(other < month for other in started)


def require_turn(ledger: Ledger, month: str) -> None:
    """Refuse a month whose turn it isn't.

    Raises:
        NotAllowed: names the month that is in the way.
    """
    if not is_turn(ledger, month):
        before = previous_month(month)
        raise NotAllowed(
            f"{month} is refused while {before} isn't closed",
            f"close {before} first: settle it and have it approved by someone other than its requester",
        )


def reserve(context: Context, month: str, others: Others = "join") -> Partition:
    """The version that a settlement of the month from today's inputs and rules has."""
    inputs = month_inputs(context, context.pins("pools", Partition(month)))
    return context.ledger.reserve(month, inputs, context.run_id, context.requested_by, others)


def requesters(context: Context, partition: Partition) -> set[str]:
    """Everyone who asked for this version, this run's requester included."""
    return context.ledger.requesters(partition) | {context.requested_by}


def require_approver(context: Context, partition: Partition, approved_by: str) -> None:
    """Refuse, before anything is computed, an approver who is among those who asked for the settlement (rules §8)."""
    require_other(partition, approved_by, requesters(context, partition))


def approve(context: Context, partition: Partition, approved_by: str, cleared_by: Collection[str] = ()) -> None:
    """Record the approval of a version by someone who didn't ask for it (rules §8): of a month's statements, or of the lines
    of a restatement.

    `cleared_by` are those who cleared a task of the run: they are requesters too.

    Raises:
        NotAllowed, PublishRefused: as `Ledger.approve`.
        SettlementError: nothing of this version has been published yet.
    """
    built = to_approve(context, partition)
    body = {"rows_hashes": dict(built.rows_hashes), **_dsr_sender()}
    context.ledger.approve(built, context.run_id, approved_by, {context.requested_by, *cleared_by}, body)


def _dsr_sender() -> dict[str, dict[str, str]]:
    """Who will send the DSR files of the version, so that they come out the same whatever is set later; empty when not set."""
    own = settings()
    return {"dsr_sender": {"dpid": own.dsr_dpid, "name": own.dsr_name, "service": own.dsr_service}} if own.dsr_dpid else {}


def to_approve(context: Context, partition: Partition) -> Build:
    """What an approval of a version is bound to; raises SettlementError when it has not been published."""
    stage = stages_of(context.ledger, partition)[-1]
    built = context.ledger.head_build(stage, partition)
    if built is None:
        raise SettlementError(f"there are no {stage} of {partition}", f"clear the build of {stage}")
    return built


def approved_version(ledger: Ledger, month: str) -> Partition | None:
    """The version of a month that somebody approved, if any: its reports are published before anything else."""
    found = list(ledger.records(kind="approved", partition=month))
    return found[-1].partition if found else None


def close(context: Context, partition: Partition, manifest: str) -> None:
    """Close the month with this version: its reports are published, once. `manifest` is the hash of all of them."""
    context.ledger.close(partition, context.run_id, {"reports": manifest})


def require_same_inputs(context: Context, partition: Partition) -> None:
    """Refuse to pass off a version as this run's own that was settled from other inputs or rules.

    Raises:
        NotAllowed: the month was closed with the version that had been approved, not with this run's figures.
    """
    statements = context.ledger.head_build("statements", partition)
    assert statements is not None, "statements are published before they are approved"
    if statements.reservation != month_inputs(context, context.pins("pools", Partition(partition.key))):
        raise NotAllowed(
            f"{partition} had been approved and is closed now; the other inputs or rules of this run were not used",
            "a closed month is corrected by a restatement",
        )
