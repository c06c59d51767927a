"""A month's life in the ledger: its version is reserved, approved by somebody else, and closed once."""

from __future__ import annotations

from settlement.errors import NotAllowed
from settlement.ledger import Ledger
from settlement.pipeline import previous_month
from settlement.steps.build import month_inputs
from settlement.steps.context import Context, closed_version
from settlement.warehouse import Partition


def require_turn(ledger: Ledger, month: str) -> None:
    """Refuse a month whose turn it isn't: the month before must be closed, the first month apart (rules §7).

    Raises:
        NotAllowed: names the month that is in the way.
    """
    before = previous_month(month)
    if closed_version(ledger, before) is not None:
        return
    closed = {r.partition.key for r in ledger.records(kind="closed")}
    started = closed | {r.partition.key for r in ledger.records(kind="reserved")}
    if closed or any(other < month for other in started):
        raise NotAllowed(
            f"{month} is refused while {before} isn't closed",
            f"close {before} first: settle it and have it approved by someone other than its requester",
        )


def reserve(context: Context, month: str) -> Partition:
    """The version that a settlement of the month from today's inputs and rules has."""
    inputs = month_inputs(context, context.pins("pools", Partition(month)))
    return context.ledger.reserve(month, inputs, context.run_id, context.requested_by)


def requesters(context: Context, partition: Partition) -> set[str]:
    """Everyone who asked for this version: who reserved it, and who ran a stage of it."""
    found = {context.requested_by}
    for kind in ("reserved", "published"):
        records = context.ledger.records(kind=kind, partition=partition.key, version=partition.version)
        found |= {record.body["requested_by"] for record in records}
    return found


def require_approver(context: Context, partition: Partition, approved_by: str) -> None:
    """Refuse an approval by one of those who asked for the settlement (rules §8)."""
    asked = requesters(context, partition)
    if approved_by in asked:
        raise NotAllowed(
            f"{partition} can't be approved by {approved_by}, who is among its requesters ({', '.join(sorted(asked))})",
            "have somebody else approve it",
        )


def approve(context: Context, partition: Partition, approved_by: str) -> None:
    """Record the approval of a version's statements by someone who didn't ask for them (rules §8)."""
    require_approver(context, partition, approved_by)
    statements = context.ledger.head_build("statements", partition)
    assert statements is not None, "statements are published before they are approved"
    body = {
        "rows_hashes": dict(statements.rows_hashes),
        "approved_by": approved_by,
        "requesters": sorted(requesters(context, partition)),
    }
    context.ledger.approve(partition, statements.reservation, context.run_id, body)


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
