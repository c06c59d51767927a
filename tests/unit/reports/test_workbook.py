"""statement.xlsx of the hostile month."""

from __future__ import annotations

import os
from datetime import datetime

import openpyxl
import pytest
from xlsxwriter import Workbook

from settlement.errors import SettlementError
from settlement.reports import statement
from settlement.reports.cells import Cells, Styles
from settlement.reports.render import render_month
from tests.unit.reports.month import CONTEXT, QUOTED, SCRIPT, cells, contents


def test_statement_has_korean_sheets_with_numbers_as_numbers(rendered):
    sheets = cells(rendered / "partner=1/statement.xlsx")
    assert list(sheets) == ["요약", "제작자", "조정", "선급금"]
    summary = [row for row in sheets["요약"] if any(v is not None for v in row)]
    assert ("제작자", '프리미엄, "무제한"', "p1", 3, 90, 900.623456, 0.376544, 901) in summary
    assert ("합계", 3, 90, 900.623456, 0.376544, 901) in [tuple(v for v in row if v) for row in summary]
    assert sheets["제작자"][3] == (
        "상품", "상품 ID", "앨범", "곡명", "아티스트", "레이블", "ISRC", "UPC", "곡 ID", "재생 수", "금액(원)",
    )  # fmt: skip
    name = '프리미엄, "무제한"'
    first, second, third, rounding, total = sheets["제작자"][4:]
    assert first == (
        name, "p1", SCRIPT, "=1+1", "a|b\tc", "+라벨, (주)", "KRA401100001", "0012345678905", "1", 40, 400.123456,
    )  # fmt: skip
    assert second[3].replace("_x000D_", "\r") == QUOTED
    assert second[4:] == ("별빛🌙", None, None, None, "2", 30, 300.5)
    assert third == (name, "p1", *[None] * 6, "3", 20, 200)
    assert rounding[2] == "원 단위 조정"
    assert (rounding[-1], total[0], total[-2:]) == (0.376544, "합계", (90, 901))


def test_statement_has_no_formula_no_link_and_a_fixed_date(rendered):
    for path in rendered.glob("*/statement.xlsx"):
        kinds = {cell.data_type for sheet in openpyxl.load_workbook(path) for row in sheet for cell in row}
        assert kinds == {"s", "n"}
    book = openpyxl.load_workbook(rendered / "partner=1/statement.xlsx")
    assert book.properties.created == datetime(2026, 3, 31, 23, 59, 59)  # noqa: DTZ001  (what openpyxl yields)
    assert not any(cell.hyperlink for sheet in book for row in sheet for cell in row)
    assert book["제작자"].freeze_panes == "A5"
    assert book["제작자"].print_title_rows == "$4:$4"
    assert len(book["요약"]._charts) == 2


def test_statement_of_suspense_has_every_right_type_and_the_kinds(rendered):
    sheets = cells(rendered / "partner=0/statement.xlsx")
    assert list(sheets) == ["요약", "제작자", "저작자", "조정", "선급금"]
    assert [(row[1], row[8:]) for row in sheets["제작자"][4:7]] == [
        ("-p2", (None, "재생 없음", 0, 3)),
        ("p1", ("3", "권리자 미확인", 20, 99.376543)),
        ("p1", (None, "배분 단수", 0, 0.000001)),
    ]


def test_statement_goes_by_track_while_they_just_fit(con, out, monkeypatch):
    monkeypatch.setattr(statement, "MAX_LINES", 3)
    render_month(con, CONTEXT, out)
    assert [row[3] for row in cells(out / "partner=1/statement.xlsx")["제작자"][3:5]] == ["곡명", "=1+1"]


def test_statement_goes_by_album_where_tracks_outgrow_a_sheet(con, out, monkeypatch):
    monkeypatch.setattr(statement, "MAX_LINES", 2)
    render_month(con, CONTEXT, out)
    rows = cells(out / "partner=1/statement.xlsx")["제작자"]
    assert rows[2][0].startswith("곡별 내역 3행은 Excel 시트 한도를 넘어 앨범 단위로")
    assert "usage.csv" in rows[2][0]
    assert [row[2:] for row in rows[4:7]] == [
        (SCRIPT, "잔나비", "+라벨, (주)", "0012345678905", 1, 40, 400.123456),
        (None, None, None, None, 1, 30, 300.5),
        ("그 외 앨범", None, None, None, 1, 20, 200),
    ]
    assert rows[-1][-2:] == (90, 901)


