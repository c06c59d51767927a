"""CSV rows by the landing contract: RFC 4180, columns by name, every value in its form, or an error with file and row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from settlement.errors import BadInput
from settlement.landing.contract import PRIVATE, CsvFile
from settlement.landing.forms import epoch_day, instant
from settlement.landing.records import Record, Records

_CHUNK_ROWS = 100_000


def schema(spec: CsvFile) -> pa.Schema:
    """Schema of the raw table that a CSV file fills."""
    fields = [("file", pa.string()), ("row_no", pa.int64()), ("line", pa.string())]
    fields += [(name, pa.string()) for name in spec.columns]
    if "paid_at" in spec.columns:
        fields += [("paid_at_us", pa.int64()), ("paid_kst_day", pa.int64())]
    return pa.schema(fields)


def parse(stream: BinaryIO, name: str, spec: CsvFile, day: str) -> Iterator[pa.Table]:
    """Tables of about 100,000 rows of one CSV file, checked.

    Args:
        stream: decompressed bytes.
        name: the file's name in errors and in the column `file`.
        spec: its contract.
        day: landing day, `YYYY-MM-DD`.

    Raises:
        BadInput: names file, row (1 = first after the header) and reason.
    """
    records = Records(stream, name)
    header = records.header()
    places = _places(header, name, spec)
    landing_day = epoch_day(day)
    assert landing_day is not None
    first = 1
    while chunk := records.take(_CHUNK_ROWS, len(header)):
        yield _table(chunk, first, places, name, spec, landing_day)
        first += len(chunk)


def _places(header: Sequence[str], name: str, spec: CsvFile) -> dict[str, int]:
    """Where each column of the contract stands in the file."""
    for column in spec.columns:
        if header.count(column) != 1:
            state = "missing" if column not in header else "there twice"
            raise BadInput(name, f"column {column} is {state}; the header is {','.join(header)!r}")
    return {column: header.index(column) for column in spec.columns}


def _table(chunk: list[Record], first: int, places: dict[str, int], name: str, spec: CsvFile, landing_day: int) -> pa.Table:
    fields = list(zip(*(record[0] for record in chunk), strict=True))
    columns = {column: pa.array(fields[place], pa.string()) for column, place in places.items()}
    for column, form in spec.columns.items():
        bad = form.first_bad(columns[column])
        if bad is not None:
            value = "…" if column in PRIVATE else repr(_shortened(columns[column][bad].as_py()))
            raise BadInput(name, f"{column} is {value}: must be {form.says}", first + bad)
    for rule in spec.row_rules:
        if problem := rule(columns, landing_day):
            raise BadInput(name, problem.reason, first + problem.index)
    arrays = [
        pa.repeat(pa.scalar(name), len(chunk)),
        pa.array(range(first, first + len(chunk)), pa.int64()),
        pa.array([raw for _, raw in chunk], pa.string()),
        *columns.values(),
    ]
    if "paid_at" in columns:
        instants = [instant(text) for text in columns["paid_at"].to_pylist()]
        arrays += [pa.array([i[part] for i in instants if i is not None], pa.int64()) for part in (0, 1)]
    return pa.Table.from_arrays(arrays, schema=schema(spec))


def _shortened(value: str) -> str:
    return value if len(value) <= 80 else value[:80] + "…"
