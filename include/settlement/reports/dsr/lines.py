"""The lines of a file: decompressed as they are read, UTF-8, each ended by a line feed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

from settlement.errors import SettlementError
from settlement.reports.dsr.errors import DsrError

_LONGEST: Final = 8 << 20


def text_lines(path: Path) -> Iterator[str]:
    """Lines without their ends (LF or CR LF); at most one line is in memory.

    Raises:
        DsrError: a damaged gzip, bytes that are no UTF-8, a last line without an end, an empty line or one over 8 MiB.
        SettlementError: the file can't be opened.
    """
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(_LONGEST + 1):
                number += 1
                yield _text(path.name, number, line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DsrError(path.name, f"the gzip is damaged: {error}", number + 1) from None
    except OSError as error:
        raise SettlementError(f"{path}: can't be read: {error.strerror or error}") from error


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _text(name: str, number: int, line: bytes) -> str:
    if len(line) > _LONGEST:
        raise DsrError(name, f"the line is longer than {_LONGEST} bytes", number)
    if not line.endswith(b"\n"):
        raise DsrError(name, "cut short: the last line has no end", number)
    line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    if not line:
        raise DsrError(name, "the line is empty", number)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DsrError(name, f"is not UTF-8 at byte {error.start + 1} of the line", number) from None
