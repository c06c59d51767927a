"""Reading and appending to the ledger: sealing candidates, the compare-and-set of heads, versions, approvals, closing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from settlement.errors import NotAllowed, PublishRefused
from settlement.ledger.records import GENESIS, Build, Head, Record, chain_hash
from settlement.ledger.schema import head, record
from settlement.ledger.store import append_transaction, open_engine
from settlement.warehouse import Partition, canonical_json


class Ledger:
    """The ledger of one warehouse. Every write is one transaction that appends to the chain."""

    def __init__(self, url: str, lock_dir: Path) -> None:
        self._engine = open_engine(url, lock_dir)

    # -- reading ---------------------------------------------------------------------------------------------------

    def records(self, **equals: Any) -> Iterator[Record]:
        """Records in order, optionally only those whose columns equal the given values."""
        query = select(record).order_by(record.c.seq)
        for name, value in equals.items():
            query = query.where(record.c[name] == value)
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                yield Record.of_row(row)

    def last(self, kind: str, partition: Partition, stage: str = "") -> Record | None:
        """The newest record of a kind for a stage and partition."""
        found = list(self.records(kind=kind, stage=stage, partition=partition.key, version=partition.version))
        return found[-1] if found else None

    def build(self, build_id: str) -> Build:
        """A sealed build by its id; raises KeyError when nothing of that id was sealed."""
        for found in self.records(kind="sealed", build_id=build_id):
            return Build.of_record(found)
        raise KeyError(build_id)

    def candidate(self, run_id: str, stage: str, partition: Partition) -> Build | None:
        """The newest sealed candidate of a run, stage and partition."""
        found = list(self.records(kind="sealed", stage=stage, partition=partition.key, version=partition.version, run_id=run_id))
        return Build.of_record(found[-1]) if found else None

    def head(self, stage: str, partition: Partition) -> Head | None:
        with self._engine.connect() as connection:
            return _head(connection, stage, partition)

    def heads(self, stage: str) -> dict[Partition, Head]:
        """Every head of a stage."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(head).where(head.c.stage == stage)).fetchall()
        found = (Head(r.stage, Partition(r.partition, r.version), r.build_id, r.seq) for r in rows)
        return {h.partition: h for h in found}

    def head_build(self, stage: str, partition: Partition) -> Build | None:
        """The published build of a stage and partition."""
        found = self.head(stage, partition)
        return None if found is None else self.build(found.build_id)

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(
        self, kind: str, run_id: str, body: Mapping[str, Any], partition: Partition, stage: str = "", build_id: str = ""
    ) -> Record:
        """Append one record that moves no head."""
        with append_transaction(self._engine) as connection:
            return _append(connection, kind, run_id, body, partition, stage, build_id)

    def seal(self, build: Build) -> Record:
        """Record a candidate: its files are complete and named by files_hash."""
        return self.append("sealed", build.run_id, build.body(), build.partition, build.stage, build.build_id)

    def publish(self, build: Build, pins: Mapping[str, tuple[str, Partition]], body: Mapping[str, Any]) -> Record:
        """Make a candidate the head of its stage and partition: the commit of a publication.

        Args:
            build: the candidate; the head must still be its `expected_head`.
            pins: per pinned build id its stage and partition; each must still be its head.
            body: what the record says beside (verdict, who asked).

        Raises:
            PublishRefused: the head or a pin moved since; names the run that moved it.
            NotAllowed: the month is closed.
        """
        with append_transaction(self._engine) as connection:
            _require_head(connection, build)
            _require_open(connection, build.partition.key[:7])  # nor are the days of a closed month replaced
            if build.partition.is_month:
                _require_reserved(connection, build.partition, build.reservation)
            for pinned, (stage, partition) in pins.items():
                current = _head(connection, stage, partition)
                if current is None or current.build_id != pinned:
                    raise PublishRefused(
                        f"{build.stage} {build.partition} is stale: it read {stage} {partition} as build {pinned}, "
                        f"which is no longer published",
                        "build again from the first task of the stage (a month: from pools)",
                    )
            written = _append(connection, "published", build.run_id, body, build.partition, build.stage, build.build_id)
            _move_head(connection, build, written.seq)
            return written

    def reserve(self, month: str, inputs: str, run_id: str, requested_by: str) -> Partition:
        """The version of a month that is settled from `inputs`; the newest reservation is the one in force.

        Inputs that were seen before keep their number. Others take over the last number until statements are published
        under it; from then on they get the next one.

        Raises:
            NotAllowed: the month is closed, or its last version is approved: that one is published first.
        """
        with append_transaction(self._engine) as connection:
            _require_open(connection, month)
            reserved = _records(connection, "reserved", month)
            last = reserved[-1] if reserved else None
            if last is not None and last.body["inputs"] == inputs:
                asked = {r.body["requested_by"] for r in reserved if r.partition == last.partition}
                if requested_by not in asked:  # whoever asks is a requester, even where nothing is left to do
                    body = {"inputs": inputs, "requested_by": requested_by}
                    _append(connection, "reserved", run_id, body, last.partition, "", "")
                return last.partition
            if last is not None and _records(connection, "approved", month, last.partition.version):
                raise NotAllowed(f"{last.partition} is approved and about to be published", "run again to finish it")
            known = next((r.partition for r in reversed(reserved) if r.body["inputs"] == inputs), None)
            partition = known or _next_version(connection, month, last)
            body = {"inputs": inputs, "requested_by": requested_by}
            _append(connection, "reserved", run_id, body, partition, "", "")
            return partition

    def approve(self, partition: Partition, reservation: str, run_id: str, body: Mapping[str, Any]) -> None:
        """Record the approval of a version, once.

        Raises:
            NotAllowed: the month is closed with another version.
            PublishRefused: another reservation is in force.
        """
        with append_transaction(self._engine) as connection:
            if not _records(connection, "approved", partition.key, partition.version):
                _require_open(connection, partition.key)
                _require_reserved(connection, partition, reservation)
                _append(connection, "approved", run_id, body, partition, "", "")

    def close(self, partition: Partition, run_id: str, body: Mapping[str, Any]) -> None:
        """Close a month with a version, once.

        Raises:
            NotAllowed: the month is closed with another version.
        """
        with append_transaction(self._engine) as connection:
            if not _records(connection, "closed", partition.key, partition.version):
                _require_open(connection, partition.key)
                _append(connection, "closed", run_id, body, partition, "", "")

    # -- the chain -------------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """What is wrong with the chain or the heads, as sentences; empty when everything holds."""
        found: list[str] = []
        expected_hash, expected_seq = GENESIS, 1
        derived: dict[tuple[str, Partition], tuple[str, int]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(select(record).order_by(record.c.seq)):
                if row.seq != expected_seq:
                    found.append(f"record {expected_seq} is missing: the next one is {row.seq}")
                if row.prev_hash != expected_hash:
                    found.append(f"record {row.seq} doesn't follow the record before it")
                if chain_hash(row.prev_hash, _hashed(row)) != row.hash:
                    found.append(f"record {row.seq} was edited: its content doesn't give its hash")
                expected_hash, expected_seq = row.hash, row.seq + 1
                if row.kind == "published":
                    derived[(row.stage, Partition(row.partition, row.version))] = (row.build_id, row.seq)
            for row in connection.execute(select(head)):
                key = (row.stage, Partition(row.partition, row.version))
                if derived.pop(key, None) != (row.build_id, row.seq):
                    found.append(f"head of {row.stage} {key[1]} is not what the chain says")
        found += [f"head of {stage} {partition} is missing" for stage, partition in derived]
        return found


def _hashed(row: Any) -> dict[str, Any]:
    names = ("seq", "at", "kind", "stage", "partition", "version", "build_id", "run_id", "body")
    return {name: getattr(row, name) for name in names}


def _head(connection: Connection, stage: str, partition: Partition) -> Head | None:
    query = select(head).where(head.c.stage == stage, head.c.partition == partition.key, head.c.version == partition.version)
    row = connection.execute(query).first()
    return Head(stage, partition, row.build_id, row.seq) if row else None


def _require_head(connection: Connection, build: Build) -> None:
    current = _head(connection, build.stage, build.partition)
    if (current.build_id if current else None) == build.expected_head:
        return
    assert current is not None, "heads are never taken away"
    row = connection.execute(select(record).where(record.c.seq == current.seq)).one()
    raise PublishRefused(
        f"{build.stage} {build.partition} was published by run {row.run_id} (build {current.build_id}) while this run, "
        f"{build.run_id}, was at work: nothing of this run was published",
        "run again: it will find the other's result and compare",
    )


def _records(connection: Connection, kind: str, month: str, version: int | None = None) -> list[Record]:
    query = select(record).where(record.c.kind == kind, record.c.partition == month).order_by(record.c.seq)
    if version is not None:
        query = query.where(record.c.version == version)
    return [Record.of_row(row) for row in connection.execute(query)]


def _require_open(connection: Connection, month: str) -> None:
    for found in _records(connection, "closed", month):
        raise NotAllowed(f"{found.partition} is closed", "a closed month is corrected by a restatement")


def _require_reserved(connection: Connection, partition: Partition, reservation: str) -> None:
    """The newest reservation must be the one that a build was made for: other inputs may have taken the number over."""
    _require_open(connection, partition.key)
    last = _records(connection, "reserved", partition.key)[-1]
    if (last.partition, last.body["inputs"]) != (partition, reservation):
        raise PublishRefused(
            f"{partition} of this run is out of date: run {last.run_id} settles {last.partition} from other inputs or rules",
            "agree on one of the two, then run again",
        )


def _next_version(connection: Connection, month: str, last: Record | None) -> Partition:
    if last is None:
        return Partition(month, 1)
    sealed = _head(connection, "statements", last.partition) is not None
    return Partition(month, last.partition.version + 1) if sealed else last.partition


def _append(
    connection: Connection,
    kind: str,
    run_id: str,
    body: Mapping[str, Any],
    partition: Partition,
    stage: str,
    build_id: str,
) -> Record:
    last = connection.execute(select(record.c.seq, record.c.hash).order_by(record.c.seq.desc()).limit(1)).first()
    seq, prev_hash = (last.seq + 1, last.hash) if last else (1, GENESIS)
    fields = {
        "seq": seq,
        "at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "kind": kind,
        "stage": stage,
        "partition": partition.key,
        "version": partition.version,
        "build_id": build_id,
        "run_id": run_id,
        "body": canonical_json(dict(body)),
    }
    values = {**fields, "prev_hash": prev_hash, "hash": chain_hash(prev_hash, fields)}
    connection.execute(insert(record).values(values))
    row = connection.execute(select(record).where(record.c.seq == seq)).one()
    return Record.of_row(row)


def _move_head(connection: Connection, build: Build, seq: int) -> None:
    keys = {"stage": build.stage, "partition": build.partition.key, "version": build.partition.version}
    values = {"build_id": build.build_id, "seq": seq}
    if build.expected_head is None:
        connection.execute(insert(head).values(**keys, **values))
    else:
        where = [head.c[name] == value for name, value in keys.items()]
        connection.execute(update(head).where(*where).values(values))
