"""usage.csv of every partner in one ordered pass: the engine makes the text, Python cuts it at partners."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.errors import SettlementError
from settlement.reports.guard import guarded_sql
from settlement.reports.model import FileRecord, Partner
from settlement.reports.money import UWON, won6

FILE = "usage.csv"
COLUMNS = (
    "month", "product_id", "product", "right_type", "kind", "album_id", "upc", "album", "label",
    "track_id", "isrc", "title", "artist", "plays", "amount_won",
)  # fmt: skip
_HEADER = codecs.BOM_UTF8 + ",".join(COLUMNS).encode() + b"\r\n"
_BATCH_ROWS = 65_536


def _cells(*columns: str) -> str:
    """SQL: catalogue text as RFC 4180 cells that start no formula; quoted only where it must be."""
    quoted = """CASE WHEN regexp_matches(t, '[",\\r\\n]') THEN '"' || replace(t, '"', '""') || '"' ELSE t END"""
    texts = ", ".join(guarded_sql(column) for column in columns)
    return f"array_to_string(list_transform([{texts}], lambda t: {quoted}), ',')"


def _won(uwon: str) -> str:
    """SQL: micro-won as won with six decimals; HUGEINT because a decimal division isn't exact."""
    big = f"CAST({uwon} AS HUGEINT)"
    whole, rest = f"abs({big}) // {UWON}", f"abs({big}) % {UWON}"
    digits = f"CAST({whole} AS VARCHAR) || '.' || lpad(CAST({rest} AS VARCHAR), 6, '0')"
    return f"CASE WHEN {big} < 0 THEN '-' ELSE '' END || {digits}"


# Text is quoted once per product, album and track, not once per line. The rounding row (part 1) closes its product
# and right type. Albums and tracks that the catalogue lacks leave their cells empty.
_QUERY = f"""
WITH wanted AS (
    SELECT unnest(CAST($wanted AS BIGINT[])) AS partner_id
),
product AS (
    SELECT product_id, {_cells("product_id", "name")} AS cells FROM ods.product
),
album AS (
    SELECT album_id, {_cells("upc", "title", "label")} AS cells FROM ods.album
),
track AS (
    SELECT t.track_id, t.album_id, t.album_id || ',' || coalesce(a.cells, ',,') AS album_cells,
        {_cells("t.isrc", "t.title", "t.artist")} AS cells
    FROM ods.track AS t LEFT JOIN album AS a USING (album_id)
),
line AS (
    SELECT l.partner_id, l.product_id, l.right_type, 0 AS part, coalesce(t.album_id, 0) AS album_id, l.track_id, l.kind,
        l.amount_uwon AS uwon, l.plays,
        coalesce(t.album_cells, ',,,') || ',' || l.track_id || ',' || coalesce(t.cells, ',,') AS cells
    FROM mart.settlement_line AS l LEFT JOIN track AS t USING (track_id)
    UNION ALL
    SELECT partner_id, product_id, right_type, 1, 0, 0, 'won_rounding',
        CAST(royalty_krw AS DECIMAL(38, 0)) * {UWON} - royalty_uwon, 0, ',,,,,,,'
    FROM mart.statement_royalty
)
SELECT CAST(l.partner_id AS BIGINT) AS partner_id, CAST(l.uwon AS DECIMAL(38, 0)) AS uwon,
    $month || ',' || coalesce(p.cells, {_cells("l.product_id")} || ',') || ',' || l.right_type || ',' || l.kind || ','
    || l.cells || ',' || l.plays || ',' || {_won("l.uwon")} || chr(13) || chr(10) AS text
FROM line AS l
SEMI JOIN wanted USING (partner_id)
LEFT JOIN product AS p USING (product_id)
ORDER BY l.partner_id, l.product_id, l.right_type, l.part, l.album_id, l.track_id, l.kind
"""


def write_usages(con: duckdb.DuckDBPyConnection, month: str, partners: Mapping[int, Partner], out: Path) -> dict[int, FileRecord]:
    """Write usage.csv for every partner that takes CSV; a partner without lines gets the header alone.

    One partner's file is open at a time and one batch of rows in memory; the engine sorts, and spills if it must.

    Raises:
        SettlementError: what was written doesn't add up to the statement, row by row or in won: the catalogue
            snapshot names a track, album or product twice.
    """
    records: dict[int, FileRecord] = {}
    wanted = {key: partner for key, partner in partners.items() if "csv" in partner.formats}
    for partner_id, slices in groupby(_slices(con, month, list(wanted)), key=lambda part: part.partner_id):
        records[partner_id] = _write(wanted[partner_id], slices, out)
    for partner_id, partner in wanted.items():
        if partner_id not in records:
            records[partner_id] = _write(partner, (), out)
    return records


class _Slice(NamedTuple):
    """A run of rows of one partner: their CSV text and their amounts in uwon."""

    partner_id: int
    text: memoryview
    amounts: pa.Array


def _slices(con: duckdb.DuckDBPyConnection, month: str, wanted: list[int]) -> Iterator[_Slice]:
    for batch in con.sql(_QUERY, params={"month": month, "wanted": wanted}).to_arrow_reader(_BATCH_ROWS):
        ids = batch.column(0).to_numpy()
        text, amounts = batch.column(2).cast(pa.large_string()), batch.column(1)
        offsets = np.frombuffer(text.buffers()[1], dtype=np.int64)[text.offset : text.offset + len(text) + 1]
        data = memoryview(text.buffers()[2])
        cuts = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
        for start, end in pairwise(cuts):
            part = data[offsets[start] : offsets[end]]
            yield _Slice(int(ids[start]), part, amounts.slice(start, end - start))


def _write(partner: Partner, slices: Iterable[_Slice], out: Path) -> FileRecord:
    """One partner's file: bytes are hashed and amounts added up as they pass."""
    path = out / partner.folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256, size, rows, uwon = hashlib.sha256(_HEADER), len(_HEADER), 0, 0
    with path.open("wb") as file:
        file.write(_HEADER)
        for part in slices:
            file.write(part.text)
            sha256.update(part.text)
            size += len(part.text)
            rows += len(part.amounts)
            uwon += int(pc.sum(part.amounts).as_py())
    expected = partner.lines + len(partner.royalties)
    if rows != expected or uwon != partner.royalty_krw * UWON:
        raise SettlementError(
            f"{FILE} of partner {partner.partner_id}: {rows} rows of {won6(uwon)} won were written, "
            f"the statement has {expected} rows of {won6(partner.royalty_krw * UWON)} won",
            "look for a track, album or product that stands twice in the catalogue snapshot",
        )
    return FileRecord(FILE, sha256.hexdigest(), size, rows)
