"""Landed files into the Parquet files of the raw tables: one task a file, in parallel, hashed while they are read."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from settlement.landing import plays, rows
from settlement.landing.contract import CATALOG, OTHER_REVENUE, PAYMENTS, CsvFile, Kind, csv_file
from settlement.landing.folders import Frozen, Landing
from settlement.landing.streams import gunzip
from settlement.storage import Location

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 1


@dataclass(frozen=True)
class ReadTask:
    """One landed file to read: picklable, so that processes can share the work."""

    path: Location
    name: str
    sha256: str
    kind: Kind
    day: str
    out: Path


def schemas() -> dict[str, pa.Schema]:
    """Schema of each raw table, by its name."""
    specs: list[CsvFile] = [PAYMENTS, OTHER_REVENUE, *CATALOG.values()]
    return {"raw.play": plays.SCHEMA} | {spec.table: rows.schema(spec) for spec in specs}


def raw_table(kind: Kind, name: str) -> str:
    """The raw table that a landed file fills."""
    return "raw.play" if kind == "plays" else csv_file(kind, name).table


def tasks(landing: Landing, day: str, frozen: Frozen, folder: Callable[[str], Path]) -> Iterator[ReadTask]:
    """A task per frozen file; `folder` gives the build's folder of a raw table."""
    for kind, files in frozen.items():
        for number, file in enumerate(files):
            path = landing.root / file["name"]
            out = folder(raw_table(kind, path.name)) / f"part-{number:05d}.parquet"
            yield ReadTask(path, file["name"], file["sha256"], kind, day, out)


def read_file(task: ReadTask) -> int:
    """Read one file into one Parquet file; returns the number of rows.

    Raises:
        BadInput: the file breaks the contract (play lines never do), is cut short, or changed since it was frozen.
    """
    schema = schemas()[raw_table(task.kind, task.path.name)]
    count = 0
    with (
        pq.ParquetWriter(task.out, schema, compression=COMPRESSION, compression_level=COMPRESSION_LEVEL) as writer,
        gunzip(task.path, task.name, task.sha256) as stream,
        _without_gc(),
    ):
        for table in _tables(task, stream):
            writer.write_table(table)
            count += table.num_rows
    return count


@contextmanager
def _without_gc() -> Iterator[None]:
    # Parsing makes millions of small objects and no cycle: collecting them in between takes longer than the parsing.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _tables(task: ReadTask, stream: BinaryIO) -> Iterable[pa.Table]:
    if task.kind != "plays":
        yield from rows.parse(stream, task.name, csv_file(task.kind, task.path.name), task.day)
        return
    row = 1
    for lines in plays.blocks(stream):
        yield plays.parse(lines, task.name, row)
        row += len(lines)
