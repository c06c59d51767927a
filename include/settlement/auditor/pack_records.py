"""What an audit pack takes from the ledger's records: who asked for what, what was done, who let it go out, the chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from settlement.auditor.pack_files import Rows
from settlement.ledger import Record
from settlement.ledger.anchors import Anchor
from settlement.ledger.verify import Verification
from settlement.warehouse import Partition, canonical_json

# What a run leaves of its work; everything else that a month's records say was decided by somebody.
WORK = frozenset({"released", "begun", "sealed", "unchanged", "confirmed", "published", "alerted", "late"})


def is_of(record: Record, month: str) -> bool:
    """Whether a record is about the month, one of its versions or one of its days."""
    return record.partition.key[:7] == month


def population_rows(records: Sequence[Record], partition: Partition) -> Rows:
    """Every record of the month and its days: from this population an auditor draws samples."""
    asked = _asked(records)
    header = ("seq", "at", "run_id", "asked_by", "kind", "stage", "partition", "version", "build_id", "by")
    rows = (
        (r.seq, r.at, r.run_id, "; ".join(asked.get(r.run_id, ())), r.kind, r.stage, *_place(r), r.build_id, _by(r) or "")
        for r in records
        if is_of(r, partition.key)
    )
    return Rows(header, rows)


def publication_rows(records: Sequence[Record], partition: Partition) -> Rows:
    """Every publication of the month and its days, with what it is bound to."""
    header = ("seq", "at", "stage", "partition", "version", "build_id", "run_id", "asked_by", "files_hash", "verdict")
    rows = (
        (
            r.seq,
            r.at,
            r.stage,
            *_place(r),
            r.build_id,
            r.run_id,
            *(r.body.get(n, "") for n in ("requested_by", "files_hash", "verdict")),
        )
        for r in records
        if r.kind == "published" and is_of(r, partition.key)
    )
    return Rows(header, rows)


def decisions(records: Sequence[Record], partition: Partition) -> list[dict[str, Any]]:
    """Whole records of what was asked for and answered: reservations, approvals, rejections, refusals, closings, accepted
    redeliveries, restatements of the month, and those that were posted into it.
    """
    return [
        {**asdict(r), "partition": r.partition.key, "version": r.partition.version}
        for r in records
        if r.kind not in WORK and (is_of(r, partition.key) or r.body.get("posted_month") == partition.key)
    ]


def chain_lines(chain: Iterable[tuple[str, str, dict[str, Any]]]) -> Iterator[str]:
    """The chain, a record a line: behind `"record":` stands the very text that was hashed after the hash before."""
    for own, before, record in chain:
        yield canonical_json({"hash": own, "prev_hash": before, "record": record}) + "\n"


def head(last: Record, anchors: Sequence[Anchor], state: Verification) -> dict[str, Any]:
    """The end of the chain as packed, the anchors outside the database, and what verifying it found."""
    return {
        "seq": last.seq,
        "hash": last.hash,
        "at": last.at,
        "anchors": [asdict(anchor) for anchor in anchors if anchor.seq <= last.seq],
        "problems": list(state.problems),
    }


@dataclass
class _Done:
    """What a person did of one kind: the things (runs, or records), and when first and last."""

    things: set[str | int]
    first: str
    last: str


def access_rows(records: Sequence[Record]) -> Rows:
    """The access list: every person whom the ledger names, what they did, how often, when first and last (UTC)."""
    done: dict[tuple[str, str], _Done] = {}
    for record in records:
        for person, deed, thing in _deeds(record):
            known = done.setdefault((person, deed), _Done(set(), record.at, record.at))
            known.things.add(thing)
            known.last = record.at
    rows = ((person, deed, len(d.things), d.first, d.last) for (person, deed), d in sorted(done.items()))
    return Rows(("person", "did", "times", "first_at", "last_at"), rows)


def _deeds(record: Record) -> Iterator[tuple[str, str, str | int]]:
    """Person, deed and what is counted: runs that were asked for, otherwise records."""
    body = record.body
    if "requested_by" in body:
        yield body["requested_by"], "asked for a restatement" if "restates" in body else "asked for a run", record.run_id
    if "approved_by" in body:
        yield body["approved_by"], "approved", record.seq
        for person in body.get("requesters", ()):
            yield person, "asked for or cleared what was approved", record.seq
    if "by" in body:
        names = {"refused": "was refused as approver", "rejected": "rejected", "redelivery": "accepted a redelivery"}
        yield body["by"], names.get(record.kind, record.kind), record.seq


def _asked(records: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Who asked for each run."""
    found: dict[str, set[str]] = {}
    for record in records:
        if "requested_by" in record.body:
            found.setdefault(record.run_id, set()).add(record.body["requested_by"])
    return {run: tuple(sorted(people)) for run, people in found.items()}


def _by(record: Record) -> str | None:
    return record.body.get("approved_by") or record.body.get("by")


def _place(record: Record) -> tuple[str, int | str]:
    return record.partition.key, record.partition.version if record.partition.is_month else ""