def test_statement_streamed_to_disk_says_the_same_and_ignores_the_umask(con, tmp_path, monkeypatch):
    render_month(con, CONTEXT, tmp_path / "memory")
    monkeypatch.setattr(statement, "IN_MEMORY_LINES", 0)
    render_month(con, CONTEXT, tmp_path / "disk")
    before = os.umask(0o077)
    try:
        render_month(con, CONTEXT, tmp_path / "private")
    finally:
        os.umask(before)
    assert contents(tmp_path / "disk") == contents(tmp_path / "private")
    for partner in ("partner=0", "partner=1", "partner=2"):
        memory, disk = (cells(tmp_path / way / partner / "statement.xlsx") for way in ("memory", "disk"))
        assert {k: v for k, v in memory.items() if k != "요약"} == {k: v for k, v in disk.items() if k != "요약"}
        assert memory["요약"] == disk["요약"]


def test_amounts_that_excel_cannot_keep_exactly_are_text(tmp_path):
    with Workbook(str(tmp_path / "x.xlsx")) as book:
        sheet = Cells(book.add_worksheet(), Styles(book))
        for row, uwon in enumerate((10**15 - 1, -(10**15) + 1, 10**15, -(10**15))):
            sheet.won6(row, 0, uwon)
            sheet.whole(row, 1, uwon)
        with pytest.raises(SettlementError, match="row 1048577"):
            sheet.text(1_048_576, 0, "더는 없다")
        sheet.text(4, 0, "🌙" * 20_000)
    rows = cells(tmp_path / "x.xlsx")["Sheet1"]
    assert rows[:4] == [
        (999_999_999.999999, 10**15 - 1),
        (-999_999_999.999999, -(10**15) + 1),
        ("1,000,000,000.000000", "1,000,000,000,000,000"),
        ("-1,000,000,000.000000", "-1,000,000,000,000,000"),
    ]
    assert len(rows[4][0].encode("utf-16-le")) // 2 <= 32_767
    assert rows[4][0].endswith("🌙…")


def test_summary_leads_from_royalty_to_payment_in_numbers(rendered):
    rows = cells(rendered / "partner=1/statement.xlsx")["요약"]
    start = next(index for index, row in enumerate(rows) if row[0] == "항목")
    assert [(row[0], row[2], row[3]) for row in rows[start + 1 : start + 12]] == [
        ("정산액", "(+)", 901), ("조정", "(+)", 199), ("순액", "(=)", 1100), ("선급금 차감", "(−)", 300),
        ("전월 이월", "(+)", 50), ("지급 대상", "(=)", 850), ("차월 이월", "(−)", 0), ("지급액", "(=)", 850),
        ("부가세(10%)", "(+)", 85), ("원천징수(3.3%)", "(−)", 0), ("실지급액", "(=)", 935),
    ]  # fmt: skip
    assert ("실지급액", 935) in [row[:2] for row in rows]
    assert ("과세 구분", "세금계산서(부가세 별도)") in [row[:2] for row in rows]


@pytest.mark.parametrize(
    ("partner", "why"),
    [(0, "보류 잔액은 지급하지 않고"), (2, "지급 기준액 1,000원보다 적어"), (4, "지급 기준액 1,000원보다 적어")],
)
def test_summary_says_why_nothing_is_paid(rendered, partner, why):
    rows = cells(rendered / f"partner={partner}/statement.xlsx")["요약"]
    assert any(why in str(row[0]) for row in rows)


def test_adjustments_and_advances_have_a_row_each_and_a_total(rendered):
    sheets = cells(rendered / "partner=1/statement.xlsx")
    name = '프리미엄, "무제한"'
    assert [tuple(v or None for v in row) for row in sheets["조정"][3:]] == [
        ("정산월", "이전 버전", "새 버전", "권리", "상품", "상품 ID", "조정액(원)", "사유"),
        ("2026-01", 1, 2, "제작자", name, "p1", 200, "=재정산"),
        ("2026-01", 2, 3, "제작자", name, "p1", -1, "@다시"),
        ("합계", None, None, None, None, None, 199, None),
    ]
    assert sheets["선급금"][3:] == [
        ("선급금 ID", "지급일", "선급금(원)", "차감 전 잔액(원)", "차감액(원)", "차감 후 잔액(원)"),
        ("A-1", "2025-01-02", 200, 200, 200, 0),
        ("=B", "2025-02-03", 1000, 500, 100, 400),
        ("합계", "", 1200, 700, 300, 400),
    ]


def test_sheets_without_adjustments_or_advances_say_so(rendered):
    sheets = cells(rendered / "partner=4/statement.xlsx")
    assert list(sheets) == ["요약", "조정", "선급금"]
    assert [sheets["조정"][4][0], sheets["선급금"][4][0]] == ["없음", "없음"]
