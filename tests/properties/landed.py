"""Landing folders given as bytes, cut and parsed by the package's reader."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping

import pyarrow as pa

from settlement.landing import plays, reader, rows
from settlement.landing.contract import Kind, csv_file

Folders = Mapping[str, Mapping[str, bytes]]


def parsed(folders: Folders) -> Iterator[tuple[str, str, pa.Table]]:
    """Raw table, landing day and rows, piece by piece; the catalogue of a day that is that of the day before is parsed once."""
    known: dict[bytes, list[pa.Table]] = {}
    for path, files in folders.items():
        kind_name, day = path.split("/dt=")
        kind: Kind = kind_name  # type: ignore[assignment]
        for name, data in files.items():
            if name == "_SUCCESS":
                continue
            if kind == "plays":
                yield from (("raw.play", day, content) for content in _plays(f"{path}/{name}", data))
                continue
            content = known.get(data) if kind == "catalog" else None
            if content is None:
                stream = io.BytesIO(gzip.decompress(data))
                content = known[data] = list(rows.parse(stream, f"{path}/{name}", csv_file(kind, name), day))
            yield from ((reader.raw_table(kind, name), day, piece) for piece in content)


def _plays(name: str, data: bytes) -> Iterator[pa.Table]:
    stream = io.BytesIO(gzip.decompress(data))
    row = 1
    for lines in plays.blocks(stream):
        yield plays.parse(lines, name, row)
        row += len(lines)
