"""Binary formats of an answer. In each, an answer that isn't whole can be told.

Arrow    an IPC stream; the last batch has no rows and carries the trailer as its own metadata, key `settlement.trailer`.
Parquet  the trailer is metadata of the file, key `settlement.trailer`; cut off, the file has no footer and can't be opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

TRAILER, HEADER, INCOMPLETE = "settlement.trailer", "settlement.header", "settlement.incomplete"


class _Sink:
    """A file that is handed on as it grows."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing is held back."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class Arrow:
    """An Arrow IPC stream: 38-digit decimals are decimal128."""

    media_type, extension = "application/vnd.apache.arrow.stream", "arrows"

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._sink = _Sink()

    def begin(self, header: Mapping[str, Any]) -> bytes:
        self._schema = self._schema.with_metadata({HEADER: orjson.dumps(header)})
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._sink, "w"), self._schema)
        return self._sink.taken()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        self._writer.write_batch(batch.replace_schema_metadata(self._schema.metadata))
        return self._sink.taken()

    def end(self, trailer: Mapping[str, Any]) -> bytes:
        self._last({TRAILER: orjson.dumps(trailer["trailer"])})
        self._writer.close()
        return self._sink.taken()

    def broken(self, reason: str) -> bytes:
        self._last({INCOMPLETE: reason.encode()})
        return self._sink.taken()

    def _last(self, metadata: dict[str, bytes]) -> None:
        nothing = pa.RecordBatch.from_pylist([], schema=self._schema)
        self._writer.write_batch(nothing, custom_metadata=metadata)


class Parquet:
    """A Parquet file, a row group for each batch."""

    media_type, extension = "application/vnd.apache.parquet", "parquet"

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._sink = _Sink()

    def begin(self, header: Mapping[str, Any]) -> bytes:
        self._writer = pq.ParquetWriter(pa.PythonFile(self._sink, "w"), self._schema, compression="zstd")
        self._writer.add_key_value_metadata({HEADER: orjson.dumps(header).decode()})
        return self._sink.taken()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        self._writer.write_batch(batch)
        return self._sink.taken()

    def end(self, trailer: Mapping[str, Any]) -> bytes:
        self._writer.add_key_value_metadata({TRAILER: orjson.dumps(trailer["trailer"]).decode()})
        self._writer.close()
        return self._sink.taken()

    def broken(self, reason: str) -> bytes:  # noqa: ARG002  # without a footer it can't be opened
        return b""
