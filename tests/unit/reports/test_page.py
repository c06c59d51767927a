"""index.html of the hostile month."""

from __future__ import annotations

from html.parser import HTMLParser

from settlement.reports import page_data
from settlement.reports.chart import stacked_chart
from settlement.reports.render import render_month
from tests.unit.reports.month import CONTEXT, Page, contents


def test_index_is_one_offline_page_whose_links_exist_and_titles_are_escaped(rendered):
    html = (rendered / "index.html").read_text(encoding="utf-8")
    page = Page(html)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert "&lt;script&gt;alert(&#39;곡&#39;)&lt;/script&gt;" in html
    assert "\x01" not in html
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (rendered / link).is_file()
    assert {link for link in page.links if "=" in link} == {name for name in contents(rendered) if "=" in name}


def test_index_shows_pools_legs_suspense_conservation_and_hashes(rendered):
    text = Page((rendered / "index.html").read_text(encoding="utf-8")).text
    for shown in (
        "2026년 3월", "버전 2", "승인", "1,060", "재생당 단가", "3.08원 × 재생", "권리자 미확인", "99.376543",
        "1,060.000000", "1,032", "어뷰징 의심", "2026-03-31", "cc" * 32, "aa" * 32, "bb" * 32,
    ):  # fmt: skip
        assert shown in text


def test_index_draws_a_bar_a_day_that_stacks_to_the_days_rows(rendered):
    chart = stacked_chart(["2026-03-01", "2026-03-02"], ["a", "b"], {("2026-03-01", "a"): 90, ("2026-03-01", "b"): 10})
    first, second = chart.bars
    assert [(s.series, s.y + s.height, s.height) for s in first.segments] == [("a", 272, 234), ("b", 38, 26)]
    assert second.segments == ()
    assert [value for value, _ in chart.ticks] == [0, 50, 100]
    html = (rendered / "index.html").read_text(encoding="utf-8")
    assert html.count('class="bucket ') == 2
    assert html.count('text-anchor="middle"') == 31


def test_index_lists_only_the_largest_partners_and_says_so(con, out, monkeypatch):
    monkeypatch.setattr(page_data, "MAX_PARTNERS", 1)
    render_month(con, CONTEXT, out)
    page = Page((out / "index.html").read_text(encoding="utf-8"))
    assert "권리자 4곳 가운데 금액이 큰 1곳만 표시합니다." in page.text
    assert "그 외 3곳" in page.text
    assert "partner=1/statement.xlsx" in page.links
    assert "partner=2/statement.xlsx" not in page.links


def test_index_shows_each_partners_payment_and_the_sums(rendered):
    figures = Table((rendered / "index.html").read_text(encoding="utf-8")).rows
    assert [row[2:9] for row in figures["partners"]] == [
        ["901", "199", "300", "50", "0", "85", "935"],
        ["50", "-20", "0", "0", "30", "0", "0"],
        ["7", "0", "0", "93", "0", "-3", "97"],
        ["0", "0", "0", "500", "500", "0", "0"],
        ["102", "-179", "0", "300", "223", "0", "0"],
        ["1,060", "0", "300", "943", "753", "82", "1,032"],
    ]


def test_index_ages_suspense_by_month_of_origin_and_proves_the_identities(rendered):
    figures = Table((rendered / "index.html").read_text(encoding="utf-8")).rows
    assert [row[:2] for row in figures["suspense"] if row[0][:3] == "202"] == [
        ["2026-01", "40"], ["2026-02", "81"], ["2026-03", "102"],
    ]  # fmt: skip
    assert [row[1:] for row in figures["proof"][3:]] == [
        ["1,703", "–"], ["1,703", "0"], ["1,032", "–"], ["1,032", "0"], ["223", "–"], ["223", "0"],
    ]  # fmt: skip


class Table(HTMLParser):
    """The texts of the cells of each section's table bodies and feet, by row; a cell's small print apart."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {}
        self._section, self._open, self._is_head = "", False, False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._section = dict(attrs)["aria-labelledby"] or ""
        elif tag == "thead":
            self._is_head = True
        elif tag == "tr" and not self._is_head:
            self.rows.setdefault(self._section, []).append([])
        self._open = tag in ("td", "th", "bdi") and not self._is_head
        if tag in ("td", "th") and not self._is_head:
            self.rows[self._section][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_head = self._is_head and tag != "thead"
        self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.rows[self._section][-1][-1] += data
