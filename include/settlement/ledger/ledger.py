"""Reading and appending to the ledger: sealing candidates, the compare-and-set of heads, versions, approvals, closing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, or_, select
from sqlalchemy.exc import SQLAlchemyError

from settlement.errors import NotAllowed, NothingToDo, PublishRefused, SettlementError
from settlement.ledger import restatements
from settlement.ledger.anchors import Anchor, Anchors, due, has_anchored, last_seq
from settlement.ledger.chain import append_record, head_of, records_of
from settlement.ledger.guards import (
    move_head,
    next_version,
    requesters_of,
    require_head,
    require_newest,
    require_other,
    require_reserved,
    sealed_for,
)
from settlement.ledger.records import Build, Head, Record
from settlement.ledger.restatements import Restatement
from settlement.ledger.schema import head, record
from settlement.ledger.store import BIT_BY_BIT, append_transaction, open_engine, read_transaction
from settlement.ledger.verify import Verification, hashed, verify
from settlement.settings import settings
from settlement.storage import Location, location
from settlement.warehouse import Partition

_log = logging.getLogger(__name__)
Others = Literal["join", "refuse", "take_over"]
_FROM_A_MONTH_ON = ("reserved", "approved", "closed", "posted")  # what says that a month was settled


class Ledger:
    """The ledger of one warehouse. Every write is one transaction that appends to the chain."""

    def __init__(self, url: str, lock_dir: Path, is_anchored: bool = True, anchors: Location | None = None) -> None:
        """`is_anchored` says whether its head is written outside the database: where `anchors` says, else the settings, else
        beside the locks."""
        self._engine = open_engine(url, lock_dir)
        self._anchors = Anchors(anchors or location(settings().anchors or lock_dir / "anchors"))
        self._is_anchored = is_anchored

    # -- reading ---------------------------------------------------------------------------------------------------

    def records(self, **equals: Any) -> Iterator[Record]:
        """Records in order, optionally only those whose columns equal the given values."""
        query = select(record).order_by(record.c.seq)
        for name, value in equals.items():
            query = query.where(record.c[name] == value)
        with read_transaction(self._engine) as connection:
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

    def result(self, run_id: str, stage: str, partition: Partition) -> Record | None:
        """What a run's newest build of a stage ended with: `sealed`, or `unchanged` when its inputs were published before."""
        keys = {"run_id": run_id, "stage": stage, "partition": partition.key, "version": partition.version}
        found = [r for kind in ("sealed", "unchanged") for r in self.records(kind=kind, **keys)]
        return max(found, key=lambda r: r.seq, default=None)

    def head(self, stage: str, partition: Partition) -> Head | None:
        with read_transaction(self._engine) as connection:
            return head_of(connection, stage, partition)

    def released(self, run_id: str) -> Record | None:
        """The record with which a scheduled run began: its release and who asked for it."""
        return next(self.records(kind="released", run_id=run_id), None)

    def head_before(self, stage: str, partition: Partition, seq: int) -> Build | None:
        """The build that was published before a record was written."""
        found = [r for r in self.records(kind="published", stage=stage, partition=partition.key) if r.seq < seq]
        return self.build(found[-1].build_id) if found else None

    def confirmations(self, head: Build) -> list[Build]:
        """Builds from other inputs that came to the same content as a head, which therefore stayed."""
        found = self.records(kind="confirmed", stage=head.stage, partition=head.partition.key)
        return [self.build(r.build_id) for r in found if r.body["head"] == head.build_id]

    def heads(self, stage: str) -> dict[Partition, Head]:
        """Every head of a stage, in the order of the partitions."""
        with read_transaction(self._engine) as connection:
            query = select(head).where(head.c.stage == stage).order_by(head.c.partition, head.c.version)
            rows = connection.execute(query).fetchall()
        found = (Head(r.stage, Partition(r.partition, r.version), r.build_id, r.seq) for r in rows)
        return {h.partition: h for h in found}

    def head_build(self, stage: str, partition: Partition) -> Build | None:
        """The published build of a stage and partition."""
        found = self.head(stage, partition)
        return None if found is None else self.build(found.build_id)

    def restatements(self, month: str | None = None) -> list[Restatement]:
        """Every restatement in order, or those of a month."""
        with read_transaction(self._engine) as connection:
            return restatements.restatements(connection, month)

    def restatement(self, partition: Partition) -> Restatement | None:
        """The restatement that has a version of a month, if one has."""
        return next((r for r in self.restatements(partition.key) if r.partition == partition), None)

    def postings(self, month: str) -> list[Restatement]:
        """The restatements whose deltas are posted into a month, in order."""
        with read_transaction(self._engine) as connection:
            return restatements.postings(connection, month)

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(
        self,
        kind: str,
        run_id: str,
        body: Mapping[str, Any],
        partition: Partition,
        stage: str = "",
        build_id: str = "",
        attempt: int | None = None,
    ) -> Record:
        """Append one record that moves no head.

        Raises:
            PublishRefused: the `attempt` (seq of its `begun` record) is no longer the newest of its run, stage and partition.
        """
        with self._appending() as connection:
            if attempt is not None:
                require_newest(connection, run_id, stage, partition, attempt)
            return append_record(connection, kind, run_id, body, partition, stage, build_id)

    def append_once(self, kind: str, run_id: str, body: Mapping[str, Any], partition: Partition) -> tuple[Record, bool]:
        """The one record of a kind, run and partition, appended if it isn't there; and whether it was appended now."""
        with self._appending() as connection:
            where = (record.c.kind == kind, record.c.run_id == run_id, record.c.partition == partition.key)
            row = connection.execute(select(record).where(*where).order_by(record.c.seq)).first()
            if row is not None:
                return Record.of_row(row), False
            return append_record(connection, kind, run_id, body, partition, "", ""), True

    def seal(self, build: Build, attempt: int | None = None) -> Record:
        """Record a candidate: its files are complete and named by files_hash; raises as `append`."""
        return self.append("sealed", build.run_id, build.body(), build.partition, build.stage, build.build_id, attempt)

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
        with self._appending() as connection:
            require_head(connection, build)
            # nor are the days of a closed month replaced
            restatements.require_open(connection, build.partition.key[:7], build.partition)
            if build.partition.is_month:
                require_reserved(connection, build.partition, build.reservation)
            restatements.require_posted(connection, build)
            for pinned, (stage, partition) in pins.items():
                current = head_of(connection, stage, partition)
                if current is None or current.build_id != pinned:
                    raise PublishRefused(
                        f"{build.stage} {build.partition} is stale: it read {stage} {partition} as build {pinned}, "
                        f"which is no longer published",
                        "build again from the first task of the stage (a month: from pools)",
                    )
            written = append_record(connection, "published", build.run_id, body, build.partition, build.stage, build.build_id)
            move_head(connection, build, written.seq)
            return written

    def reserve(self, month: str, inputs: str, run_id: str, requested_by: str, others: Others = "join") -> Partition:
        """The version of a month that is settled from `inputs`; the newest reservation is the one in force.

        Inputs that were seen before keep their number, unless others published statements under it. Others take over the
        last number until statements are published under it; from then on they get the next one. `others` says what to do
        when another run has reserved the same: go on with its number (`join`), leave it alone (`refuse`), or make it this
        run's own too (`take_over`).

        Raises:
            NotAllowed: the month is closed, or its last version is approved: that one is published first.
            NothingToDo: another run has reserved the same, and it is to be left alone.
        """
        with self._appending() as connection:
            restatements.require_open(connection, month)
            reserved = records_of(connection, "reserved", month)
            last = reserved[-1] if reserved else None
            if last is not None and last.body["inputs"] == inputs:
                same = [r for r in reserved if r.partition == last.partition and r.body["inputs"] == inputs]
                is_own = run_id in {r.run_id for r in same}
                if others == "refuse" and not is_own:
                    raise NothingToDo(
                        f"{last.partition} is settled by run {same[0].run_id} from the same inputs and rules",
                        "go on there: clear its failed task, or answer its approval",
                    )
                is_new = requested_by not in {r.body["requested_by"] for r in same}
                if is_new or (others == "take_over" and not is_own):
                    # whoever asks is a requester, even where nothing is left to do
                    body = {"inputs": inputs, "requested_by": requested_by}
                    append_record(connection, "reserved", run_id, body, last.partition, "", "")
                return last.partition
            if last is not None and records_of(connection, "approved", month, last.partition.version):
                raise NotAllowed(f"{last.partition} is approved and about to be published", "run again to finish it")
            seen = (r.partition for r in reversed(reserved) if r.body["inputs"] == inputs)
            known = next((p for p in seen if sealed_for(connection, p) in (None, inputs)), None)
            partition = known or next_version(connection, month, last)
            body = {"inputs": inputs, "requested_by": requested_by}
            append_record(connection, "reserved", run_id, body, partition, "", "")
            return partition

    def requesters(self, partition: Partition) -> set[str]:
        """Who asked for a version: who reserved it, and who ran a stage of it."""
        with read_transaction(self._engine) as connection:
            return requesters_of(connection, partition)

    def approve(self, built: Build, run_id: str, approved_by: str, others: Set[str], body: Mapping[str, Any]) -> None:
        """Record the approval of a version, once, by somebody who is neither among its requesters nor among the `others`.

        Args:
            built: what is approved: the statements of a month, or the lines of a restatement.
            run_id: the run that asked.
            approved_by: who approves.
            others: who else may not.
            body: what the record says beside.

        Raises:
            ApproverIsRequester: they are.
            NotAllowed: the month is closed with another version.
            PublishRefused: another reservation is in force, or a restatement was posted into the month since.
        """
        partition = built.partition
        with self._appending() as connection:
            asked = requesters_of(connection, partition) | others
            require_other(partition, approved_by, asked)
            if not records_of(connection, "approved", partition.key, partition.version):
                restatements.require_open(connection, partition.key, partition)
                require_reserved(connection, partition, built.reservation)
                restatements.require_posted(connection, built)
                answer = {**body, "approved_by": approved_by, "requesters": sorted(asked)}
                append_record(connection, "approved", run_id, answer, partition, "", "")

    def restate(self, month: str, inputs: str, run_id: str, requested_by: str, reason: str) -> Partition:
        """The version of a closed month that a restatement computes; raises NotAllowed as `restatements.request`."""
        with self._appending() as connection:
            return restatements.request(connection, month, inputs, run_id, requested_by, reason)

    def post(self, partition: Partition, run_id: str) -> Record:
        """Post an approved restatement into the next month to be settled, once; raises NotAllowed when it isn't approved."""
        with self._appending() as connection:
            return restatements.post(connection, partition, run_id)

    def reject(self, partition: Partition, run_id: str, rejected_by: str) -> None:
        """Record that a restatement is rejected, once; raises NotAllowed when it is approved."""
        with self._appending() as connection:
            restatements.reject(connection, partition, run_id, rejected_by)

    def next_to_settle(self) -> str:
        """The month into which a restatement would be posted now; some month must be closed."""
        with read_transaction(self._engine) as connection:
            return restatements.next_to_settle(connection)

    def close(self, partition: Partition, run_id: str, body: Mapping[str, Any]) -> None:
        """Close a month with a version, once.

        Raises:
            NotAllowed: the month is closed with another version.
        """
        with self._appending() as connection:
            if not records_of(connection, "closed", partition.key, partition.version):
                restatements.require_open(connection, partition.key)
                append_record(connection, "closed", run_id, body, partition, "", "")

    def fork(self, folder: Path, month: str) -> Ledger:
        """A ledger of its own in `folder`, as if `month` and the months behind it had not been settled yet.

        Its days, the months before and what was posted into `month` are there; its chain has gaps and proves nothing.
        """
        other = Ledger(f"sqlite:///{folder / 'ledger.db'}", folder, is_anchored=False)
        is_day = func.length(record.c.partition) > len(month)
        before = or_(record.c.kind.not_in(_FROM_A_MONTH_ON), is_day, record.c.partition < month)
        settled = or_(func.length(head.c.partition) > len(month), head.c.partition < month)
        with read_transaction(self._engine) as source, append_transaction(other._engine) as target:
            for table, wanted in ((record, before), (head, settled)):
                for rows in source.execute(select(table).where(wanted), execution_options=BIT_BY_BIT).partitions():
                    target.execute(insert(table), [dict(row._mapping) for row in rows])
        return other

    # -- the chain -------------------------------------------------------------------------------------------------

    def verify(self, copies: Sequence[Path] = (), kept: Sequence[str] = ()) -> Verification:
        """Check chain, heads and anchors; beside them anchors and hashes that somebody else has kept."""
        with read_transaction(self._engine) as connection:
            return verify(connection, self._anchors, [Anchors(folder) for folder in copies], kept)

    def problems(self) -> list[str]:
        """What is wrong with the chain, the heads or the anchors, as sentences; empty when everything holds."""
        return list(self.verify().problems)

    def chain(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every record as it was hashed: hash, hash of the record before, its other columns with the body as stored text."""
        with read_transaction(self._engine) as connection:
            for row in connection.execute(select(record).order_by(record.c.seq), execution_options=BIT_BY_BIT):
                yield row.hash, row.prev_hash, hashed(row)

    def anchors(self) -> list[Anchor]:
        """The anchors of the chain, oldest first."""
        return self._anchors.read()[0]

    def anchor(self) -> None:
        """Write the head outside the database, and the anchors that are due; what can't be written now is made up for."""
        if not self._is_anchored:
            return
        try:
            with read_transaction(self._engine) as connection:
                for found in due(connection, self._anchors.newest()):
                    self._anchors.write(found)
        except (OSError, SQLAlchemyError, SettlementError) as error:
            # The commit is the truth, and it is done: a later anchor covers this record too.
            _log.warning("the ledger's head was not written to %s: %s", self._anchors.folder, error)

    @contextmanager
    def _appending(self) -> Iterator[Connection]:
        """A transaction that appends; once it is committed, what others rely on is anchored."""
        with append_transaction(self._engine) as connection:
            before = last_seq(connection)
            yield connection
            is_due = self._is_anchored and has_anchored(connection, before)
        if is_due:
            self.anchor()
