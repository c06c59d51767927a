"""CSV rows by the landing contract: RFC 4180, columns by name, every value in its form, or an error with file and row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from settlement.errors import BadInput
from settlement.landing.contract import CsvFile
from settlement.landing.forms import epoch_day, instant

_CHUNK_ROWS = 100_000
_MAX_FIELD = 16 << 20
csv.field_size_limit(_MAX_FIELD)


def schema(spec: CsvFile) -> pa.Schema:
    """Schema of the raw table that a CSV file fills."""
    fields = [("file", pa.string()), ("row_no", pa.int64()), ("line", pa.string())]
    fields += [(name, pa.string()) for name in spec.columns]
    if "paid_at" in spec.columns:
        fields += [("paid_at_us", pa.int64()), ("paid_kst_day", pa.int64())]
    return pa.schema(fields)


def parse(stream: BinaryIO, name: str, spec: CsvFile, day: str) -> Iterator[pa.Table]:
    """Tables of at most 100,000 rows of one CSV file, checked.

    Args:
        stream: decompressed bytes.
        name: the file's name in errors and in the column `file`.
        spec: its contract.
        day: landing day, `YYYY-MM-DD`.

    Raises:
        BadInput: names file, row (1 = first after the header) and reason.
    """
    records = _Records(stream, name)
    places = _header(records, spec)
    width = records.width
    while chunk := records.take(_CHUNK_ROWS, width):
        first = records.row - len(chunk) + 1
        yield _table(chunk, first, places, name, spec, day)


class _Records:
    """Records of a CSV stream together with the raw text each was cut from."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._raw: list[str] = []
        self._reader = csv.reader(self._lines(), strict=True)
        self.row = -1  # the header is row 0
        self.width = 0

    def _lines(self) -> Iterator[str]:
        for line in self._stream:
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise self._bad(f"not UTF-8: {error.reason} at byte {error.start + 1} of the line") from None
            self._raw.append(text)
            yield text

    def _bad(self, reason: str) -> BadInput:
        return BadInput(self._name, reason, self.row + 1 if self.row >= 0 else None)

    def next(self) -> tuple[list[str], str] | None:
        """The next record and its raw text without the line end, or None at the end."""
        try:
            fields = next(self._reader, None)
        except csv.Error as error:
            raise self._bad(f"broken CSV: {error}") from None
        if fields is None:
            return None
        raw = "".join(self._raw)
        self._raw.clear()
        self.row += 1
        return fields, raw.removesuffix("\n").removesuffix("\r")

    def take(self, count: int, width: int) -> list[tuple[list[str], str]]:
        """Up to `count` records of `width` fields."""
        chunk: list[tuple[list[str], str]] = []
        while len(chunk) < count and (record := self.next()) is not None:
            if len(record[0]) != width:
                raise BadInput(self._name, f"broken CSV: {len(record[0])} fields where the header has {width}", self.row)
            chunk.append(record)
        return chunk


def _header(records: _Records, spec: CsvFile) -> list[int]:
    """Places of the contract's columns among the file's."""
    record = records.next()
    name = records._name
    if record is None:
        raise BadInput(name, "no header row")
    header = record[0]
    records.width = len(header)
    for column in spec.columns:
        if header.count(column) != 1:
            state = "missing" if column not in header else "there twice"
            raise BadInput(name, f"column {column} is {state}; the header is {','.join(header)!r}")
    return [header.index(column) for column in spec.columns]


def _table(chunk: list[tuple[list[str], str]], first: int, places: list[int], name: str, spec: CsvFile, day: str) -> pa.Table:
    columns = {
        column: pa.array([fields[place] for fields, _ in chunk], pa.string())
        for column, place in zip(spec.columns, places, strict=True)
    }
    for column, form in spec.columns.items():
        bad = form.first_bad(columns[column])
        if bad is not None:
            value = columns[column][bad].as_py()
            raise BadInput(name, f"{column} is {_shown(value)}: must be {form.says}", first + bad)
    _check_rows(chunk, first, places, name, spec, day)
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


def _shown(value: str) -> str:
    return repr(value if len(value) <= 80 else value[:80] + "…")


def _check_rows(chunk: list[tuple[list[str], str]], first: int, places: list[int], name: str, spec: CsvFile, day: str) -> None:
    if not spec.row_rules:
        return
    landing_day = epoch_day(day)
    assert landing_day is not None
    for number, (fields, _) in enumerate(chunk, first):
        row = {column: fields[place] for column, place in zip(spec.columns, places, strict=True)}
        for rule in spec.row_rules:
            if problem := rule(row, landing_day):
                raise BadInput(name, problem, number)
