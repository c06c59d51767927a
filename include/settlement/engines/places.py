"""Where the builds of a warehouse in an object store lie, and what their tables are called in the metastore.

Two databases hold every table. `<database>_build` is keyed by (partition, build) and serves builds: a pin is one of its
partitions. `<database>` has the published partitions alone and serves people: each points to the head's build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from settlement.engines.literals import hive_name
from settlement.errors import EngineError
from settlement.tables import Table
from settlement.warehouse import Partition

BUILD = "build"  # the key that the tables of builds have on top
Pin = tuple[Partition | None, str]  # a partition and its build; None and the release's hash: reference data
_DATABASE = re.compile(r"[a-z][a-z0-9_]{0,99}")
_BUILD_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


@dataclass(frozen=True)
class Places:
    """A warehouse's root (`s3://bucket/prefix`) and its database in the metastore.

    Raises:
        EngineError: a name that no metastore takes, or a root that isn't an address.
    """

    database: str
    root: str

    def __post_init__(self) -> None:
        if not _DATABASE.fullmatch(self.database):
            raise EngineError(f"database {self.database!r}: must be lower-case letters, digits and _, a letter first")
        if "://" not in self.root or self.root.endswith("/"):
            raise EngineError(f"warehouse {self.root!r}: must be an address such as s3://bucket/prefix, without / at the end")

    @property
    def builds(self) -> str:
        """The database that is keyed by build."""
        return f"{self.database}_build"

    def folder(self, table: Table) -> str:
        """Where all builds of a table lie."""
        return f"{self.root}/tables/{table.name.replace('.', '/')}"

    def pointer_folder(self, table: Table) -> str:
        """The location of a table for people: nothing lies there, its partitions point elsewhere."""
        return f"{self.root}/pointers/{table.name.replace('.', '/')}"

    def location(self, table: Table, pin: Pin) -> str:
        """Where the files of one build lie: the layout of `Warehouse.build_dir`."""
        partition, build_id = pin
        if not _BUILD_ID.fullmatch(build_id):
            raise EngineError(f"{table.name}: build {build_id!r} is no build id")
        return "/".join([self.folder(table), *([partition.path] if partition else []), f"{BUILD}={build_id}"])


def short_name(table: Table) -> str:
    """A table's name within a database: `ods_play` of `ods.play`."""
    return table.name.replace(".", "_")


def full_name(table: Table, database: str) -> str:
    """A table's name in Hive's quotes, with its database."""
    return f"{hive_name(database)}.{hive_name(short_name(table))}"


def keys(table: Table, partition: Partition | None) -> dict[str, str | int]:
    """The values of a table's partition columns.

    Raises:
        EngineError: the partition is a day where the table has months, or the other way round.
    """
    found: dict[str, str | int] = {}
    if partition is not None:
        found = {"month": partition.key, "version": partition.version} if partition.is_month else {"dt": partition.key}
    if list(found) != list(table.partition_types):
        raise EngineError(f"{table.name} is partitioned by {', '.join(table.partition_types) or 'nothing'}, not by {partition}")
    return found
