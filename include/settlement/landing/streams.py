"""Reading a gzip file once: its bytes are hashed as they are decompressed, a damaged file stops the run by name."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from typing import BinaryIO, cast

from isal import igzip, isal_zlib

from settlement.errors import BadInput
from settlement.storage import Location

_DAMAGED: tuple[type[Exception], ...] = (BadGzipFile, isal_zlib.error, zlib.error)  # type: ignore[assignment]


class HashingReader(io.RawIOBase):
    """A binary stream that hashes what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        return len(data)

    def finish(self) -> str:
        """SHA-256 of the whole file: whatever the decompressor left is read as well."""
        while data := self._stream.read(1 << 20):
            self._digest.update(data)
        return self._digest.hexdigest()


@contextmanager
def gunzip(path: Location, name: str, sha256: str) -> Iterator[BinaryIO]:
    """The decompressed content of a frozen file.

    Raises:
        BadInput: the gzip is cut short or damaged, or the file isn't the one that was frozen.
    """
    with path.open("rb") as stream:
        if path.stat().st_size == 0:
            raise BadInput(name, "gzip cut short: the file has no bytes at all")
        hashing = HashingReader(stream)
        try:
            with igzip.open(io.BufferedReader(hashing, 1 << 20), "rb") as content:  # type: ignore[no-untyped-call]
                yield cast("BinaryIO", content)
        except EOFError:
            raise BadInput(name, "gzip cut short: it ends before its end marker", hint="ask for the file again") from None
        except _DAMAGED as error:
            raise BadInput(name, f"gzip damaged: {error}", hint="ask for the file again") from None
        if hashing.finish() != sha256:
            raise BadInput(name, "changed while it was read", hint="run again once the delivery is complete")
