"""A month's life in the ledger: its version is reserved, approved by somebody else, and closed once."""

from __future__ import annotations

from settlement.errors import NotAllowed
from settlement.ledger import Ledger
from settlement.pipeline import MONTH_STAGES, previous_month
from settlement.steps.context import Context, closed_version
from settlement.warehouse import Partition, hash_json


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
    """The version that a settlement of the month from today's inputs has.

    The same pins and rules keep their number. Others take it over until statements are published under it; from then on
    they get the next one, and an approval of the old one is void.
    """
    rules = {stage: context.release.stage_hashes[stage] for stage in MONTH_STAGES}
    inputs = hash_json({"pins": context.pins("pools", Partition(month)), "rules": rules})
    records = list(context.ledger.records(kind="reserved", partition=month))
    for record in reversed(records):
        if record.body["inputs"] == inputs:
            return record.partition
    last = records[-1].partition if records else Partition(month, 0)
    sealed = context.ledger.head("statements", last) is not None
    partition = Partition(month, last.version + 1 if sealed or not records else last.version)
    body = {"inputs": inputs, "requested_by": context.requested_by}
    context.ledger.append("reserved", context.run_id, body, partition)
    return partition


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
    context.ledger.append_once("approved", context.run_id, body, partition)


def is_approved(ledger: Ledger, partition: Partition) -> bool:
    """Whether somebody approved this version; its reports may be published."""
    return ledger.last("approved", partition) is not None


def close(context: Context, partition: Partition, manifest: str) -> None:
    """Close the month with this version: its reports are published, once. `manifest` is the hash of all of them."""
    closed = closed_version(context.ledger, partition.key)
    if closed is not None and closed != partition:
        raise NotAllowed(f"{partition} can't be closed: {closed} is", "a closed month is corrected by a restatement")
    context.ledger.append_once("closed", context.run_id, {"reports": manifest}, partition)
