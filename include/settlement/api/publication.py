"""The publication set: which builds an answer reads, all of one moment of the ledger.

A moment is a record of the chain. What was published then can be told at any later time, so the pages of an answer read the
same builds although others are published meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from settlement.api.identity import Scope
from settlement.api.model import Model
from settlement.api.planning import Plan
from settlement.api.problems import BadQuestion
from settlement.engines.places import Pin
from settlement.errors import NotArrived
from settlement.ledger.schema import record
from settlement.ledger.store import open_engine, read_transaction
from settlement.tables import Catalog, Table
from settlement.warehouse import Partition, hash_json

_CATALOGUE = "ods"
_OF_MONTHS = ("reserved", "approved", "posted", "closed")


@dataclass(frozen=True)
class Told:
    """A record of the ledger that says something of a month's version."""

    kind: str
    at: str
    partition: Partition
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Published:
    """What was published at a moment.

    Attributes:
        seq: the ledger's last record then.
        heads: build by stage and partition.
        closed: months' closed versions.
    """

    seq: int
    heads: Mapping[tuple[str, Partition], str]
    closed: Mapping[str, int]

    def version_of(self, stage: str, month: str) -> int | None:
        """The settled version of a month: the closed one, else the newest that is published."""
        if month in self.closed:
            return self.closed[month]
        return max((p.version for s, p in self.heads if s == stage and p.key == month), default=None)


@dataclass(frozen=True)
class PublicationSet:
    """The builds of one answer.

    Attributes:
        seq: the moment it is of.
        pins: partition and build of each table.
        catalogue_day: the day whose catalogue gives the names.
        missing: days or months that were asked for and aren't published (of a partner's question: months that aren't closed).
        open_months: months of the answer that aren't closed: their figures may change.
    """

    seq: int
    pins: Mapping[Table, Sequence[Pin]]
    catalogue_day: str | None
    missing: tuple[str, ...]
    open_months: tuple[str, ...]

    @property
    def id(self) -> str:
        """The same for the same builds, whenever they are asked for."""
        return hash_json({table.name: sorted([str(p), build] for p, build in pins) for table, pins in self.pins.items()})


class Publications:
    """Reads a ledger's publications."""

    def __init__(self, ledger_url: str, lock_dir: Path) -> None:
        self._engine = open_engine(ledger_url, lock_dir)

    def at(self, seq: int | None = None) -> Published:
        """What was published when a record was written; without one: what is published now.

        Raises:
            BadQuestion: there is no such record yet.
            LedgerUnavailable: the ledger's database is gone.
        """
        with read_transaction(self._engine) as connection:
            last = connection.execute(select(func.max(record.c.seq))).scalar() or 0
            if seq is not None and seq > last:
                raise BadQuestion(f"as_of {seq}: the ledger's last record is {last}", "ask for one that is written, or for none")
            moment = last if seq is None else seq
            return Published(moment, _heads(connection, moment), _closed(connection, moment))

    def told(self, seq: int) -> list[Told]:
        """What the ledger had of months' versions when a record was written, in order."""
        columns = (record.c.kind, record.c.at, record.c.partition, record.c.version, record.c.body)
        query = select(*columns).where(record.c.kind.in_(_OF_MONTHS), record.c.seq <= seq).order_by(record.c.seq)
        with read_transaction(self._engine) as connection:
            rows = connection.execute(query).fetchall()
        return [Told(row.kind, row.at, Partition(row.partition, row.version), json.loads(row.body)) for row in rows]


def _heads(connection: Connection, seq: int) -> dict[tuple[str, Partition], str]:
    """The last publication of each stage and partition: what the table of heads held then."""
    columns = (record.c.stage, record.c.partition, record.c.version, record.c.build_id)
    query = select(*columns).where(record.c.kind == "published", record.c.seq <= seq).order_by(record.c.seq)
    return {(row.stage, Partition(row.partition, row.version)): row.build_id for row in connection.execute(query)}


def _closed(connection: Connection, seq: int) -> dict[str, int]:
    query = select(record.c.partition, record.c.version).where(record.c.kind == "closed", record.c.seq <= seq)
    return {row.partition: row.version for row in connection.execute(query)}


def publication_set(published: Published, plan: Plan, scope: Scope, model: Model, catalog: Catalog) -> PublicationSet:
    """The builds that a plan reads. A partner sees of months only closed ones, in the version they are closed with.

    Raises:
        NotArrived: nothing of what is asked for is published.
    """
    table = catalog[model.sources[plan.source].table]
    stage = table.definition.stage
    assert stage is not None, "sources are no reference data"
    pins: list[Pin] = []
    missing: list[str] = []
    for key in plan.partitions:
        found = [
            (p, published.heads[stage, p])
            for p in _partitions(published, plan, scope, stage, key)
            if (stage, p) in published.heads
        ]
        pins += found
        if not found:
            missing.append(key)
    if not pins:
        what = "closed" if len(plan.partitions[0]) == 7 and not scope.is_all else "published"
        raise NotArrived(
            f"nothing is {what} of {plan.partitions[0]} … {plan.partitions[-1]}", "GET /v1/months lists what there is"
        )
    day = _catalogue_day(published, plan)
    lookups = {catalog[lookup.table] for lookup in model.catalogue.values()}
    names: list[Pin] = [(Partition(day), published.heads[_CATALOGUE, Partition(day)])] if day else []
    months = sorted({partition.key[:7] for partition, _ in pins if partition})
    return PublicationSet(
        seq=published.seq,
        pins={table: pins, **dict.fromkeys(sorted(lookups - {table}, key=lambda t: t.name), names)},
        catalogue_day=day,
        missing=tuple(missing),
        open_months=tuple(month for month in months if month not in published.closed),
    )


def _partitions(published: Published, plan: Plan, scope: Scope, stage: str, key: str) -> list[Partition]:
    if len(key) == 10:
        return [Partition(key)]
    settled = published.version_of(stage, key) if scope.is_all else published.closed.get(key)
    if not plan.versions:
        return [] if settled is None else [Partition(key, settled)]
    return [Partition(key, version) for version in sorted(set(plan.versions)) if scope.is_all or version == settled]


def _catalogue_day(published: Published, plan: Plan) -> str | None:
    """The newest catalogue up to the end of what is asked for: the names of one day for the whole answer."""
    end = plan.partitions[-1] if len(plan.partitions[-1]) == 10 else f"{plan.partitions[-1]}-31"
    days = [p.key for stage, p in published.heads if stage == _CATALOGUE and p.key <= end]
    return max(days, default=None)
