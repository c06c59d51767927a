"""statement.xlsx of every partner: one ordered pass over the lines feeds one workbook after the other."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

import duckdb

from settlement.errors import SettlementError
from settlement.reports.lines import Line, TopTrack, read_lines, read_top_tracks
from settlement.reports.model import FileRecord, Partner, ReportContext
from settlement.reports.money import won6
from settlement.reports.workbook import StatementWorkbook

FILE = "statement.xlsx"
EXCEL_ROWS = 1_048_576
MAX_LINES = EXCEL_ROWS - 4_096
"""Lines a sheet may have; the rest is left for headings, rounding rows and what the largest albums leave over."""
IN_MEMORY_LINES = 50_000
"""Above this the rows go to disk as they come: bounded memory, at the price of in-line strings in the sheets."""
TOP_TRACKS = 10


def write_statements(
    con: duckdb.DuckDBPyConnection, context: ReportContext, partners: Mapping[int, Partner], out: Path
) -> dict[int, FileRecord]:
    """Write statement.xlsx for every partner that takes it; one workbook is open at a time.

    Raises:
        SettlementError: a workbook's rows don't add up to the statement, or don't fit its sheet.
    """
    wanted = {key: partner for key, partner in partners.items() if "xlsx" in partner.formats}
    top = read_top_tracks(con, list(wanted), TOP_TRACKS)
    records: dict[int, FileRecord] = {}
    for partner_id, lines in groupby(read_lines(con, list(wanted), MAX_LINES), key=lambda line: line.partner_id):
        records[partner_id] = _write(context, wanted[partner_id], top.get(partner_id, []), lines, out)
    for partner_id, partner in wanted.items():
        if partner_id not in records:
            records[partner_id] = _write(context, partner, [], (), out)
    return records


def _write(context: ReportContext, partner: Partner, top: list[TopTrack], lines: Iterable[Line], out: Path) -> FileRecord:
    path = out / partner.folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, uwon = 0, 0
    with tempfile.TemporaryDirectory(prefix="settlement-xlsx-") as scratch:
        streamed = Path(scratch) if partner.lines > IN_MEMORY_LINES else None
        book = StatementWorkbook(path, context, partner, scratch=streamed)
        book.add_summary(top)
        for right_type, group in groupby(lines, key=lambda line: line.right_type):
            right_lines = sum(r.lines for r in partner.royalties if r.right_type == right_type)
            count, amount = book.add_right_type(right_type, group, by_album=right_lines > MAX_LINES)
            rows += count
            uwon += amount
        book.add_balances()
        book.close()
    if uwon != partner.royalty_uwon:
        raise SettlementError(
            f"{FILE} of partner {partner.partner_id}: rows add up to {won6(uwon)} won, "
            f"the statement has {won6(partner.royalty_uwon)} won",
            "look for a track, album or product that stands twice in the catalogue snapshot",
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRecord(FILE, sha256, path.stat().st_size, rows)
