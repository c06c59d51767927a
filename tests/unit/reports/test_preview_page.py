"""The page of a preview: what it shows, what it leaves out and sums up, and that no text of the catalogue breaks it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from settlement.reports import preview_data
from settlement.reports.changes import Delta, Figure, Warned
from settlement.reports.chart import diverging_bars
from settlement.reports.preview_data import PreviewReport, preview_view
from settlement.reports.preview_page import FIGURES, write_preview
from settlement.steps import figures
from tests.unit.reports.month import LINK, QUOTED, SCRIPT, Page
from tests.unit.reports.test_page import Table

TOTALS = [Figure(name, 1_000 + number, 2_000 - number) for number, name in enumerate(FIGURES)]
FEW = [
    Delta(1, SCRIPT, "p1", "producer", 1_000, 1_200),
    Delta(1, SCRIPT, "-p2", "author", 50, 0),
    Delta(2, LINK, "p1", "performer", 0, 3_000_000),
    Delta(0, "", "p1", "producer", 7, 2),
]
WARNED = [Warned("ods.payment charge_known", "a refund names a charge that counts", 1_234, 3, "2026-03-05")]


def report(
    changes: list[Delta], against: int | None = 1, totals_against: int | None = 1, totals: list[Figure] = TOTALS
) -> PreviewReport:
    return PreviewReport("2026-03", against, totals_against, totals, changes, WARNED)


def written(found: PreviewReport, folder: Path) -> str:
    write_preview(found, folder / "page.html")
    return (folder / "page.html").read_bytes().decode("utf-8")


def many(partners: int) -> list[Delta]:
    """Changes of every size, both ways."""
    random_ = random.Random(partners)
    return [
        Delta(partner, f"n{partner}", product, right, 10**7, 10**7 + random_.choice([-1, 1]) * random_.randrange(1, 10**7))
        for partner in range(partners)
        for product in ("p1", "p2")
        for right in ("author", "performer", "producer")
    ]


def won(text: str) -> int:
    return int(text.replace(",", ""))


# -- what it shows -----------------------------------------------------------------------------------------------------


def test_the_page_is_one_offline_page_whose_texts_are_escaped(tmp_path: Path) -> None:
    html = written(report([*FEW, Delta(3, "이름\x01뿐", QUOTED, "<b>0", 0, 1)]), tmp_path)
    page = Page(html)
    assert page.open == []
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert "<b>0" not in html
    assert page.links
    assert {link[1:] for link in page.links} <= page.ids
    assert "&lt;script&gt;alert(&#39;곡&#39;)&lt;/script&gt;" in html
    assert "\x01" not in html
    assert "default-src 'none'" in html


def test_the_page_says_which_month_against_what_and_that_nothing_was_published(tmp_path: Path) -> None:
    text = Page(written(report(FEW), tmp_path)).text
    assert text.index("음원 정산 미리보기") < text.index("2026년 3월") < text.index("버전 1 대비")
    assert "아무것도 공개되지 않았습니다 nothing was published" in text
    assert "합계는" not in text


def test_of_a_restated_month_totals_are_compared_with_the_closed_version(tmp_path: Path) -> None:
    text = Page(written(report(FEW, against=2), tmp_path)).text
    assert "버전 2 대비" in text
    assert "합계는 버전 1 대비" in text


def test_without_statements_there_is_nothing_to_compare_totals_with(tmp_path: Path) -> None:
    text = Page(written(report(FEW, totals_against=None), tmp_path)).text
    assert "합계는 비교할 정산서 없음" in text


def test_totals_stand_before_now_and_change(tmp_path: Path) -> None:
    html = written(report(FEW), tmp_path)
    rows = Table(html).rows["totals"]
    assert [(won(was), won(now), won(change)) for _, was, now, change in rows] == [
        (f.old_krw, f.new_krw, f.new_krw - (f.old_krw or 0)) for f in TOTALS
    ]
    assert [name for name, *_ in rows][-3:] == ["부가세", "원천징수", "실지급액"]
    text = Page(html).text
    assert "기존 1,000원 변동 +1,000원" in text
    assert "기존 1,010원 변동 +980원" in text


def test_every_total_of_a_preview_has_a_label() -> None:
    assert set(figures._FIGURES) == set(FIGURES)


def test_a_month_never_settled_shows_no_figures_before(tmp_path: Path) -> None:
    totals = [Figure(name, None, 5) for name in FIGURES]
    html = written(report(FEW, None, None, totals), tmp_path)
    assert "이전 정산 없음" in html
    assert {tuple(row[1:]) for row in Table(html).rows["totals"]} == {("–", "5", "–")}
    assert Page(html).text.count("이전 금액 없음") == 4


def test_where_nothing_changes_the_page_says_so_and_has_no_empty_tables(tmp_path: Path) -> None:
    page = Page(written(PreviewReport("2026-03", 1, 1, TOTALS, [], []), tmp_path))
    assert "바뀌는 정산액이 없습니다" in page.text
    assert "경고가 없습니다" in page.text
    assert not {"kinds", "partners", "changes"} & page.ids
    assert {link[1:] for link in page.links} <= page.ids
    assert "svg" not in page.tags


def test_changes_that_cancel_out_have_rows_but_no_bar(tmp_path: Path) -> None:
    html = written(report([Delta(1, "a", "p1", "author", 5, 9), Delta(1, "a", "p2", "author", 9, 5)]), tmp_path)
    assert "순변동이 없습니다" in html
    assert "<svg" not in html
    assert Table(html).rows["partners"][0] == ["a", "2", "+4", "-4", "0"]


def test_warnings_are_listed_with_rows_and_where_they_were_found(tmp_path: Path) -> None:
    (row,) = Table(written(report(FEW), tmp_path)).rows["warnings"]
    assert row == ["ods.payment charge_known", "1,234", "3", "2026-03-05"]
    assert "a refund names a charge that counts" in written(report(FEW), tmp_path)


# -- the sums ----------------------------------------------------------------------------------------------------------


def test_few_changes_are_added_up_by_right_type_product_and_partner(tmp_path: Path) -> None:
    rows = Table(written(report(FEW), tmp_path)).rows
    everything = ["합계", "4", "+3,000,200", "-55", "+3,000,145"]
    assert rows["kinds"] == [
        ["제작자", "2", "+200", "-5", "+195"],
        ["저작자", "1", "0", "-50", "-50"],
        ["실연자", "1", "+3,000,000", "0", "+3,000,000"],
        everything,
        ["-p2", "1", "0", "-50", "-50"],
        ["p1", "3", "+3,000,200", "-5", "+3,000,195"],
        everything,
    ]
    assert rows["partners"] == [
        [LINK, "1", "+3,000,000", "0", "+3,000,000"],
        [SCRIPT, "2", "+200", "-50", "+150"],
        ["보류", "1", "0", "-5", "-5"],
        everything,
    ]
    assert rows["changes"] == [
        [LINK, "p1", "실연자", "0", "3,000,000", "+3,000,000"],
        [SCRIPT, "p1", "제작자", "1,000", "1,200", "+200"],
        [SCRIPT, "-p2", "저작자", "50", "0", "-50"],
        ["보류", "p1", "제작자", "7", "2", "-5"],
        ["합계", "+3,000,145"],
    ]


@pytest.mark.parametrize("partners", [1, 50, 51, 83, 84, 120])
def test_every_table_adds_up_to_the_sum_of_the_changes(partners: int, tmp_path: Path) -> None:
    changes = many(partners)
    all_of_it = sum(change.delta_krw for change in changes)
    rows = Table(written(report(changes), tmp_path)).rows
    for section, tables in (("kinds", 2), ("partners", 1), ("changes", 1)):
        totals = [row for row in rows[section] if row[0] == "합계"]
        parts = [row for row in rows[section] if row[0] != "합계"]
        assert [won(row[-1]) for row in totals] == [all_of_it] * tables
        assert sum(won(row[-1]) for row in parts) == all_of_it * tables
        if section != "changes":
            assert sum(won(row[1]) for row in parts) == len(changes) * tables
            assert all(won(row[2]) + won(row[3]) == won(row[4]) for row in parts)
    for _, _, _, was, now, change in (row for row in rows["changes"] if len(row) == 6):
        assert won(now) - won(was) == won(change)


def test_the_largest_are_listed_and_the_rest_is_counted(tmp_path: Path) -> None:
    changes = many(120)
    html = written(report(changes), tmp_path)
    rows, text = Table(html).rows, Page(html).text
    assert [row[0] for row in rows["partners"][50:]] == ["그 외 70곳", "합계"]
    assert [row[0] for row in rows["changes"][500:]] == ["그 외 220건", "합계"]
    assert "변동이 있는 120곳 가운데 순변동이 큰 50곳만 표시합니다." in text
    assert "바뀌는 정산액 720건 가운데 변동이 큰 500건만 표시합니다." in text
    for section, count in (("partners", 50), ("changes", 500)):
        sizes = [abs(won(row[-1])) for row in rows[section][:count]]
        assert sizes == sorted(sizes, reverse=True)
    assert html.count("<svg") == 20


def test_nothing_is_left_out_of_a_page_that_has_room_for_all(tmp_path: Path) -> None:
    text = Page(written(report(many(50)), tmp_path)).text
    assert "그 외" not in text
    assert "만 표시합니다" not in text


def test_the_same_changes_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    changes = many(90)
    first = written(report(changes), tmp_path)
    shuffled = list(changes)
    random.Random(1).shuffle(shuffled)
    assert written(report(shuffled), tmp_path) == first


# -- the chart ---------------------------------------------------------------------------------------------------------


def test_bars_diverge_from_zero_on_one_scale() -> None:
    chart = diverging_bars([300, -100, 0])
    assert chart.zero == 250
    assert chart.bars == ((250, 750), (0, 250), (250, 0))


@pytest.mark.parametrize(("values", "zero"), [([5, 1], 0), ([-5, -1], 1000), ([], 0), ([0], 0)])
def test_bars_of_one_direction_take_all_the_room(values: list[int], zero: float) -> None:
    chart = diverging_bars(values)
    assert chart.zero == zero
    assert all(x >= 0 and x + width <= chart.width for x, width in chart.bars)


def test_the_chart_has_the_largest_net_changes_of_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_data, "MAX_BARS", 2)
    view = preview_view(report(FEW))
    assert [(bar.partner_id, bar.net.delta_krw) for bar in view.bars] == [(2, 3_000_000), (1, 150)]
    assert len(view.chart.bars) == 2


def test_a_bar_to_the_left_is_marked_and_its_name_shown(tmp_path: Path) -> None:
    html = written(report([Delta(1, "a", "p1", "author", 9, 5), Delta(2, "b", "p1", "author", 5, 6)]), tmp_path)
    assert Table(html).rows["movers"] == [["a", "", "-4"], ["b", "", "+1"]]
    assert '<rect class="down" x="0.0" y="2" width="800.0" height="12"/>' in html
    assert '<rect x="800.0" y="2" width="200.0" height="12"/>' in html
