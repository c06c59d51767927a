"""How a landing folder is written: gzip files that appear whole, CSV per RFC 4180, and `_SUCCESS` when all is there.

The same content gives the same bytes (gzip without name or time). The deflate stream is isa-l's: it may differ
between processor families, the content never does.
"""

from __future__ import annotations

import csv
import io
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final

from settlement.errors import SettlementError
from settlement.landing.contract import SUCCESS, Kind

_GZIP_WRAPPER: Final = 31  # zlib's window bits for a bare gzip header: no name, time 0
_ROWS_PER_CHUNK: Final = 5_000
_FILE: Final = 500_000
_TWO_FILES: Final = 20_000


def require_new_root(root: Path) -> None:
    """Create the landing root, or raise SettlementError when something is in it already: landing is never mixed."""
    try:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise SettlementError(f"{root} is not an empty folder", "choose a new folder, or remove this one first")
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(root, error) from error


def landing_folder(root: Path, kind: Kind, day: date) -> Path:
    """`root/<kind>/dt=<day>`, created if need be."""
    folder = root / kind / f"dt={day.isoformat()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return folder


def play_files(plays: int) -> int:
    """How many files a day's plays are cut into: readers work on several at once, and none gets too long."""
    return max(-(-plays // _FILE), 2 if plays >= _TWO_FILES else 1)


def write_gzip(path: Path, chunks: Iterable[bytes], level: int = 1) -> None:
    """Compress chunks into one gzip member under a hidden name, then rename it: `path` is whole or not there."""
    unfinished = path.with_name(f".{path.name}.tmp")
    # not isal: at times it finds other, equally good matches, and the same seed must give the same bytes
    packer = zlib.compressobj(level, zlib.DEFLATED, _GZIP_WRAPPER)
    try:
        with unfinished.open("wb") as sink:
            for chunk in chunks:
                sink.write(packer.compress(chunk))
            sink.write(packer.flush())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write header and rows as RFC 4180 (CRLF, quotes where needed, UTF-8), compressed; returns the number of rows."""
    written = 0

    def counted() -> Iterator[Sequence[object]]:
        nonlocal written
        for row in rows:
            written += 1
            yield row

    write_gzip(path, _csv_chunks(header, counted()), level=2)
    return written


def copy_file(source: Path, target: Path) -> None:
    """Copy a written file under its name in another day's folder; like the writers, whole or not there."""
    unfinished = target.with_name(f".{target.name}.tmp")
    try:
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise _cannot_write(target, error) from error


def mark_arrived(folder: Path) -> None:
    """Write the marker that says the folder is complete: the last thing that happens to it."""
    try:
        (folder / SUCCESS).touch()
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _csv_chunks(header: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    while batch := list(islice(rows, _ROWS_PER_CHUNK)):
        writer.writerows(batch)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue().encode()  # the header, when there were no rows


def _cannot_write(path: Path, error: OSError) -> SettlementError:
    return SettlementError(f"cannot write {path}: {error.strerror or error}", "check free space and permissions")
