"""Restatements in the chain (rules §8): asked for with a reason, approved by somebody else, posted once, never edited."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select

from settlement.errors import NotAllowed, PublishRefused
from settlement.ledger.chain import append_record, records_of
from settlement.ledger.records import Build, Record, pin
from settlement.ledger.schema import record
from settlement.pipeline import MONTH_STAGES, next_month
from settlement.warehouse import Partition

State = Literal["requested", "approved", "posted", "rejected"]


@dataclass(frozen=True)
class Restatement:
    """A closed month computed anew: `partition` is its new version, `version_from` the one published or posted before.

    Attributes:
        inputs: what the version was reserved for, as in the ledger's reservations.
        posted_month: month whose statements carry the deltas; empty until it is posted.
        approved_by: empty until it is approved.
    """

    partition: Partition
    version_from: int
    reason: str
    requested_by: str
    run_id: str
    inputs: str
    state: State
    approved_by: str = ""
    posted_month: str = ""

    @property
    def pins(self) -> set[str]:
        """Names of the two builds of lines whose royalties make the deltas."""
        return {pin("lines", Partition(self.partition.key, v)) for v in (self.version_from, self.partition.version)}


def restatements(connection: Connection, month: str | None = None) -> list[Restatement]:
    """Every restatement in order, or those of a month."""
    query = select(record).where(record.c.kind == "reserved").order_by(record.c.seq)
    found: dict[Partition, Record] = {}
    for row in connection.execute(query if month is None else query.where(record.c.partition == month)):
        reserved = Record.of_row(row)
        if "restates" in reserved.body:
            found[reserved.partition] = reserved
    return [_told(connection, reserved) for reserved in found.values()]


def _told(connection: Connection, reserved: Record) -> Restatement:
    def newest(kind: str) -> Record | None:
        found = records_of(connection, kind, reserved.partition.key, reserved.partition.version)
        return found[-1] if found else None

    approved, posted = newest("approved"), newest("posted")
    state: State = "posted" if posted else "approved" if approved else "rejected" if newest("rejected") else "requested"
    return Restatement(
        partition=reserved.partition,
        version_from=reserved.body["restates"],
        reason=reserved.body["reason"],
        requested_by=reserved.body["requested_by"],
        run_id=reserved.run_id,
        inputs=reserved.body["inputs"],
        state=state,
        approved_by=approved.body["approved_by"] if approved else "",
        posted_month=posted.body["posted_month"] if posted else "",
    )


def require_open(connection: Connection, month: str, restated: Partition | None = None) -> None:
    """Refuse to change a closed month, unless `restated` is a version that a restatement is computing.

    Raises:
        NotAllowed: names the version with which the month is closed.
    """
    for closed in records_of(connection, "closed", month):
        if restated not in [r.partition for r in restatements(connection, month) if r.state == "requested"]:
            raise NotAllowed(f"{closed.partition} is closed", "a closed month is corrected by a restatement")


def not_closed(month: str) -> NotAllowed:
    """What is said of a month that can't be restated yet."""
    return NotAllowed(f"{month} is not closed", "an open month is settled again, not restated")


def request(connection: Connection, month: str, inputs: str, run_id: str, requested_by: str, reason: str) -> Partition:
    """Reserve the next version of a closed month for a restatement; asked again by the same run, its own.

    Raises:
        NotAllowed: no reason, the month isn't closed, another restatement of it is under way, or the run's own was rejected.
    """
    if not reason.strip():
        raise NotAllowed(f"a restatement of {month} needs a reason", "say what was wrong and what corrects it")
    if not records_of(connection, "closed", month):
        raise not_closed(month)
    known = restatements(connection, month)
    own = [r for r in known if r.run_id == run_id]
    if own and own[-1].state == "posted":
        return own[-1].partition
    if own and own[-1].state == "rejected":
        raise NotAllowed(f"{own[-1].partition}, which this run asked for, was rejected", "start a new run")
    under_way = next((r for r in known if r.state in ("requested", "approved")), None)
    if under_way is not None and under_way.run_id != run_id:
        raise NotAllowed(
            f"{month} is being restated already: version {under_way.partition.version}, asked for by {under_way.requested_by}",
            "approve or reject that one first",
        )
    if under_way is not None and (under_way.state == "approved" or under_way.inputs == inputs):
        return under_way.partition
    partition = under_way.partition if under_way else Partition(month, _last_version(connection, month) + 1)
    body = {
        "inputs": inputs,
        "requested_by": requested_by,
        "reason": reason.strip(),
        "restates": under_way.version_from if under_way else _version_in_force(connection, month, known),
    }
    append_record(connection, "reserved", run_id, body, partition, "", "")
    return partition


def _last_version(connection: Connection, month: str) -> int:
    return max(r.partition.version for r in records_of(connection, "reserved", month))


def _version_in_force(connection: Connection, month: str, known: list[Restatement]) -> int:
    """The version last published or posted."""
    posted = [r.partition.version for r in known if r.state == "posted"]
    return posted[-1] if posted else records_of(connection, "closed", month)[0].partition.version


def post(connection: Connection, partition: Partition, run_id: str) -> Record:
    """Post an approved restatement into the next month to be settled, once.

    Raises:
        NotAllowed: it isn't approved.
    """
    for posted in records_of(connection, "posted", partition.key, partition.version):
        return posted
    found = next((r for r in restatements(connection, partition.key) if r.partition == partition), None)
    if found is None or found.state != "approved":
        raise NotAllowed(f"{partition} is no approved restatement", "have it approved by somebody other than its requesters")
    body = {"posted_month": next_to_settle(connection), "version_from": found.version_from, "reason": found.reason}
    return append_record(connection, "posted", run_id, body, partition, "", "")


def reject(connection: Connection, partition: Partition, run_id: str, rejected_by: str) -> None:
    """Record, once, that a restatement is rejected.

    Raises:
        NotAllowed: it is approved or posted.
    """
    state = next(r.state for r in restatements(connection, partition.key) if r.partition == partition)
    if state in ("approved", "posted"):
        raise NotAllowed(f"{partition} is {state}", "correct it by another restatement")
    if state == "requested":
        append_record(connection, "rejected", run_id, {"by": rejected_by}, partition, "", "")


def next_to_settle(connection: Connection) -> str:
    """The first month whose statements aren't approved yet: whoever approved them has not seen what is posted later."""
    closed = connection.execute(select(record.c.partition).where(record.c.kind == "closed")).scalars().all()
    month = next_month(max(closed))
    return next_month(month) if records_of(connection, "approved", month) else month


def postings(connection: Connection, month: str) -> list[Restatement]:
    """The restatements whose deltas are posted into a month."""
    return [r for r in restatements(connection) if r.posted_month == month]


def require_posted(connection: Connection, build: Build) -> None:
    """Refuse statements that were computed before a restatement was posted into their month; other stages carry no deltas.

    Raises:
        PublishRefused: names the restatement.
    """
    for found in postings(connection, build.partition.key) if build.stage == MONTH_STAGES[-1] else ():
        if not found.pins <= build.pins.keys():
            raise PublishRefused(
                f"{build.partition} was settled before the restatement {found.partition} was posted into it",
                "settle the month again, from pools",
            )
