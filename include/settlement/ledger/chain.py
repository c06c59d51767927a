"""Reading and appending records within a transaction: what the ledger's rules are written in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from settlement.ledger.records import GENESIS, Head, Record, chain_hash
from settlement.ledger.schema import head, record
from settlement.warehouse import Partition, canonical_json


def head_of(connection: Connection, stage: str, partition: Partition) -> Head | None:
    query = select(head).where(head.c.stage == stage, head.c.partition == partition.key, head.c.version == partition.version)
    row = connection.execute(query).first()
    return Head(stage, partition, row.build_id, row.seq) if row else None


def records_of(connection: Connection, kind: str, month: str, version: int | None = None) -> list[Record]:
    query = select(record).where(record.c.kind == kind, record.c.partition == month).order_by(record.c.seq)
    if version is not None:
        query = query.where(record.c.version == version)
    return [Record.of_row(row) for row in connection.execute(query)]


def append_record(
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
