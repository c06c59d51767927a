"""The Parquet files of a build as rows that DuckDB reads: natively from a disk, through Arrow from a bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import duckdb
import pyarrow as pa

from settlement.storage import Location, arrow_filesystem
from settlement.tables import Table

TYPES = {"STRING": "VARCHAR", "BIGINT": "BIGINT", "DECIMAL(38,0)": "DECIMAL(38,0)", "BOOLEAN": "BOOLEAN"}
_ARROW = {"STRING": pa.string(), "BIGINT": pa.int64(), "DECIMAL(38,0)": pa.decimal128(38, 0), "BOOLEAN": pa.bool_()}
_numbers = count(1)


def arrow_schema(table: Table) -> pa.Schema:
    """The schema that the table's files must have."""
    return pa.schema([(column.name, _ARROW[column.type]) for column in table.columns])


def files_of(folders: Sequence[Location]) -> list[Location]:
    """The Parquet files of build folders, in order."""
    found: list[Location] = [path for folder in folders for path in folder.glob("*.parquet")]
    return sorted(found, key=str)


def select_rows(con: duckdb.DuckDBPyConnection, table: Table, files: Sequence[Location]) -> str:
    """A SELECT of the table's columns, then of its partition's, from files; of no rows when there are none."""
    names = [*(quote(column.name) for column in table.columns), *table.partition_types]
    on_disk = [path for path in files if isinstance(path, Path)]
    in_bucket = [path.path for path in files if not isinstance(path, Path)]
    sources = [read_parquet(on_disk, table.partition_types)] if on_disk else []
    sources += [_registered(con, table, in_bucket)] if in_bucket else []
    if not sources:
        kinds = [*(column.type for column in table.columns), *table.partition_types.values()]
        nulls = ", ".join(f"CAST(NULL AS {TYPES[k]}) AS {n}" for k, n in zip(kinds, names, strict=True))
        return f"SELECT {nulls} WHERE false"
    return " UNION ALL ".join(f"SELECT {', '.join(names)} FROM {source}" for source in sources)


def read_parquet(files: Sequence[Path], partition_types: Mapping[str, str]) -> str:
    """The table function that reads files of a disk; partition columns come from their paths."""
    listed = ", ".join(literal(str(path)) for path in files)
    types = ", ".join(f"'{name}': {TYPES[kind]}" for name, kind in partition_types.items())
    paths = f"hive_partitioning = true, hive_types = {{{types}}}" if partition_types else "hive_partitioning = false"
    return f"read_parquet([{listed}], {paths})"


def _registered(con: duckdb.DuckDBPyConnection, table: Table, files: Sequence[str]) -> str:
    """Make files of a bucket readable under a name; DuckDB fetches the columns that a query reads."""
    import pyarrow.dataset as ds  # it loads pandas, and only buckets need it

    parts = pa.schema([(name, _ARROW[kind]) for name, kind in table.partition_types.items()])
    dataset = ds.dataset(
        list(files),
        schema=pa.schema([*arrow_schema(table), *parts]),
        format="parquet",
        filesystem=arrow_filesystem(),
        partitioning=ds.partitioning(parts, flavor="hive") if parts else None,
    )
    name = f"files_{next(_numbers)}"
    con.register(name, dataset)
    return name


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
