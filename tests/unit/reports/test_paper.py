"""statement.pdf of the hostile month: one page, in Korean, whatever has to go on it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from settlement.reports.document import pdf
from settlement.reports.fonts import cut_font
from settlement.reports.items import Item, Text
from settlement.reports.model import Adjustment, Partner, Recoupment, Royalty
from settlement.reports.paper import layout, write_papers
from settlement.reports.totals import load_month
from tests.unit.reports.month import CONTEXT, LINK, settled_month

TIME = CONTEXT.document_time


def read(data: bytes | Path) -> str:
    """The text of a document that must have one page."""
    document = pypdfium2.PdfDocument(data)
    try:
        assert len(document) == 1
        return str(document[0].get_textpage().get_text_range()).replace("\r\n", "\n")
    finally:
        document.close()


def drawn(partner: Partner, folder: Path) -> str:
    write_papers(CONTEXT, [(partner, [])], folder)
    return read(folder / partner.folder / "statement.pdf")


def page_of(items: list[Item], folder: Path) -> bytes:
    font = folder / "font.otf"
    cut_font([item.text for item in items if isinstance(item, Text)], font)
    return pdf(items, "문서", TIME, font)


@pytest.fixture
def partner() -> Partner:
    with settled_month() as con:
        return replace(load_month(con, CONTEXT).partners[1], formats=("pdf",))


def test_document_has_the_partner_the_bridge_the_sums_and_the_control_hash(rendered):
    text = read(rendered / "partner=1/statement.pdf")
    lines = text.split("\n")
    manifest = json.loads((rendered / "partner=1/manifest.json").read_text(encoding="utf-8"))
    for shown in (
        "음원 사용료 정산서", "2026년 3월", "버전 2 · 문서 일자 2026-03-31", LINK, "PADPIDA1", "세금계산서(부가세 별도)", "935원",
        "제작자", '프리미엄, "무제한"', "900.623456", "901", "다시 정산한 달", "2026-01", "차감 후 잔액", "발행", "확인", "(서명 또는 인)",
        manifest["control_hash"],
    ):  # fmt: skip
        assert shown in text
    words = " ".join(lines)
    for figure in ("정산액 Royalty 901", "순액 Net 1,100", "선급금 차감 Recouped 300", "지급 대상 Due 850", "실지급액 Paid 935"):
        assert figure in words


def test_document_embeds_its_font_and_nothing_from_the_clock(rendered):
    data = (rendered / "partner=1/statement.pdf").read_bytes()
    assert data.count(b"/FontFile3") == 1
    assert set(re.findall(rb"/BaseFont /(\S+)", data)) == {b"MPDFAA+NotoSansKR"}
    assert b"(D:20260331235959+09'00'" in data
    with pypdfium2.PdfDocument(data) as document:
        assert document.get_metadata_dict()["Title"] == "음원 사용료 정산서 2026-03 v2 · ID 1"


def test_the_same_partner_has_the_same_bytes_at_another_time_and_place_and_beside_others(partner, tmp_path, monkeypatch):
    write_papers(CONTEXT, [(partner, [])], tmp_path / "a")
    first = (tmp_path / "a/partner=1/statement.pdf").read_bytes()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "elsewhere"))
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    write_papers(CONTEXT, [(partner, [])], tmp_path / "b")
    assert (tmp_path / "b/partner=1/statement.pdf").read_bytes() == first
    other = replace(partner, partner_id=7, name="전혀 다른 이름 漢字")
    write_papers(CONTEXT, [(other, []), (partner, [])], tmp_path / "c")
    assert read(tmp_path / "c/partner=1/statement.pdf") == read(first)


def test_a_partner_with_300_products_keeps_one_page_that_adds_up(partner, tmp_path):
    royalties = tuple(
        Royalty(f"p{number}", f"상품 {number}", right, 1, 10, number * 10**6, number)
        for right in ("producer", "author", "performer")
        for number in range(1, 301)
    )
    text = drawn(replace(partner, royalties=royalties), tmp_path)
    shown = re.findall(r"^(?:상품|p)\D*(\d+) p\1 10 ", text, re.MULTILINE)
    assert shown == ["300", "299", "298"] * 3
    assert text.count("그 외 상품 297개") == 3
    assert "45,150.000000" in text
    assert f"{3 * 45_150:,}.000000" in text
    rest = 45_150 - 300 - 299 - 298
    assert text.count(f"{rest:,}.000000") == 3


def test_long_names_are_cut_with_an_ellipsis_and_long_figures_get_smaller(partner, tmp_path):
    krw = 9_223_372_036_854_775_807
    statement = replace(partner.statement, royalty_krw=krw, paid_krw=krw)
    royalty = Royalty("x" * 64, "아주 긴 상품 이름 " * 40, "producer", 1, krw, krw * 10**6, krw)
    long = replace(partner, name="(주)아주긴이름 " * 60, royalties=(royalty,), statement=statement)
    text = drawn(long, tmp_path)
    assert re.search(r"권리자 (\(주\)아주긴이름 ){3}\S*…", text)
    assert re.search(r"(아주 긴 상품 이름 ){2}.*…", text)
    assert f"{krw:,}원" in text
    assert f"{krw:,}.000000" in text
    box = edges(tmp_path / "partner=1/statement.pdf")
    assert box[0] > 18 * 72 / 25.4 - 2
    assert box[1] < 192 * 72 / 25.4 + 2


def edges(path: Path) -> tuple[float, float]:
    """Left and right end, in points, of everything drawn on the page."""
    with pypdfium2.PdfDocument(path) as document:
        bounds = [item.get_bounds() for item in document[0].get_objects()]
    return min(b[0] for b in bounds), max(b[2] for b in bounds)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("별🌙빛", "별□빛"), ("👨‍👩‍👧", "□□□"), ("⭐️", "□"), ("Dvořák", "Dvo□ák"), ("漢字 かな カナ", "漢字 かな カナ"),
        ("두\n줄\t탭", "두 줄 탭"), ("\x00\x07\u202e\u200b", "□□□□"), ("\u1112\u1161\u11ab", "한"), ("e\u0301", "é"), ("\ufe0f", "□"),
    ],
)  # fmt: skip
def test_a_character_without_a_glyph_shows_as_a_sign_and_never_vanishes(text, shown, tmp_path):
    assert read(page_of([Text((20, 20), text, 100)], tmp_path)).rstrip("\n") == shown


def test_a_partner_with_carry_in_alone_and_one_with_nothing_say_so(rendered, partner, tmp_path):
    text = read(rendered / "partner=4/statement.pdf")
    assert "이번 달 정산 내역이 없습니다." in text
    assert "지급 대상이 지급 기준액 1,000원보다 적어 다음 달로 이월합니다." in text
    assert text.split("\n").count("없음") == 2
    zero = replace(partner.statement, **dict.fromkeys(vars(partner.statement).keys() - {"tax_kind", "is_active"}, 0))
    nothing = replace(partner, name="", royalties=(), adjustments=(), recoupments=(), statement=zero)
    assert "이번 달에 지급할 금액이 없습니다." in drawn(nothing, tmp_path)


def test_adjustments_of_several_months_and_advances_are_summed_up(partner, tmp_path):
    adjustments = tuple(Adjustment(f"2025-{m:02d}", 1, 2, "p1", "", "producer", m * (-1) ** m, "") for m in range(1, 13))
    recoupments = tuple(Recoupment(f"A{n}", "2025-01-01", 100, 70, 20, 50) for n in range(30))
    words = " ".join(drawn(replace(partner, adjustments=adjustments, recoupments=recoupments), tmp_path).split("\n"))
    for shown in ("2025-01 ~ 2025-12 (12개월)", "늘어난 금액 42", "줄어든 금액 -36", "(30건) 2,100", "차감 후 잔액 1,500"):
        assert shown in words


def test_the_layout_of_a_partner_is_the_same_list_each_time(partner):
    assert list(layout(CONTEXT, partner, "ab" * 32)) == list(layout(CONTEXT, partner, "ab" * 32))
