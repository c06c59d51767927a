"""What Glue is told of a table for people: the same columns, comments and partitions that `ddl` gives a metastore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from settlement.tables import Column, Table

Input = dict[str, Any]
_COMMENT, _DESCRIPTION = 255, 2048  # bytes that Glue keeps
_PARQUET = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {
        "SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
        "Parameters": {"serialization.format": "1"},
    },
}
_TOLD = ("Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")


def table_input(name: str, table: Table, location: str) -> Input:
    """A new external table; dropped, its files stay."""
    return {
        "Name": name,
        "Description": _cut(table.definition.description, _DESCRIPTION),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "external.table.purge": "false", "classification": "parquet"},
        "PartitionKeys": [{"Name": key, "Type": kind.lower()} for key, kind in table.partition_types.items()],
        "StorageDescriptor": storage(table, location),
    }


def storage(table: Table, location: str) -> Input:
    """Where files lie and how they are read, of a table or of a partition."""
    return {"Columns": [_column(column) for column in table.columns], "Location": location, **_PARQUET}


def columns_of(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and types of a table that exists, those of its partitions behind them, as `ddl.changes` wants them."""
    listed = [*found["StorageDescriptor"].get("Columns", []), *found.get("PartitionKeys", [])]
    return [(column["Name"], column["Type"]) for column in listed]


def with_storage(found: Mapping[str, Any], columns: Sequence[Input], location: str) -> Input:
    """A table that exists, with other columns or another location; all else as somebody may have set it."""
    kept = {name: found[name] for name in _TOLD if name in found}
    return {**kept, "StorageDescriptor": {**found["StorageDescriptor"], "Columns": list(columns), "Location": location}}


def _column(column: Column) -> Input:
    return {
        "Name": column.name,
        "Type": column.type.lower(),
        "Comment": _cut(" ".join(f"{column.description} ({column.unit})".split()), _COMMENT),
    }


def _cut(text: str, size: int) -> str:
    """So much of a text as fits into so many bytes, no half character at the end."""
    return text.encode()[:size].decode(errors="ignore")
