"""Formats and their trailers: whole answers are proven, broken ones are told, in each format."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.api.arrow_formats import TRAILER, Arrow, Parquet
from settlement.api.formats import Csv, Encoder, Json, Ndjson
from settlement.api.trailer import Tally
from settlement.reports import unguarded
from settlement.reports.guard import guarded

HOSTILE = (
    "=1", " =1", "\u200b=1", "'x", "\t", "a\rb", 'a"b', "a,b", "#x", "\x00", "\x1f", "\\", "\u2028", "\x7f", "＝1", "곡", "😀", "1-1", "",
)  # fmt: skip
SCHEMA = pa.schema([("title", pa.string()), ("plays", pa.int64()), ("amount", pa.decimal128(38, 0))])
LARGEST = Decimal(10**38 - 1)
ROWS: list[dict[str, Any]] = [
    {"title": "곡 😀", "plays": 2**63 - 1, "amount": LARGEST},
    {"title": '"#trailer,rows=9"', "plays": 2**63 - 1, "amount": None},
    {"title": "#trailer,rows=9\r\n#trailer,rows=9", "plays": 1, "amount": LARGEST},
    {"title": "=1+1", "plays": -3, "amount": Decimal(-5)},
    {"title": "", "plays": 0, "amount": Decimal(0)},
]
HEADER = {"columns": [{"name": name} for name in SCHEMA.names]}
FORMATS: dict[str, Any] = {
    "json": Json, "ndjson": Ndjson, "csv": Csv, "arrow": lambda: Arrow(SCHEMA), "parquet": lambda: Parquet(SCHEMA),
}  # fmt: skip


def _batches(sizes: tuple[int, ...]) -> list[pa.RecordBatch]:
    whole, start, found = pa.RecordBatch.from_pylist(ROWS, schema=SCHEMA), 0, []
    for size in sizes:
        found.append(whole.slice(start, size))
        start += size
    return found


def _written(encoder: Encoder, sizes: tuple[int, ...] = (2, 0, 3)) -> tuple[bytes, dict[str, Any]]:
    tally, parts = Tally(["plays", "amount"]), [encoder.begin(HEADER)]
    for batch in _batches(sizes):
        tally.add(batch)
        parts.append(encoder.rows(batch))
    trailer = tally.trailer("set")
    return b"".join([*parts, encoder.end({"trailer": trailer, "next": None})]), trailer


def _broken(encoder: Encoder) -> bytes:
    return b"".join(
        [encoder.begin(HEADER), *(encoder.rows(batch) for batch in _batches((2, 1))), encoder.broken("the engine is gone")]
    )


def _read_json(data: bytes) -> tuple[list[dict[str, Any]], Any]:
    told = json.loads(data)
    return [_typed(dict(zip(SCHEMA.names, row, strict=True))) for row in told["rows"]], told.get("trailer")


def _read_ndjson(data: bytes) -> tuple[list[dict[str, Any]], Any]:
    lines = [json.loads(line) for line in data.splitlines()]
    return [_typed(line) for line in lines if not any(key.startswith("$") for key in line)], lines[-1].get("$trailer")


def _read_csv(data: bytes) -> tuple[list[dict[str, Any]], Any]:
    text = data.decode("utf-8")
    last = text.rstrip("\r\n").rsplit("\r\n", 1)[-1]
    if not (last.startswith("#trailer,") and last.endswith(",end")):
        return [], None
    facts = dict(part.split("=", 1) for part in last.split(",")[1:-1])
    body = text[: text.rindex("#trailer,")]
    rows = [{"title": unguarded(r["title"]) if r["title"].startswith("'") else r["title"], "plays": r["plays"], "amount": r["amount"] or None}
            for r in csv.DictReader(io.StringIO(body, newline=""))]  # fmt: skip
    totals = {name.removeprefix("total."): total for name, total in facts.items() if name.startswith("total.")}
    told = {
        "complete": True,
        "rows": int(facts["rows"]),
        "totals": totals,
        "sha256": facts["sha256"],
        "publication": facts["publication"],
    }
    return [_typed(row) for row in rows], told


def _read_arrow(data: bytes) -> tuple[list[dict[str, Any]], Any]:
    reader, rows, trailer = pa.ipc.open_stream(data), [], None
    while True:
        try:
            batch, metadata = reader.read_next_batch_with_custom_metadata()
        except StopIteration:
            return rows, trailer
        rows += batch.to_pylist()
        trailer = json.loads(metadata[TRAILER.encode()]) if metadata and TRAILER.encode() in metadata else None


def _read_parquet(data: bytes) -> tuple[list[dict[str, Any]], Any]:
    file = pq.ParquetFile(io.BytesIO(data))
    return file.read().to_pylist(), json.loads(file.metadata.metadata[TRAILER.encode()])


READERS = {"json": _read_json, "ndjson": _read_ndjson, "csv": _read_csv, "arrow": _read_arrow, "parquet": _read_parquet}


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": row["title"],
        "plays": int(row["plays"]),
        "amount": None if row["amount"] is None else Decimal(row["amount"]),
    }


@pytest.mark.parametrize("name", FORMATS)
def test_a_whole_answer_has_every_row_exactly_and_its_trailer(name: str) -> None:
    data, trailer = _written(FORMATS[name]())
    rows, told = READERS[name](data)
    assert rows == ROWS
    assert told == trailer
    assert (told["rows"], told["complete"]) == (5, True)
    assert told["totals"] == {"plays": str(2 * (2**63 - 1) - 2), "amount": str(2 * (10**38 - 1) - 5)}


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_that_broke_has_no_trailer(name: str) -> None:
    data = _broken(FORMATS[name]())
    try:
        _, told = READERS[name](data)
    except (ValueError, pa.ArrowInvalid):
        told = None
    assert told is None


@pytest.mark.parametrize("name", FORMATS)
def test_an_answer_that_is_cut_off_anywhere_is_not_taken_for_whole(name: str) -> None:
    data, trailer = _written(FORMATS[name]())
    for end in range(len(data) - 2):
        try:
            rows, told = READERS[name](data[:end])
        except (ValueError, OSError, KeyError, IndexError, pa.ArrowInvalid):
            continue
        assert told is None or (told == trailer and rows == ROWS), end


def test_the_hash_is_that_of_the_documentation_however_rows_come_in_batches() -> None:
    hashes = {_written(Json(), sizes)[1]["sha256"] for sizes in ((5,), (1, 4), (2, 0, 3), (1, 1, 1, 1, 1))}
    text = "".join("\x1f".join("\x00" if v is None else str(v) for v in row.values()) + "\x1e" for row in ROWS)
    assert hashes == {hashlib.sha256(text.encode()).hexdigest()}


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=6), st.sampled_from(HOSTILE)), min_size=1, max_size=6))
def test_any_text_is_read_back_as_it_was(texts: list[str | None]) -> None:
    """Texts are written by whole columns where they are plain, one by one where they aren't."""
    batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.string()), pa.array([1] * len(texts), pa.int64())], ["t", "n"])
    lines = Ndjson().rows(batch).split(b"\n")[:-1]
    assert [json.loads(line) for line in lines] == [{"t": text, "n": 1} for text in texts]
    cells = [row[0] for row in csv.reader(io.StringIO(Csv().rows(batch).decode(), newline=""))]
    assert cells == [guarded(text or "") for text in texts]


def test_no_cell_of_text_begins_a_formula_and_no_row_begins_with_a_bare_mark() -> None:
    data, _ = _written(Csv(bom=True))
    assert data.startswith("\ufefftitle,plays,amount\r\n".encode())
    assert b"\r\n'=1+1," in data
    assert b'\r\n"#trailer,rows=9\r\n' in data
