"""The first sheet of statement.xlsx: what is paid and why, by right type and product, the top tracks, and the proof."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple, TypeAlias

from xlsxwriter import Workbook

from settlement.reports.bridge import bridge, reason
from settlement.reports.cells import Cells, Styles
from settlement.reports.labels import RIGHT_TYPES, TAX_KINDS, label
from settlement.reports.lines import TopTrack
from settlement.reports.model import Partner, ReportContext, Royalty

SHEET = "요약"
_WIDTHS = (13, 30, 18, 17, 14, 24, 17, 20)
_HEAD = ("권리", "상품", "상품 ID", "행 수", "재생 수", "금액(원)", "원 단위 조정(원)", "정산액(원)")
_TOP_HEAD = ("순위", "곡명", "아티스트", "", "재생 수", "금액(원)")
_CHART_ROWS = 15
_CHART_BARS = 40
_Range: TypeAlias = list[str | int]


class _Chart(NamedTuple):
    """Bars: names and amounts are ranges (sheet, first row and column, last row and column); rows is its height."""

    title: str
    names: _Range
    amounts: _Range
    rows: int
    colour: str


def add_summary(book: Workbook, styles: Styles, context: ReportContext, partner: Partner, top: list[TopTrack]) -> None:
    """Add the sheet; rows are written from the top down only, so that it works when rows are streamed to disk."""
    sheet = book.add_worksheet(SHEET)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    cells = Cells(sheet, styles)
    row = _heading(cells, context, partner)
    row = _bridge(cells, partner, row)
    row = _royalties(book, cells, partner, row)
    row = _top_tracks(book, cells, top, row)
    _proof(cells, context, partner, row)
    sheet.hide_gridlines(2)
    sheet.freeze_panes(2, 0)
    sheet.set_portrait()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{context.month} · v{context.version}&R&P / &N")


def _heading(cells: Cells, context: ReportContext, partner: Partner) -> int:
    cells.sheet.set_row(0, 30)
    cells.text(0, 0, "음원 사용료 정산서", "title")
    cells.text(1, 0, f"Royalty statement · {context.month} · 버전 {context.version}", "subtitle")
    facts = [
        ("정산월", context.month),
        ("버전", str(context.version)),
        ("문서 일자", context.last_day),
        ("권리자", partner.name),
        ("권리자 ID", str(partner.partner_id)),
        ("구분", "보류 (미지급 보관)" if partner.is_suspense else label(RIGHT_TYPES, partner.kind).ko),
        ("DPID", partner.dpid or "–"),
        ("과세 구분", label(TAX_KINDS, partner.statement.tax_kind).ko or "–"),
    ]
    for row, (key, value) in enumerate(facts, start=3):
        cells.text(row, 0, key, "key")
        cells.text(row, 1, value)
    row = 3 + len(facts)
    cells.text(row, 0, "실지급액", "key")
    cells.whole(row, 1, partner.statement.paid_krw, "headline")
    cells.sheet.set_row(row, 24)
    return row + 2


def _bridge(cells: Cells, partner: Partner, row: int) -> int:
    """From royalty to payment, in the order in which it is computed; one figure a row."""
    cells.text(row, 0, "지급액 계산", "section")
    if why := reason(partner):
        cells.text(row + 1, 0, why, "note")
        row += 1
    _header(cells, row + 1, ("항목", "", "부호", "금액(원)"), numbers_from=3)
    row += 2
    for figure in bridge(partner):
        style = "total" if figure.is_result else "text"
        cells.text(row, 0, figure.label.ko, style)
        cells.text(row, 1, figure.label.en, style if figure.is_result else "key")
        cells.text(row, 2, f"({figure.sign})", style)
        cells.whole(row, 3, figure.krw, "total_whole" if figure.is_result else "whole")
        row += 1
    return row + 1


def _royalties(book: Workbook, cells: Cells, partner: Partner, row: int) -> int:
    cells.text(row, 0, "권리·상품별 정산액", "section")
    cells.text(row + 1, 0, "금액은 내역의 합(소수 여섯째 자리까지)이고, 원 단위 조정을 더하면 정산액이 됩니다.", "note")
    _header(cells, row + 2, _HEAD, numbers_from=3)
    first = row = row + 3
    for royalty in partner.royalties:
        cells.text(row, 0, label(RIGHT_TYPES, royalty.right_type).ko)
        cells.text(row, 1, royalty.product or royalty.product_id)
        cells.text(row, 2, royalty.product_id)
        _figures(cells, row, royalty, "")
        row += 1
    for column, text in enumerate(("합계", "", "")):
        cells.text(row, column, text, "total")
    _figures(cells, row, partner, "total_")
    if not partner.royalties:
        return row + 2
    last, row = row - 1, row + 2
    if len({r.right_type for r in partner.royalties}) > 1:
        first, last = _products(cells, partner, row)
        row = last + 2
    last = min(last, first + _CHART_BARS - 1)
    names: _Range = [SHEET, first, 1, last, 1]
    amounts: _Range = [SHEET, first, 7, last, 7]
    height = last - first + 1 + 5
    _chart(book, cells, row, _Chart("상품별 정산액(원)", names, amounts, height, "#2F6690"))
    return row + height + 1


def _products(cells: Cells, partner: Partner, row: int) -> tuple[int, int]:
    """Totals per product over all right types, where there are several; returns the first and last row."""
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for royalty in partner.royalties:
        totals[royalty.product_id, royalty.product] += royalty.royalty_krw
    cells.text(row, 0, "상품별 정산액", "section")
    _header(cells, row + 1, ("", "상품", "상품 ID", "", "", "", "", "정산액(원)"), numbers_from=3)
    for index, ((product_id, product), krw) in enumerate(sorted(totals.items()), start=row + 2):
        cells.text(index, 1, product or product_id)
        cells.text(index, 2, product_id)
        cells.whole(index, 7, krw)
    return row + 2, row + 1 + len(totals)


def _figures(cells: Cells, row: int, of: Royalty | Partner, style: str) -> None:
    cells.whole(row, 3, of.lines, style + "whole")
    cells.whole(row, 4, of.plays, style + "whole")
    cells.won6(row, 5, of.royalty_uwon, style + "won6")
    cells.won6(row, 6, of.royalty_krw * 1_000_000 - of.royalty_uwon, style + "won6")
    cells.whole(row, 7, of.royalty_krw, style + "whole")


def _top_tracks(book: Workbook, cells: Cells, top: list[TopTrack], row: int) -> int:
    if not top:
        return row
    cells.text(row, 0, "금액이 큰 곡", "section")
    _header(cells, row + 1, _TOP_HEAD, numbers_from=4)
    first = row = row + 2
    for rank, track in enumerate(top, start=1):
        cells.whole(row, 0, rank, "rank")
        cells.text(row, 1, track.title)
        cells.text(row, 2, track.artist)
        cells.whole(row, 4, track.plays)
        cells.won6(row, 5, track.uwon)
        row += 1
    names: _Range = [SHEET, first, 1, row - 1, 1]
    amounts: _Range = [SHEET, first, 5, row - 1, 5]
    _chart(book, cells, row + 1, _Chart("금액이 큰 곡(원)", names, amounts, _CHART_ROWS, "#4C9085"))
    return row + 1 + _CHART_ROWS + 1


def _proof(cells: Cells, context: ReportContext, partner: Partner, row: int) -> None:
    cells.text(row, 0, "대사값과 해시", "section")
    figures = [
        ("행 수", partner.lines),
        ("재생 수", partner.plays),
        ("정산액(원)", partner.royalty_krw),
        ("조정 건수", len(partner.adjustments)),
        ("선급금 건수", len(partner.recoupments)),
        ("실지급액(원)", partner.statement.paid_krw),
    ]
    for index, (key, value) in enumerate(figures, start=row + 1):
        cells.text(index, 0, key, "key")
        cells.whole(index, 2, value)
    hashes = [("규칙", context.rules_hash), ("입력", context.inputs_hash), *sorted(context.rows_hashes.items())]
    for index, (key, text) in enumerate(hashes, start=row + 1 + len(figures)):
        cells.text(index, 0, key, "key")
        cells.text(index, 2, text, "code")


def _header(cells: Cells, row: int, titles: tuple[str, ...], numbers_from: int) -> None:
    for column, title in enumerate(titles):
        cells.text(row, column, title, "head_right" if column >= numbers_from else "head")


def _chart(book: Workbook, cells: Cells, row: int, of: _Chart) -> None:
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"categories": of.names, "values": of.amounts, "fill": {"color": of.colour}, "gap": 60})
    chart.set_title({"name": of.title, "name_font": {"size": 11, "bold": True}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True})
    gridlines = {"visible": True, "line": {"color": "#E3E7EA"}}
    chart.set_x_axis({"num_format": "#,##0", "major_gridlines": gridlines, "line": {"none": True}})
    chart.set_size({"width": 1040, "height": of.rows * 20 - 10})
    cells.sheet.insert_chart(row, 0, chart, {"description": of.title})
