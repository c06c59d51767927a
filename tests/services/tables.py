"""Tables of builds and pointer tables as the engines lay them out, written by hand for the tests."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from local.services.hive import Hive
from local.services.s3 import BUCKETS, S3
from local.services.stack import Stack
from local.services.trino import Trino

LAKE = BUCKETS[0]
DAY = "2026-03-01"
COLUMNS = "id STRING, amount DECIMAL(38,0), plays BIGINT"


@dataclass
class Lake:
    """A table of builds and the pointer table over it, in databases of their own.

    Args:
        stack: with Hive, S3 and Trino running.
    """

    stack: Stack
    database: str = field(default_factory=lambda: f"test_{uuid.uuid4().hex[:12]}", init=False)

    @property
    def hive(self) -> Hive:
        return self.stack.of(Hive)

    @property
    def s3(self) -> S3:
        return self.stack.of(S3)

    @property
    def trino(self) -> Trino:
        return self.stack.of(Trino)

    def make(self) -> None:
        """The databases and the two tables."""
        self.run(
            f"CREATE DATABASE {self.database}",
            f"CREATE DATABASE {self.database}_build",
            self._table(f"{self.database}_build", "dt STRING, build STRING", "builds"),
            self._table(self.database, "dt STRING", "pointers"),
        )

    def build(self, build: str, select: str) -> None:
        """Compute a build into its own place."""
        partition = f"{self.database}_build.ods_play PARTITION (dt='{DAY}', build='{build}')"
        table, _, which = partition.partition(" ")
        self.run(
            f"ALTER TABLE {table} ADD IF NOT EXISTS {which} LOCATION '{self.place(build)}'",
            f"INSERT OVERWRITE TABLE {partition} {select}",
        )

    def point(self, build: str) -> None:
        """Switch the pointer table's day to a build."""
        self.run(
            f"ALTER TABLE {self.database}.ods_play ADD IF NOT EXISTS PARTITION (dt='{DAY}') LOCATION '{self.place(build)}'",
            f"ALTER TABLE {self.database}.ods_play PARTITION (dt='{DAY}') SET LOCATION '{self.place(build)}'",
        )

    def run(self, *statements: str) -> None:
        """Statements in Hive, in one session."""
        with self.hive.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def in_hive(self, query: str) -> list[tuple[Any, ...]]:
        with self.hive.cursor(self.database) as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())

    def in_trino(self, query: str) -> list[tuple[Any, ...]]:
        with self.trino.cursor() as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def files(self, build: str) -> dict[str, bytes]:
        """A build's files as S3 has them: name → content; markers of folders aren't files."""
        client, prefix = self.s3.client(), self._prefix(build)
        listed = client.list_objects_v2(Bucket=LAKE, Prefix=f"{prefix}/").get("Contents", [])
        keys = [entry["Key"] for entry in listed if not entry["Key"].endswith("/")]
        return {key.removeprefix(f"{prefix}/"): client.get_object(Bucket=LAKE, Key=key)["Body"].read() for key in keys}

    def place(self, build: str) -> str:
        return f"s3://{LAKE}/{self._prefix(build)}"

    def _prefix(self, build: str) -> str:
        return f"{self.database}/tables/ods/play/dt={DAY}/build={build}"

    def _table(self, database: str, partitions: str, folder: str) -> str:
        return (
            f"CREATE EXTERNAL TABLE {database}.ods_play ({COLUMNS}) PARTITIONED BY ({partitions}) STORED AS PARQUET "
            f"LOCATION 's3://{LAKE}/{self.database}/{folder}'"
        )


def rows(*values: tuple[str, str, int]) -> str:
    """A SELECT of some rows. Not a UNION: Tez would write a folder for each of its branches."""
    cells = ", ".join(
        f"CAST('{name}' AS STRING), CAST('{amount}' AS DECIMAL(38,0)), CAST({plays} AS BIGINT)" for name, amount, plays in values
    )
    return f"SELECT id, amount, plays FROM (SELECT stack({len(values)}, {cells}) AS (id, amount, plays)) made"
