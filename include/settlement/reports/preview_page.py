"""The page of a preview: one page that works offline, with what would change and by how much."""

from __future__ import annotations

from pathlib import Path

from settlement.reports.labels import Label, label
from settlement.reports.page import environment
from settlement.reports.preview_data import PreviewReport, preview_view

FIGURES = {
    "royalties": Label("총 정산액", "Total royalty"),
    "royalties of partners": Label("권리자 정산액", "Royalty of partners"),
    "royalties in suspense": Label("보류 정산액", "Royalty in suspense"),
    "adjustments": Label("조정", "Adjustments"),
    "recouped from advances": Label("선급금 차감", "Recouped"),
    "carried in": Label("전월 이월", "Carried in"),
    "payable": Label("지급액", "Payable"),
    "carried out": Label("차월 이월", "Carried out"),
    "VAT": Label("부가세", "VAT"),
    "withheld": Label("원천징수", "Withheld"),
    "paid": Label("실지급액", "Paid"),
}


def write_preview(report: PreviewReport, path: Path) -> None:
    """Write the page; every text from the catalogue is escaped, and the page runs no script. The same report, the same bytes."""
    pages = environment()
    pages.filters["figure"] = lambda name: label(FIGURES, name)
    html = pages.get_template("preview.html.j2").render(report=report, view=preview_view(report))
    path.write_text(html, encoding="utf-8", newline="\n")
