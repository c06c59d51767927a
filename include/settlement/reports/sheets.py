"""The sheets of statement.xlsx that are there for everyone: adjustments and advances, a row each and a total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xlsxwriter import Workbook

from settlement.reports.cells import Cells, Styles
from settlement.reports.labels import NOTHING, RIGHT_TYPES, label
from settlement.reports.model import Partner, ReportContext

ADJUSTMENTS = "조정"
ADVANCES = "선급금"
HEADER_ROW = 3


class _Column(NamedTuple):
    """A column of whole won, or of texts and plain integers."""

    title: str
    width: int
    is_won: bool = False


class _Table(NamedTuple):
    """A sheet's content; the total has None where a column isn't added up."""

    name: str
    note: str
    columns: tuple[_Column, ...]
    rows: Sequence[tuple[str | int, ...]]
    total: tuple[int | None, ...]


def add_adjustments(book: Workbook, styles: Styles, context: ReportContext, partner: Partner) -> None:
    """Add the sheet of what restatements of earlier months change (rules §8)."""
    rows = [
        (a.settled_month, a.version_from, a.version_to, label(RIGHT_TYPES, a.right_type).ko, a.product, a.product_id,
         a.delta_krw, a.reason)
        for a in partner.adjustments
    ]  # fmt: skip
    columns = (
        _Column("정산월", 10), _Column("이전 버전", 10), _Column("새 버전", 10), _Column("권리", 12), _Column("상품", 28),
        _Column("상품 ID", 18), _Column("조정액(원)", 18, is_won=True), _Column("사유", 48),
    )  # fmt: skip
    note = "이미 정산한 달을 다시 정산하여 달라진 금액입니다. 새 버전에서 이전 버전을 뺀 금액이며 이번 달에 한 번 반영합니다."
    total = (None,) * 6 + (partner.statement.adjustment_krw, None)
    _add(book, styles, context, partner, _Table(ADJUSTMENTS, note, columns, rows, total))


def add_advances(book: Workbook, styles: Styles, context: ReportContext, partner: Partner) -> None:
    """Add the sheet of advances and what is recouped from them (rules §7)."""
    rows = [
        (r.advance_id, r.granted_on, r.amount_krw, r.open_before_krw, r.recouped_krw, r.open_after_krw)
        for r in partner.recoupments
    ]
    columns = (
        _Column("선급금 ID", 24), _Column("지급일", 12), _Column("선급금(원)", 18, is_won=True),
        _Column("차감 전 잔액(원)", 18, is_won=True), _Column("차감액(원)", 18, is_won=True),
        _Column("차감 후 잔액(원)", 18, is_won=True),
    )  # fmt: skip
    note = "먼저 지급한 선급금부터 순액이 허락하는 만큼 차감합니다."
    sums = (
        sum(r.amount_krw for r in partner.recoupments),
        sum(r.open_before_krw for r in partner.recoupments),
        partner.statement.recouped_krw,
        sum(r.open_after_krw for r in partner.recoupments),
    )
    _add(book, styles, context, partner, _Table(ADVANCES, note, columns, rows, (None, None, *sums)))


def _add(book: Workbook, styles: Styles, context: ReportContext, partner: Partner, table: _Table) -> None:
    sheet = book.add_worksheet(table.name)
    cells = Cells(sheet, styles)
    for index, column in enumerate(table.columns):
        sheet.set_column(index, index, column.width)
    heading(cells, f"{table.name} 내역", context, partner, table.note)
    for index, column in enumerate(table.columns):
        cells.text(HEADER_ROW, index, column.title, "head_right" if column.is_won else "head")
    for row, values in enumerate(table.rows, start=HEADER_ROW + 1):
        _write_row(cells, row, values, table.columns)
    last = HEADER_ROW + len(table.rows)
    if table.rows:
        sheet.autofilter(HEADER_ROW, 0, last, len(table.columns) - 1)
        _write_total(cells, last + 1, table.total)
    else:
        cells.text(last + 1, 0, NOTHING, "note")
    page_setup(cells, context, len(table.columns))


def _write_row(cells: Cells, row: int, values: tuple[str | int, ...], columns: tuple[_Column, ...]) -> None:
    for index, (value, column) in enumerate(zip(values, columns, strict=True)):
        if isinstance(value, str):
            cells.text(row, index, value)
        else:
            cells.whole(row, index, value, "whole" if column.is_won else "rank")


def _write_total(cells: Cells, row: int, total: tuple[int | None, ...]) -> None:
    for index, value in enumerate(total):
        if value is None:
            cells.text(row, index, "" if index else "합계", "total")
        else:
            cells.whole(row, index, value, "total_whole")


def heading(cells: Cells, title: str, context: ReportContext, partner: Partner, note: str) -> None:
    """The three lines above a sheet's table."""
    cells.text(0, 0, title, "section")
    cells.text(1, 0, f"{partner.name} · {context.month} · 버전 {context.version}", "subtitle")
    cells.text(2, 0, note, "note")


def page_setup(cells: Cells, context: ReportContext, columns: int) -> None:
    """How a sheet with one table scrolls and prints."""
    sheet = cells.sheet
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    sheet.repeat_rows(HEADER_ROW)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{context.month} · v{context.version} · &A&R&P / &N")
    # Identifiers are text on purpose; without this Excel flags every one of them.
    sheet.ignore_errors({"number_stored_as_text": f"A1:{chr(ord('A') + columns - 1)}1048576"})
