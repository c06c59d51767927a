"""The Glue catalogue's tables for people: each published partition points to the build that is the ledger's head.

It does what `pointers` does in a metastore. Every change looks first and may be repeated: what another publication has made
in the meantime is found, what it is changing is tried again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from settlement.engines import ddl
from settlement.engines.glue_tables import Input, columns_of, storage, table_input, with_storage
from settlement.engines.places import Pin, Places, keys, short_name
from settlement.errors import EngineError
from settlement.storage_errors import reason_of
from settlement.tables import Table

_WAITS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # seconds between tries while others change the same
_MISSING = "EntityNotFoundException"
_AT_ONCE = (_MISSING, "AlreadyExistsException", "ConcurrentModificationException", "ResourceNotReadyException")
_ALLOWED = "allow the role or key that is used glue:Get*, Create* and Update* of the database, its tables and partitions"


def point(places: Places, tables: Sequence[Table], pin: Pin) -> dict[str, str]:
    """Point each table's partition to a build, in the catalogue of AWS's own environment variables.

    Returns:
        By the table's name, where its partition points now: read back, whatever was told.

    Raises:
        EngineError: Glue doesn't answer or refuses; or a table differs from its table.yaml by more than a new nullable column.
    """
    glue = Glue(_client(), places)
    glue.make_database()
    found = {}
    for table in tables:
        glue.bring_up(table)
        glue.switch(table, pin)
        found[table.name] = glue.location(table, pin)
    return found


def changes(tables: Sequence[Table], database: str) -> list[str]:
    """What `ddl.changes` says of those tables of builds that exist, for a cluster whose Hive uses the Glue catalogue.

    Raises:
        EngineError: Glue doesn't answer or refuses; or a table differs by more than a new nullable column.
    """
    client = _client()
    return [statement for table in tables for statement in _changes(client, table, database)]


def _changes(client: Any, table: Table, database: str) -> list[str]:
    with _translated(f"{database}.{short_name(table)}"):
        found = _found(client, "get_table", "Table", DatabaseName=database, Name=short_name(table))
    return [] if found is None else ddl.changes(table, database, columns_of(found))


def _found(client: Any, method: str, what: str, **asked: Any) -> dict[str, Any] | None:
    """What Glue has of a name; None when it has nothing."""
    try:
        found: dict[str, Any] = getattr(client, method)(**asked)[what]
    except client.exceptions.EntityNotFoundException:
        return None
    return found


@dataclass(frozen=True)
class Glue:
    """The tables for people in one database of a catalogue."""

    client: Any
    places: Places

    def make_database(self) -> None:
        """Make the database where it isn't there yet."""
        name = self.places.database

        def make() -> None:
            if _found(self.client, "get_database", "Database", Name=name) is None:
                self.client.create_database(DatabaseInput={"Name": name, "Description": "royalty settlement: what is published"})

        self._settled(f"database {name}", make)

    def bring_up(self, table: Table) -> None:
        """Make a table where it isn't there yet; add its new nullable columns where it is.

        Raises:
            EngineError: it differs by anything else. Files that were published can't be changed.
        """

        def bring() -> None:
            found = self._table(table)
            wanted = table_input(short_name(table), table, self.places.pointer_folder(table))
            if found is None:
                self.client.create_table(DatabaseName=self.places.database, TableInput=wanted)
            elif ddl.changes(table, self.places.database, columns_of(found), by_build=False):
                # Partitions that are there needn't learn of it: their files don't have it, and a new build tells its own.
                there = found["StorageDescriptor"]
                added = wanted["StorageDescriptor"]["Columns"][len(there["Columns"]) :]
                self._update(found, [*there["Columns"], *added], there["Location"])

        self._settled(self._name(table), bring)

    def switch(self, table: Table, pin: Pin) -> None:
        """Point a partition (of reference data: the table) to a build, unless it does."""
        location, values = self.places.location(table, pin), _values(table, pin)

        def switch_table() -> None:
            found = self._table(table)
            if found is not None and found["StorageDescriptor"]["Location"] != location:
                self._update(found, found["StorageDescriptor"]["Columns"], location)

        def switch_partition() -> None:
            told: Input = {"Values": values, "StorageDescriptor": storage(table, location)}
            place = {"DatabaseName": self.places.database, "TableName": short_name(table)}
            found = self._partition(table, values)
            if found is None:
                self.client.create_partition(**place, PartitionInput=told)
            elif not _says(found["StorageDescriptor"], told["StorageDescriptor"]):
                self.client.update_partition(**place, PartitionValueList=values, PartitionInput=told)

        self._settled(self._name(table, values), switch_partition if values else switch_table)

    def location(self, table: Table, pin: Pin) -> str:
        """Where a partition (of reference data: the table) points; empty when there is none."""
        values = _values(table, pin)
        with _translated(self._name(table, values)):
            found = self._partition(table, values) if values else self._table(table)
        return str(found["StorageDescriptor"]["Location"]) if found else ""

    def _table(self, table: Table) -> dict[str, Any] | None:
        return _found(self.client, "get_table", "Table", DatabaseName=self.places.database, Name=short_name(table))

    def _partition(self, table: Table, values: list[str]) -> dict[str, Any] | None:
        place = {"DatabaseName": self.places.database, "TableName": short_name(table)}
        return _found(self.client, "get_partition", "Partition", **place, PartitionValues=values)

    def _update(self, found: dict[str, Any], columns: Sequence[Input], location: str) -> None:
        # With the version that was looked at: a change by somebody else in between is refused, and looked at anew.
        version = {"VersionId": found["VersionId"]} if "VersionId" in found else {}
        told = with_storage(found, columns, location)
        self.client.update_table(DatabaseName=self.places.database, TableInput=told, **version)

    def _settled(self, where: str, change: Callable[[], None]) -> None:
        """Make a change, again while others change the same."""
        with _translated(where):
            for wait in _WAITS:
                try:
                    return change()
                except self.client.exceptions.ClientError as error:
                    if _code(error) not in _AT_ONCE:
                        raise
                    time.sleep(wait)
            return change()

    def _name(self, table: Table, values: Sequence[str] = ()) -> str:
        partition = f" {'/'.join(values)}" if values else ""
        return f"{self.places.database}.{short_name(table)}{partition}"


def _values(table: Table, pin: Pin) -> list[str]:
    return [str(value) for value in keys(table, pin[0]).values()]


def _says(found: dict[str, Any], told: Input) -> bool:
    """Whether a partition is as it was to be: where it lies, and the columns that it knows."""
    names = [[(column["Name"], column["Type"]) for column in descriptor["Columns"]] for descriptor in (found, told)]
    return found["Location"] == told["Location"] and names[0] == names[1]


@contextmanager
def _translated(where: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

    # Without their cause: what botocore says of a step is taken for the object store's.
    try:
        yield
    except ClientError as error:
        if _code(error) in _AT_ONCE:
            hint = "see who else changes the catalogue, then clear the publication: it points to the ledger's head again"
            raise EngineError(f"Glue {where}: others went on changing it ({_code(error)})", hint) from None
        raise _refused(where, error) from None
    except BotoCoreError as error:
        raise _refused(where, error) from None


def _refused(where: str, error: Exception) -> EngineError:
    reason = reason_of(error)
    assert reason is not None, "every error of botocore has a reason, but that nothing is there"
    hint = _ALLOWED + ", then clear the publication" if "AccessDenied" in reason.text else reason.hint
    return EngineError(f"Glue {where}: {reason.text}", hint)


def _code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def _client() -> Any:
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.session import get_session  # type: ignore[import-untyped]

    config = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
    with _translated("catalogue"):
        return get_session().create_client("glue", region_name=os.environ.get("AWS_REGION"), config=config)
