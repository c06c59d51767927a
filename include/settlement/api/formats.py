"""Text formats of an answer. In each, an answer that isn't whole can be told: its trailer is missing.

JSON    one object; cut off it is no JSON, and it has no `trailer`.
NDJSON  `{"$header": …}`, a line for each row, `{"$trailer": …}`; an answer that broke ends with `{"$incomplete": …}`.
CSV     header, rows, and a last line `#trailer,…,end`; a broken one ends with `#incomplete,…`. No row begins with a bare #.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

import orjson
import pyarrow as pa

from settlement.api.trailer import as_text
from settlement.reports.guard import guarded

_QUOTED = re.compile(r'[",\r\n]|^#')
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
        names = batch.schema.names
        lines = (orjson.dumps(dict(zip(names, row, strict=True))) for row in zip(*_plain(batch), strict=True))
        return b"\n".join(lines) + b"\n" if batch.num_rows else b""

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
        is_text = [pa.types.is_string(column.type) for column in batch.columns]
        columns = [
            [_cell(value) for value in column.to_pylist()] if text else [value or "" for value in column.to_pylist()]
            for column, text in zip(as_text(batch), is_text, strict=True)
        ]
        return "".join(f"{','.join(row)}\r\n" for row in zip(*columns, strict=True)).encode()

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


def _cell(text: str) -> str:
    said = guarded(text)
    return '"' + said.replace('"', '""') + '"' if _QUOTED.search(said) else said
