"""Text formats of an answer. In each, an answer that isn't whole can be told: its trailer is missing.

JSON    one object; cut off it is no JSON, and it has no `trailer`.
NDJSON  `{"$header": …}`, a line for each row, `{"$trailer": …}`; an answer that broke ends with `{"$incomplete": …}`.
CSV     header, rows, and a last line `#trailer,…,end`; a broken one ends with `#incomplete,…`. No row begins with a bare #.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from settlement.api.trailer import together
from settlement.reports.guard import guarded

_QUOTED = re.compile(r'[",\r\n]|^#')
# What may need more than to be copied: more than `_cell` changes, never less. A guarded text begins with no letter or digit.
_NOT_PLAIN_IN_CSV = r'[",\r\n]|^[^\pL\pN]'
_ESCAPED_IN_JSON = r'["\\\x00-\x1f]'
_BOM = "\ufeff".encode()


class Encoder(Protocol):
    """Writes an answer in a format, piece by piece."""

    media_type: str
    extension: str

    def begin(self, header: Mapping[str, Any]) -> bytes:
        """What comes before the rows."""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        """Some rows."""

    def end(self, trailer: Mapping[str, Any]) -> bytes:
        """What comes after the last row: the trailer."""

    def broken(self, reason: str) -> bytes:
        """What comes last of an answer that isn't whole."""


class Json:
    """A page: rows as lists in the order of `columns`, 38-digit decimals as text."""

    media_type, extension = "application/json", "json"

    def __init__(self) -> None:
        self._is_first = True

    def begin(self, header: Mapping[str, Any]) -> bytes:
        return orjson.dumps(header)[:-1] + b',"rows":['

    def rows(self, batch: pa.RecordBatch) -> bytes:
        if not batch.num_rows:
            return b""
        comma = b"" if self._is_first else b","
        self._is_first = False
        return comma + orjson.dumps([list(row) for row in zip(*_plain(batch), strict=True)])[1:-1]

    def end(self, trailer: Mapping[str, Any]) -> bytes:
        return b"]," + orjson.dumps(trailer)[1:]

    def broken(self, reason: str) -> bytes:  # noqa: ARG002  # what is cut off is no JSON
        return b""


class Ndjson:
    """A line for each row: an object by column."""

    media_type, extension = "application/x-ndjson", "ndjson"

    def begin(self, header: Mapping[str, Any]) -> bytes:
        return orjson.dumps({"$header": header}, option=orjson.OPT_APPEND_NEWLINE)

    def rows(self, batch: pa.RecordBatch) -> bytes:
        if not batch.num_rows:
            return b""
        parts: list[Any] = []
        for number, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
            parts += [f"{',' if number else '{'}{orjson.dumps(name).decode()}:", _json_of(column)]
        return together(pc.binary_join_element_wise(*parts, ""), "}\n")

    def end(self, trailer: Mapping[str, Any]) -> bytes:
        return orjson.dumps({"$trailer": trailer["trailer"]}, option=orjson.OPT_APPEND_NEWLINE)

    def broken(self, reason: str) -> bytes:
        return orjson.dumps({"$incomplete": reason}, option=orjson.OPT_APPEND_NEWLINE)


class Csv:
    """RFC 4180 in UTF-8, for spreadsheets with a byte order mark; no cell of text begins a formula."""

    media_type, extension = "text/csv; charset=utf-8; header=present", "csv"

    def __init__(self, bom: bool = False) -> None:
        self._mark = _BOM if bom else b""

    def begin(self, header: Mapping[str, Any]) -> bytes:
        return self._mark + (",".join(column["name"] for column in header["columns"]) + "\r\n").encode()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        if not batch.num_rows:
            return b""
        columns = [_cells(column) for column in batch.columns]
        return together(pc.binary_join_element_wise(*columns, ","), "\r\n")

    def end(self, trailer: Mapping[str, Any]) -> bytes:
        facts = trailer["trailer"]
        totals = [f"total.{name}={total}" for name, total in facts["totals"].items()]
        said = [f"rows={facts['rows']}", *totals, f"sha256={facts['sha256']}", f"publication={facts['publication']}", "end"]
        return (",".join(["#trailer", *said]) + "\r\n").encode()

    def broken(self, reason: str) -> bytes:
        # A line end first: what came before may be a part of a row.
        return f"\r\n#incomplete,{_cell(reason)}\r\n".encode()


def _plain(batch: pa.RecordBatch) -> list[list[Any]]:
    """Columns as JSON takes them: 38-digit decimals as text, since readers of JSON would round them."""
    return [(c.cast(pa.string()) if pa.types.is_decimal(c.type) else c).to_pylist() for c in batch.columns]


def _json_of(column: pa.Array) -> pa.Array:
    """Each value as JSON writes it, by whole columns: Python objects of millions of values would take most of the time."""
    if pa.types.is_string(column.type):
        quoted = pc.binary_join_element_wise('"', column, '"', "")
        written = _replaced(quoted, column, _ESCAPED_IN_JSON, lambda text: orjson.dumps(text).decode())
    elif pa.types.is_decimal(column.type):
        written = pc.binary_join_element_wise('"', column.cast(pa.string()), '"', "")
    else:
        written = column.cast(pa.string())
    return written.fill_null("null")


def _cells(column: pa.Array) -> pa.Array:
    """Each value as a cell of CSV, likewise; a missing figure is empty."""
    if not pa.types.is_string(column.type):
        return column.cast(pa.string()).fill_null("")
    return _replaced(column, column, _NOT_PLAIN_IN_CSV, _cell).fill_null("")


def _replaced(written: pa.Array, column: pa.Array, pattern: str, write: Callable[[str], str]) -> pa.Array:
    """The column as written, but those values that a pattern finds are written one by one."""
    found = pc.match_substring_regex(column, pattern).fill_null(False)
    if not pc.any(found).as_py():
        return written
    return pc.replace_with_mask(written, found, pa.array([write(text) for text in column.filter(found).to_pylist()], pa.string()))


def _cell(text: str) -> str:
    said = guarded(text)
    return '"' + said.replace('"', '""') + '"' if _QUOTED.search(said) else said
