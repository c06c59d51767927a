"""The ledger's two tables: the chain of records, which nobody may edit, and the heads, which can be derived from it."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, PrimaryKeyConstraint, String, Table, Text

metadata = MetaData()

record = Table(
    "record",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("partition", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("build_id", String(32), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("body", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)

head = Table(
    "head",
    metadata,
    Column("stage", String(32), nullable=False),
    Column("partition", String(10), nullable=False),
    Column("version", Integer, nullable=False),
    Column("build_id", String(32), nullable=False),
    Column("seq", Integer, nullable=False),
    PrimaryKeyConstraint("stage", "partition", "version"),
)
