"""usage.csv of every partner in one ordered pass: the engine makes the text, Python cuts it at partners."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from settlement.errors import SettlementError
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
    """SQL: catalogue text as RFC 4180 cells, exactly as it is; quoted only where it must be."""
    quoted = """CASE WHEN regexp_matches(t, '[",\\r\\n]') THEN '"' || replace(t, '"', '""') || '"' ELSE t END"""
    return f"array_to_string(list_transform([{', '.join(columns)}], lambda t: {quoted}), ',')"


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
    SELECT partner_id FROM ods.partner WHERE list_contains(string_split(report_formats, '|'), 'csv')
    UNION SELECT 0
),
product AS (
    SELECT product_id, {_cells("name")} AS cells FROM ods.product
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
    $month || ',' || l.product_id || ',' || coalesce(p.cells, '') || ',' || l.right_type || ',' || l.kind || ','
    || l.cells || ',' || l.plays || ',' || {_won("l.uwon")} || chr(13) || chr(10) AS text
FROM line AS l
SEMI JOIN wanted USING (partner_id)
LEFT JOIN product AS p USING (product_id)
ORDER BY l.partner_id, l.product_id, l.right_type, l.part, l.album_id, l.track_id, l.kind
"""  # noqa: S608  (put together from constants; the month is a parameter)


class _UsageFile:
    """One partner's usage.csv while it is written: bytes are hashed and amounts added up as they pass."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = (folder / FILE).open("wb")
        self._sha256 = hashlib.sha256()
        self._size = 0
        self.rows = 0
        self.uwon = 0
        self._write(_HEADER)

    def _write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self._size += len(data)

    def append(self, text: memoryview, amounts: pa.Array) -> None:
        self._write(text)
        self.rows += len(amounts)
        self.uwon += int(pc.sum(amounts).as_py())

    def close(self) -> FileRecord:
        self._file.close()
        return FileRecord(FILE, self._sha256.hexdigest(), self._size, self.rows)


def write_usages(
    con: duckdb.DuckDBPyConnection, month: str, partners: Mapping[int, Partner], out: Path
) -> dict[int, FileRecord]:
    """Write usage.csv for every partner that takes CSV; a partner without lines gets the header alone.

    One partner's file is open at a time and one batch of rows in memory; the engine sorts, and spills if it must.

    Raises:
        SettlementError: what was written doesn't add up to the statement, row by row or in won: the catalogue
            snapshot names a track, album or product twice.
    """
    records: dict[int, FileRecord] = {}
    current: tuple[Partner, _UsageFile] | None = None
    for partner_id, text, amounts in _slices(con, month):
        if current is None or current[0].partner_id != partner_id:
            if current:
                records[current[0].partner_id] = _finish(*current)
            current = (partners[partner_id], _UsageFile(out / partners[partner_id].folder))
        current[1].append(text, amounts)
    if current:
        records[current[0].partner_id] = _finish(*current)
    for partner_id, partner in partners.items():
        if "csv" in partner.formats and partner_id not in records:
            records[partner_id] = _finish(partner, _UsageFile(out / partner.folder))
    return records


def _slices(con: duckdb.DuckDBPyConnection, month: str) -> Iterator[tuple[int, memoryview, pa.Array]]:
    """Runs of rows of one partner: (partner_id, their CSV text, their amounts in uwon)."""
    for batch in con.sql(_QUERY, params={"month": month}).to_arrow_reader(_BATCH_ROWS):
        ids = batch.column(0).to_numpy()
        text, amounts = batch.column(2).cast(pa.large_string()), batch.column(1)
        offsets = np.frombuffer(text.buffers()[1], dtype=np.int64)[text.offset : text.offset + len(text) + 1]
        data = memoryview(text.buffers()[2])
        cuts = [0, *(np.flatnonzero(np.diff(ids)) + 1).tolist(), len(ids)]
        for start, end in pairwise(cuts):
            yield int(ids[start]), data[offsets[start] : offsets[end]], amounts.slice(start, end - start)


def _finish(partner: Partner, file: _UsageFile) -> FileRecord:
    record = file.close()
    rows = partner.lines + len(partner.royalties)
    if file.rows != rows or file.uwon != partner.royalty_krw * UWON:
        raise SettlementError(
            f"{FILE} of partner {partner.partner_id}: {file.rows} rows of {won6(file.uwon)} won were written, "
            f"the statement has {rows} rows of {won6(partner.royalty_krw * UWON)} won",
            "look for a track, album or product that stands twice in the catalogue snapshot",
        )
    return record
