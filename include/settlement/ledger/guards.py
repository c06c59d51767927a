"""What must hold within a transaction before a record is appended or a head moves: fences, reservations, who may approve."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import Connection, insert, select, update

from settlement.errors import ApproverIsRequester, PublishRefused
from settlement.ledger.chain import head_of, records_of
from settlement.ledger.records import Build, Record
from settlement.ledger.schema import head, record
from settlement.warehouse import Partition


def require_newest(connection: Connection, run_id: str, stage: str, partition: Partition, attempt: int) -> None:
    """Fence off an attempt that goes on after its task was cleared or retried: only the newest one may seal."""
    columns = {"kind": "begun", "run_id": run_id, "stage": stage, "partition": partition.key}
    query = select(record.c.seq).where(*(record.c[name] == value for name, value in columns.items()))
    newest = connection.execute(query.order_by(record.c.seq.desc()).limit(1)).scalar()
    if newest != attempt:
        raise PublishRefused(
            f"{stage} {partition}: another attempt of run {run_id} began after this one, which may no longer seal anything",
            "nothing to do: the newer attempt goes on",
        )


def require_head(connection: Connection, build: Build) -> None:
    current = head_of(connection, build.stage, build.partition)
    if (current.build_id if current else None) == build.expected_head:
        return
    assert current is not None, "heads are never taken away"
    row = connection.execute(select(record).where(record.c.seq == current.seq)).one()
    raise PublishRefused(
        f"{build.stage} {build.partition} was published by run {row.run_id} (build {current.build_id}) while this run, "
        f"{build.run_id}, was at work: nothing of this run was published",
        "run again: it will find the other's result and compare",
    )


def require_other(partition: Partition, approved_by: str, asked: Set[str]) -> None:
    """Refuse an approver who is among those who asked for the settlement (rules §8); raises ApproverIsRequester."""
    if approved_by in asked:
        raise ApproverIsRequester(
            f"{partition} can't be approved by {approved_by}, who is among its requesters ({', '.join(sorted(asked))})",
            "have somebody else approve it",
        )


def requesters_of(connection: Connection, partition: Partition) -> set[str]:
    found = [r for kind in ("reserved", "published") for r in records_of(connection, kind, partition.key, partition.version)]
    return {r.body["requested_by"] for r in found}


def require_reserved(connection: Connection, partition: Partition, reservation: str) -> None:
    """The newest reservation must be the one that a build was made for: other inputs may have taken the number over."""
    last = records_of(connection, "reserved", partition.key)[-1]
    if (last.partition, last.body["inputs"]) != (partition, reservation):
        raise PublishRefused(
            f"{partition} of this run is out of date: run {last.run_id} settles {last.partition} from other inputs or rules",
            "agree on one of the two, then run again",
        )


def sealed_for(connection: Connection, partition: Partition) -> str | None:
    """The reservation whose statements are published under a version; none while it isn't sealed."""
    found = head_of(connection, "statements", partition)
    if found is None:
        return None
    query = select(record).where(record.c.kind == "sealed", record.c.build_id == found.build_id)
    return Build.of_record(Record.of_row(connection.execute(query).one())).reservation


def next_version(connection: Connection, month: str, last: Record | None) -> Partition:
    if last is None:
        return Partition(month, 1)
    sealed = head_of(connection, "statements", last.partition) is not None
    return Partition(month, last.partition.version + 1) if sealed else last.partition


def move_head(connection: Connection, build: Build, seq: int) -> None:
    keys = {"stage": build.stage, "partition": build.partition.key, "version": build.partition.version}
    values = {"build_id": build.build_id, "seq": seq}
    if build.expected_head is None:
        connection.execute(insert(head).values(**keys, **values))
    else:
        where = [head.c[name] == value for name, value in keys.items()]
        connection.execute(update(head).where(*where).values(values))
