"""Records of the chain and how they are hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from settlement.landing.contract import Kind
from settlement.warehouse import Partition, canonical_json

GENESIS = "0" * 64


@dataclass(frozen=True)
class Record:
    """One link of the chain. `hash` covers every other field and the hash of the link before."""

    seq: int
    at: str
    kind: str
    stage: str
    partition: Partition
    build_id: str
    run_id: str
    body: Mapping[str, Any]
    prev_hash: str
    hash: str

    @classmethod
    def of_row(cls, row: Any) -> Record:
        partition = Partition(row.partition, row.version)
        body = json.loads(row.body)
        return cls(row.seq, row.at, row.kind, row.stage, partition, row.build_id, row.run_id, body, row.prev_hash, row.hash)


def chain_hash(prev_hash: str, fields: Mapping[str, Any]) -> str:
    """Hash of a record: of the record before and of its own columns, the body as its stored text."""
    return hashlib.sha256((prev_hash + canonical_json(dict(fields))).encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Build:
    """A sealed candidate: one computation of a stage's tables for one partition.

    `pins` maps `stage/partition[/version]` to the build that was read; `rows_hashes` maps table to content hash;
    `landing` holds the frozen files (stage raw only); `inputs` identifies what it was computed from; `reservation` is what
    its month's version was reserved for (month stages only); `engine` and `query_ids` say who computed it.
    """

    build_id: str
    stage: str
    partition: Partition
    run_id: str
    release: str
    pins: Mapping[str, str]
    inputs: str
    files_hash: str
    rows_hashes: Mapping[str, str]
    expected_head: str | None
    landing: Mapping[Kind, Any]
    reservation: str = ""
    engine: str = ""
    query_ids: Sequence[str] = ()
    seq: int = 0

    def body(self) -> dict[str, Any]:
        return {
            "release": self.release,
            "pins": dict(self.pins),
            "inputs": self.inputs,
            "files_hash": self.files_hash,
            "rows_hashes": dict(self.rows_hashes),
            "expected_head": self.expected_head,
            "landing": dict(self.landing),
            "reservation": self.reservation,
            "engine": self.engine,
            "query_ids": list(self.query_ids),
        }

    @classmethod
    def of_record(cls, record: Record) -> Build:
        return cls(
            build_id=record.build_id,
            stage=record.stage,
            partition=record.partition,
            run_id=record.run_id,
            seq=record.seq,
            **{**record.body, "query_ids": tuple(record.body.get("query_ids", ()))},
        )


@dataclass(frozen=True)
class Head:
    """The published build of a stage and partition, and the record that made it so."""

    stage: str
    partition: Partition
    build_id: str
    seq: int


def pin(stage: str, partition: Partition) -> str:
    """Name of a pinned input."""
    return f"{stage}/{partition.key}/{partition.version}" if partition.is_month else f"{stage}/{partition.key}"
