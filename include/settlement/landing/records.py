"""Records of a CSV stream together with the raw text that each was cut from.

A block of lines without a quote is split at its commas; a block with one goes through Python's strict CSV reader, which is
slower but knows quoted line ends. Both give the same records.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from settlement.errors import BadInput

_BLOCK_BYTES = 1 << 20
_MAX_FIELD = 16 << 20
csv.field_size_limit(_MAX_FIELD)

Record = tuple[list[str], str]  # the fields, and the raw text without its line end


class Records:
    """Cuts a stream into records.

    Raises:
        BadInput: broken CSV, text that isn't UTF-8; names file and row (1 = first after the header).
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._rest = b""
        self._plain: Iterator[Record] = iter(())  # records of a block without a quote
        self._lines: deque[str] = deque()  # lines, with their ends, of a block that has one
        self._raw: list[str] = []  # lines of the record that the CSV reader is at
        self._reader = csv.reader(self._fed_lines(), strict=True)
        self._row = -1  # the header is row 0
        self._damage = ""

    def header(self) -> list[str]:
        """The first record."""
        found = self._next()
        if found is None:
            raise BadInput(self._name, "no header row")
        return found[0]

    def take(self, count: int, width: int) -> list[Record]:
        """Up to `count` records of `width` fields each; none at the end."""
        chunk: list[Record] = []
        while len(chunk) < count:
            plain = list(islice(self._plain, count - len(chunk)))
            self._row += len(plain)
            chunk += plain
            if not plain:
                record = self._next()
                if record is None:
                    break
                chunk.append(record)
        for row, (fields, _) in enumerate(chunk, self._row - len(chunk) + 1):
            if len(fields) != width:
                raise BadInput(self._name, f"broken CSV: {len(fields)} fields where the header has {width}", row)
        return chunk

    def _next(self) -> Record | None:
        """The next record, or None at the end."""
        while not self._lines:
            if (record := next(self._plain, None)) is not None:
                self._row += 1
                return record
            text = self._block()
            if text is None:
                return None
            unix = text.replace("\r\n", "\n")
            if '"' in text or "\r" in unix:
                self._lines.extend(_split(text))
            else:
                self._plain = ((line.split(","), line) for line in unix.removesuffix("\n").split("\n"))
        try:
            fields = next(self._reader)
        except csv.Error as error:
            raise self._bad(f"broken CSV: {error}") from None
        raw = "".join(self._raw)
        self._raw.clear()
        self._row += 1
        return fields, raw.removesuffix("\n").removesuffix("\r")

    def _fed_lines(self) -> Iterator[str]:
        """Lines for the CSV reader, which asks for another one while a record goes on, into the next block if need be."""
        while True:
            if not self._lines:
                text = self._block()
                if text is None:
                    return
                self._lines.extend(_split(text))
            line = self._lines.popleft()
            self._raw.append(line)
            yield line

    def _block(self) -> str | None:
        """The next whole lines as text, about 1 MiB of them, or None at the end."""
        if self._damage:
            raise self._bad(self._damage)
        parts = [self._rest]
        self._rest = b""
        while chunk := self._stream.read(_BLOCK_BYTES):
            cut = chunk.rfind(b"\n") + 1
            if cut:
                parts.append(chunk[:cut])
                self._rest = chunk[cut:]
                break
            parts.append(chunk)
        data = b"".join(parts)
        if not data:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            # The records before the damaged line are read first: then the row is known.
            self._damage = f"not UTF-8: {error.reason}"
            return data[: data.rfind(b"\n", 0, error.start) + 1].decode("utf-8") or self._block()

    def _bad(self, reason: str) -> BadInput:
        return BadInput(self._name, reason, self._row + 1 if self._row >= 0 else None)


def _split(text: str) -> list[str]:
    """Lines with their LF; a lone CR ends no line."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines
