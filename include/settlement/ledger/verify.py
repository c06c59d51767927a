"""Verifying the ledger: that its records follow from one another, that the heads follow from them, and that the chain is
still the one whose head was written outside the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from settlement.ledger.anchors import ANCHORED, Anchor, Anchors
from settlement.ledger.records import GENESIS, chain_hash
from settlement.ledger.schema import head, record
from settlement.ledger.store import BIT_BY_BIT
from settlement.warehouse import Partition

HASHED = ("seq", "at", "kind", "stage", "partition", "version", "build_id", "run_id", "body")


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    Attributes:
        problems: what is wrong, as sentences; empty when everything holds.
        records: how many records the chain has.
        last_hash: hash of the last one; empty without records.
        anchors: how many anchors were compared with the chain.
        unanchored: how many records came after the newest anchor: nothing outside the database covers them yet.
    """

    problems: Sequence[str]
    records: int
    last_hash: str
    anchors: int
    unanchored: int


def hashed(row: Any) -> dict[str, Any]:
    """The columns of a record that its hash covers beside the hash before."""
    return {name: getattr(row, name) for name in HASHED}


def verify(connection: Connection, own: Anchors, copies: Sequence[Anchors], kept: Sequence[str]) -> Verification:
    """Check the chain, the heads and the anchors.

    Args:
        connection: a transaction that sees the ledger of one moment, or a publication meanwhile would look like a fault.
        own: the folder to which the ledger's anchors are written; none may be missing there.
        copies: folders with some of its anchors that somebody else keeps.
        kept: hashes of records that somebody has kept.
    """
    anchors, edited = own.read()  # first: what is appended meanwhile may lack its anchor, but never the other way round
    chain, problems = _read(connection)
    problems += _head_problems(connection, chain.derived)
    problems += [*edited, *_anchor_problems(chain.hashes, anchors), *_missing(chain.anchored, anchors, own)]
    for copy in copies:
        others, edited = copy.read()
        problems += [*edited, *_anchor_problems(chain.hashes, others)]
        if not others:
            problems.append(f"there are no anchors in {copy.folder}")
        anchors += others
    known = set(chain.hashes.values())
    problems += [f"no record has the hash {text}: the chain was cut off or rewritten" for text in kept if text not in known]
    newest = max((anchor.seq for anchor in anchors), default=0)
    unanchored = sum(seq > newest for seq in chain.hashes)
    return Verification(problems, len(chain.hashes), chain.last_hash, len(set(anchors)), unanchored)


@dataclass
class _Chain:
    """What is kept of the records: hash by number, the heads that follow from them, the kinds of those with an anchor."""

    last_hash: str = ""
    hashes: dict[int, str] = field(default_factory=dict)
    derived: dict[tuple[str, Partition], tuple[str, int]] = field(default_factory=dict)
    anchored: dict[int, str] = field(default_factory=dict)


def _read(connection: Connection) -> tuple[_Chain, list[str]]:
    """Read the chain record by record, and say where one doesn't follow from the one before."""
    chain, problems = _Chain(), []
    expected_hash, expected_seq = GENESIS, 1
    for row in connection.execute(select(record).order_by(record.c.seq), execution_options=BIT_BY_BIT):
        if row.seq != expected_seq:
            problems.append(f"record {expected_seq} is missing: the next one is {row.seq}")
        if row.prev_hash != expected_hash:
            problems.append(f"record {row.seq} doesn't follow the record before it")
        if chain_hash(row.prev_hash, hashed(row)) != row.hash:
            problems.append(f"record {row.seq} was edited: its content doesn't give its hash")
        expected_hash, expected_seq = row.hash, row.seq + 1
        chain.hashes[row.seq] = chain.last_hash = row.hash
        if row.kind == "published":
            chain.derived[(row.stage, Partition(row.partition, row.version))] = (row.build_id, row.seq)
        if row.kind in ANCHORED:
            chain.anchored[row.seq] = row.kind
    return chain, problems


def _head_problems(connection: Connection, derived: dict[tuple[str, Partition], tuple[str, int]]) -> Iterator[str]:
    for row in connection.execute(select(head).order_by(head.c.seq)):
        key = (row.stage, Partition(row.partition, row.version))
        if derived.pop(key, None) != (row.build_id, row.seq):
            yield f"head of {row.stage} {key[1]} is not what the chain says"
    for stage, partition in derived:
        yield f"head of {stage} {partition} is missing"


def _anchor_problems(chain: dict[int, str], anchors: Sequence[Anchor]) -> Iterator[str]:
    """A sentence for what was cut off, one for what was rewritten: they name the first record that it shows on."""
    last = max(chain, default=0)
    cut = [anchor for anchor in anchors if anchor.seq > last]
    if cut:
        yield (
            f"records were cut off after record {last}: record {cut[-1].seq} was anchored at {cut[-1].at} "
            f"({len(cut)} anchors name a record that isn't there)"
        )
    other = [anchor for anchor in anchors if anchor.seq <= last and chain.get(anchor.seq) != anchor.hash]
    if other:
        yield (
            f"record {other[0].seq} is not the one that was anchored at {other[0].at}: the chain was rewritten there or before "
            f"({len(other)} anchors disagree)"
        )


def _missing(anchored: dict[int, str], anchors: Sequence[Anchor], own: Anchors) -> Iterator[str]:
    if anchored and not anchors:
        yield (
            f"there are no anchors in {own.folder}, and {len(anchored)} records should have one: "
            f"the folder was removed, or SETTLEMENT_ANCHORS names another"
        )
        return
    newest, have = max((anchor.seq for anchor in anchors), default=0), {anchor.seq for anchor in anchors}
    gaps = [seq for seq in anchored if seq <= newest and seq not in have]
    if gaps:
        yield f"the anchor of record {gaps[0]} ({anchored[gaps[0]]}) was removed from {own.folder} ({len(gaps)} are missing)"
