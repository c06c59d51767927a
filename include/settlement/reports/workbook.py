"""One partner's statement.xlsx: the summary, a sheet per right type with its lines, adjustments, advances."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from xlsxwriter import Workbook

from settlement.reports.cells import Cells, Styles, default_format
from settlement.reports.labels import KINDS, RIGHT_TYPES, label
from settlement.reports.lines import Line, TopTrack
from settlement.reports.model import Partner, ReportContext, Royalty
from settlement.reports.sheets import HEADER_ROW, add_adjustments, add_advances, heading, page_setup
from settlement.reports.summary import add_summary


class _Column(NamedTuple):
    title: str
    width: int
    field: str


_PRODUCT = (_Column("상품", 22, "product"), _Column("상품 ID", 16, "product_id"))
_TRACK_COLUMNS = (
    *_PRODUCT,
    _Column("앨범", 30, "album"),
    _Column("곡명", 36, "title"),
    _Column("아티스트", 24, "artist"),
    _Column("레이블", 20, "label"),
    _Column("ISRC", 15, "isrc"),
    _Column("UPC", 15, "upc"),
    _Column("곡 ID", 14, "track_id"),
)
_ALBUM_COLUMNS = (
    *_PRODUCT,
    _Column("앨범", 36, "album"),
    _Column("아티스트", 28, "artist"),
    _Column("레이블", 24, "label"),
    _Column("UPC", 16, "upc"),
)
_KIND = _Column("유형", 14, "kind")
_TRACKS = _Column("곡 수", 10, "tracks")
_PLAYS = _Column("재생 수", 13, "plays")
_AMOUNT = _Column("금액(원)", 22, "uwon")
_NUMBERS = (_TRACKS, _PLAYS, _AMOUNT)


class StatementWorkbook:
    """A workbook under construction; sheets are added in their order, then it is closed."""

    def __init__(self, path: Path, context: ReportContext, partner: Partner, scratch: Path | None) -> None:
        """Open it at `path`; with a `scratch` folder its rows go there as they come instead of into memory."""
        memory = {"in_memory": True} if scratch is None else {"constant_memory": True, "tmpdir": str(scratch)}
        self._book = Workbook(str(path), {**memory, "default_format_properties": default_format()})
        self._book.use_zip64()
        self._styles = Styles(self._book)
        self._context = context
        self._partner = partner
        year, month = map(int, context.month.split("-"))
        self._book.set_properties({
            "title": f"음원 사용료 정산서 {context.month} v{context.version}",
            "author": "settlement",
            # A fixed date: the clock would make the same statement differ from one rendering to the next.
            "created": datetime(year, month, monthrange(year, month)[1], 23, 59, 59, tzinfo=UTC),
        })  # fmt: skip

    def add_summary(self, top: list[TopTrack]) -> None:
        """Add the first sheet."""
        add_summary(self._book, self._styles, self._context, self._partner, top)

    def add_right_type(self, right_type: str, lines: Iterable[Line], *, by_album: bool) -> tuple[int, int]:
        """Add a right type's sheet from its lines (albums, if `by_album`); returns rows and their sum in uwon."""
        columns = self._columns(by_album=by_album)
        name = label(RIGHT_TYPES, right_type).ko
        sheet = self._book.add_worksheet(name)
        cells = Cells(sheet, self._styles)
        royalties = [r for r in self._partner.royalties if r.right_type == right_type]
        for index, column in enumerate(columns):
            sheet.set_column(index, index, column.width)
        heading(cells, f"{name} 정산 내역", self._context, self._partner, _note(royalties, by_album=by_album))
        for index, column in enumerate(columns):
            cells.text(HEADER_ROW, index, column.title, "head_right" if column in _NUMBERS else "head")
        row, uwon = HEADER_ROW, 0
        for row, line in enumerate(lines, start=HEADER_ROW + 1):
            _write_line(cells, row, line, columns)
            uwon += line.uwon
        if row > HEADER_ROW:
            sheet.autofilter(HEADER_ROW, 0, row, len(columns) - 1)
        _write_end(cells, row + 1, royalties, columns)
        page_setup(cells, self._context, len(columns))
        return row - HEADER_ROW, uwon

    def add_balances(self) -> None:
        """Add the sheets of adjustments and advances, which are there even when they have no rows."""
        add_adjustments(self._book, self._styles, self._context, self._partner)
        add_advances(self._book, self._styles, self._context, self._partner)

    def close(self) -> None:
        """Write the file."""
        self._book.close()

    def _columns(self, *, by_album: bool) -> tuple[_Column, ...]:
        kind = (_KIND,) if self._partner.is_suspense else ()
        if by_album:
            return (*_ALBUM_COLUMNS, *kind, _TRACKS, _PLAYS, _AMOUNT)
        return (*_TRACK_COLUMNS, *kind, _PLAYS, _AMOUNT)


def _note(royalties: list[Royalty], *, by_album: bool) -> str:
    if not by_album:
        return "상품별로 금액이 큰 순서입니다. 금액은 원 단위이며 소수 여섯째 자리까지 표시합니다."
    lines = sum(r.lines for r in royalties)
    reason = f"곡별 내역 {lines:,}행은 Excel 시트 한도를 넘어 앨범 단위로 합산했습니다."
    return f"{reason} 곡별 내역은 usage.csv(보고 형식 csv)에 있습니다."


def _write_line(cells: Cells, row: int, line: Line, columns: tuple[_Column, ...]) -> None:
    for index, column in enumerate(columns):
        value = getattr(line, column.field)
        if column is _AMOUNT:
            cells.won6(row, index, value)
        elif column is _PLAYS or column is _TRACKS:
            cells.whole(row, index, value)
        elif column is _KIND:
            cells.text(row, index, label(KINDS, value).ko)
        elif value:
            cells.text(row, index, value)


def _write_end(cells: Cells, row: int, royalties: list[Royalty], columns: tuple[_Column, ...]) -> None:
    """The rounding row of each product, then the total: the sheet adds up to the statement."""
    amount, plays = columns.index(_AMOUNT), columns.index(_PLAYS)
    for royalty in royalties:
        cells.text(row, 0, royalty.product)
        cells.text(row, 1, royalty.product_id)
        cells.text(row, 2, KINDS["won_rounding"].ko, "note")
        cells.won6(row, amount, royalty.rounding_uwon)
        row += 1
    for index in range(len(columns)):
        cells.text(row, index, "" if index else "합계", "total")
    cells.whole(row, plays, sum(r.plays for r in royalties), "total_whole")
    cells.whole(row, amount, sum(r.royalty_krw for r in royalties), "total_whole")
