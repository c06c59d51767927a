"""Reports of a settled month: a small hostile month built by hand, with figures computed by hand."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from xlsxwriter import Workbook

from settlement.errors import EngineError, SettlementError
from settlement.reports import PartnerReport, ReportContext, money, page_data, render_month, statement, usage
from settlement.reports.cells import Cells, Styles
from settlement.reports.chart import stacked_chart

CONTEXT = ReportContext("2026-03", 2, "2026-03-31", "aa" * 32, "bb" * 32, {"mart.pool": "cc" * 32, "mart.a": "dd" * 32})
SCRIPT = "<script>alert('곡')</script>"
QUOTED = 'He said "hi",\r\nbye'
SCHEMA = """
CREATE SCHEMA ods; CREATE SCHEMA mart;
CREATE TABLE ods.product (product_id VARCHAR, name VARCHAR, service VARCHAR, cohort VARCHAR, list_price_krw BIGINT);
CREATE TABLE ods.track (track_id BIGINT, isrc VARCHAR, iswc VARCHAR, uci VARCHAR, title VARCHAR, artist VARCHAR,
    album_id BIGINT, duration_ms BIGINT, release_date VARCHAR);
CREATE TABLE ods.album (album_id BIGINT, upc VARCHAR, title VARCHAR, artist VARCHAR, label VARCHAR);
CREATE TABLE ods.partner (partner_id BIGINT, name VARCHAR, kind VARCHAR, dpid VARCHAR, tax_kind VARCHAR,
    payout_threshold_krw BIGINT, report_formats VARCHAR, active_from VARCHAR, active_to VARCHAR);
CREATE TABLE mart.pool (month VARCHAR, version INTEGER, product_id VARCHAR, right_type VARCHAR, service VARCHAR,
    cohort VARCHAR, qualified_plays BIGINT, subscribers BIGINT, revenue_uwon DECIMAL(38,0), carry_uwon DECIMAL(38,0),
    unit_leg_uwon DECIMAL(38,0), sub_leg_uwon DECIMAL(38,0), rev_leg_uwon DECIMAL(38,0), winner VARCHAR,
    pool_uwon DECIMAL(38,0), pool_krw BIGINT, rate_cohort VARCHAR, rate_valid_from VARCHAR, rate_valid_to VARCHAR,
    unit_price_uwon BIGINT, per_subscriber_krw BIGINT, revenue_rate_ppm BIGINT, rate_source VARCHAR);
CREATE TABLE mart.settlement_line (month VARCHAR, version INTEGER, product_id VARCHAR, track_id BIGINT,
    right_type VARCHAR, partner_id BIGINT, kind VARCHAR, plays BIGINT, weight DECIMAL(38,0),
    amount_uwon DECIMAL(38,0), pro_rata_uwon DECIMAL(38,0));
CREATE TABLE mart.statement_royalty (month VARCHAR, version INTEGER, partner_id BIGINT, product_id VARCHAR,
    right_type VARCHAR, royalty_uwon DECIMAL(38,0), royalty_krw BIGINT);
CREATE TABLE mart.usage_buckets (dt VARCHAR, bucket VARCHAR, rows BIGINT);
CREATE TABLE mart.revenue_daily (dt VARCHAR, product_id VARCHAR, recognised_uwon DECIMAL(38,0),
    refunded_uwon DECIMAL(38,0), subscriptions BIGINT);
"""
CATALOGUE = {
    "ods.product": [("p1", '프리미엄, "무제한"', "sub_stream", "new", 10900), ("p2", "=광고", "ad_stream", "all", 0)],
    "ods.track": [
        (1, "KRA401100001", "", "", "=1+1", "a|b\tc", 1, 1, "2020-01-01"),
        (2, "", "", "", QUOTED, "별빛🌙", 2, 1, ""),
    ],
    "ods.album": [(1, "0012345678905", SCRIPT, "잔나비", "+라벨, (주)")],
    "ods.partner": [
        (1, '=HYPERLINK("http://x")', "producer", "PADPIDA1", "vat_invoice", 0, "csv|dsr|pdf|xlsx", "2013-01-01", ""),
        (2, SCRIPT, "author", "", "exempt", 0, "xlsx", "2013-01-01", ""),
        (3, "이름\x01뿐", "performer", "", "exempt", 0, "", "2013-01-01", ""),
        (4, "라인 없음", "producer", "", "exempt", 0, "csv|xlsx", "2013-01-01", ""),
    ],
}
# product, track, right type, partner, kind, plays, amount in micro-won
LINES = [
    ("p1", 1, "producer", 1, "royalty", 40, 400_123_456),
    ("p1", 2, "producer", 1, "royalty", 30, 300_500_000),
    ("p1", 3, "producer", 1, "royalty", 20, 200_000_000),
    ("p1", 3, "producer", 0, "unmatched", 20, 99_376_543),
    ("p1", 0, "producer", 0, "rounding", 0, 1),
    ("p1", 1, "author", 2, "royalty", 40, 49_999_999),
    ("p1", 0, "author", 0, "rounding", 0, 1),
    ("p1", 1, "performer", 3, "royalty", 40, 7_000_000),
    ("p2", 0, "producer", 0, "no_plays", 0, 3_000_000),
]
# partner, product, right type, micro-won, won
STATEMENTS = [
    (1, "p1", "producer", 900_623_456, 901),
    (0, "p1", "producer", 99_376_544, 99),
    (2, "p1", "author", 49_999_999, 50),
    (0, "p1", "author", 1, 0),
    (3, "p1", "performer", 7_000_000, 7),
    (0, "p2", "producer", 3_000_000, 3),
]
POOLS = [("p1", "producer", 90, 1000), ("p1", "author", 90, 50), ("p1", "performer", 90, 7), ("p2", "producer", 0, 3)]
WORTHLESS_LINE = """
INSERT INTO mart.settlement_line VALUES ('2026-03', 2, 'p1', 2, 'author', 0, 'unmatched', 5, 1, 0, 0);
"""
HEADER = "month,product_id,product,right_type,kind,album_id,upc,album,label,track_id,isrc,title,artist,plays,amount_won\r\n"


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[Any]) -> None:
    for row in rows:
        con.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def settled_month(*, backwards: bool = False, empty: bool = False) -> duckdb.DuckDBPyConnection:
    """The month in memory; `backwards` stores every table in the other order."""
    con = duckdb.connect()
    con.execute(SCHEMA)
    rate = ("all", "2019-01-01", "", 3_080_000, 700, None, "press")
    month = ("2026-03", 2)
    tables: dict[str, list[Any]] = dict(CATALOGUE)
    if not empty:
        tables["mart.pool"] = [
            (*month, product, right, "sub_stream", "new", n, 2, 5_000_000, -1_000_000, krw * 10**6, 1_400, None,
             "unit_leg", krw * 10**6, krw, *rate)
            for product, right, n, krw in POOLS
        ]  # fmt: skip
        tables["mart.settlement_line"] = [(*month, *line[:6], 1, line[6], line[6]) for line in LINES]
        tables["mart.statement_royalty"] = [(*month, *row) for row in STATEMENTS]
        tables["mart.usage_buckets"] = [("2026-03-01", "qualified", 90), ("2026-03-01", "duplicate", 4)]
        tables["mart.revenue_daily"] = [("2026-03-01", "p1", 5_000_000, 0, 2), ("2026-03-02", "p1", 1_500_000, 250, 1)]
    for table, rows in tables.items():
        insert(con, table, rows[::-1] if backwards else rows)
    return con


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with settled_month() as connection:
        yield connection


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The month as it is, rendered once for the tests that only look at it."""
    folder = tmp_path_factory.mktemp("rendered") / "staging"
    with settled_month() as connection:
        render_month(connection, CONTEXT, folder)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "staging"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def usage_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def cells(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def test_usage_csv_has_the_catalogues_text_and_a_rounding_row_to_the_byte(rendered):
    product = '2026-03,p1,"프리미엄, ""무제한""",producer'
    assert (rendered / "partner=1/usage.csv").read_bytes().decode("utf-8") == (
        "\ufeff" + HEADER
        + f"{product},royalty,,,,,3,,,,20,200.000000\r\n"
        + f'{product},royalty,1,0012345678905,{SCRIPT},"+라벨, (주)",1,KRA401100001,=1+1,a|b\tc,40,400.123456\r\n'
        + f'{product},royalty,2,,,,2,,"He said ""hi"",\r\nbye",별빛🌙,30,300.500000\r\n'
        + f"{product},won_rounding,,,,,,,,,0,0.376544\r\n"
    )  # fmt: skip


def test_usage_csv_of_suspense_says_the_kind_of_each_line(rendered):
    rows = usage_rows(rendered / "partner=0/usage.csv")
    assert [(r["product_id"], r["right_type"], r["kind"], r["track_id"], r["amount_won"]) for r in rows] == [
        ("p1", "author", "rounding", "0", "0.000001"),
        ("p1", "author", "won_rounding", "", "-0.000001"),
        ("p1", "producer", "rounding", "0", "0.000001"),
        ("p1", "producer", "unmatched", "3", "99.376543"),
        ("p1", "producer", "won_rounding", "", "-0.376544"),
        ("p2", "producer", "no_plays", "0", "3.000000"),
        ("p2", "producer", "won_rounding", "", "0.000000"),
    ]


def test_usage_csv_sums_to_each_statement_and_to_each_pool(con, out):
    con.execute("UPDATE ods.partner SET report_formats = 'csv'")
    reports = render_month(con, CONTEXT, out)
    pools: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for report in reports:
        rows = usage_rows(out / f"partner={report.partner_id}/usage.csv")
        assert sum(Decimal(r["amount_won"]) for r in rows) == report.royalty_krw
        for row in rows:
            pools[row["product_id"], row["right_type"]] += Decimal(row["amount_won"])
    assert pools == {(product, right): krw for product, right, _, krw in POOLS}


def test_usage_csv_is_the_same_whatever_the_batches(con, tmp_path, monkeypatch):
    render_month(con, CONTEXT, tmp_path / "a")
    monkeypatch.setattr(usage, "_BATCH_ROWS", 1)
    render_month(con, CONTEXT, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_reports_tell_royalty_lines_and_files_as_the_formats_ask(con, out):
    assert render_month(con, CONTEXT, out) == [
        PartnerReport(
            0, "보류", 102, 4,
            ("partner=0/usage.csv", "partner=0/statement.xlsx", "partner=0/manifest.json"),
        ),
        PartnerReport(
            1, '=HYPERLINK("http://x")', 901, 3,
            ("partner=1/usage.csv", "partner=1/statement.xlsx", "partner=1/manifest.json"),
        ),
        PartnerReport(2, SCRIPT, 50, 1, ("partner=2/statement.xlsx", "partner=2/manifest.json")),
        PartnerReport(3, "이름\x01뿐", 7, 1, ("partner=3/manifest.json",)),
    ]  # fmt: skip
    assert sorted(contents(out)) == [
        "index.html",
        "partner=0/manifest.json", "partner=0/statement.xlsx", "partner=0/usage.csv",
        "partner=1/manifest.json", "partner=1/statement.xlsx", "partner=1/usage.csv",
        "partner=2/manifest.json", "partner=2/statement.xlsx", "partner=3/manifest.json",
    ]  # fmt: skip


def test_manifest_proves_every_file_and_holds_the_control_totals(rendered):
    text = (rendered / "partner=1/manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert text == json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    totals = {"lines": 3, "plays": 90, "royalty_krw": 901, "royalty_uwon": "900623456"}
    files = manifest.pop("files")
    assert manifest == {
        "month": "2026-03", "version": 2, "inputs_hash": "bb" * 32, "rules_hash": "aa" * 32,
        "rows_hashes": dict(CONTEXT.rows_hashes), "not_available": ["dsr", "pdf"],
        "partner": {"partner_id": 1, "name": '=HYPERLINK("http://x")', "kind": "producer", "dpid": "PADPIDA1"},
        "control_totals": {
            "all": totals, "by_product_and_right_type": [{"product_id": "p1", "right_type": "producer", **totals}],
        },
    }  # fmt: skip
    assert {name: file["rows"] for name, file in files.items()} == {"usage.csv": 4, "statement.xlsx": 3}
    for name, file in files.items():
        data = (rendered / "partner=1" / name).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_rendering_again_gives_the_same_bytes_whatever_the_order_of_rows(con, tmp_path):
    render_month(con, CONTEXT, tmp_path / "a")
    render_month(settled_month(backwards=True), CONTEXT, tmp_path / "elsewhere" / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "elsewhere" / "b")


def test_statement_has_korean_sheets_with_numbers_as_numbers(rendered):
    sheets = cells(rendered / "partner=1/statement.xlsx")
    assert list(sheets) == ["요약", "제작자"]
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
    book = openpyxl.load_workbook(rendered / "partner=1/statement.xlsx")
    assert book.properties.created == datetime(2026, 3, 31, 23, 59, 59)  # noqa: DTZ001  (what openpyxl yields)
    assert {cell.data_type for sheet in book for row in sheet for cell in row} == {"s", "n"}
    assert not any(cell.hyperlink for sheet in book for row in sheet for cell in row)
    assert book["제작자"].freeze_panes == "A5"
    assert book["제작자"].print_title_rows == "$4:$4"
    assert len(book["요약"]._charts) == 2


def test_statement_of_suspense_has_every_right_type_and_the_kinds(rendered):
    sheets = cells(rendered / "partner=0/statement.xlsx")
    assert list(sheets) == ["요약", "제작자", "저작자"]
    assert [(row[1], row[8:]) for row in sheets["제작자"][4:7]] == [
        ("p1", ("3", "권리자 미확인", 20, 99.376543)),
        ("p1", (None, "배분 단수", 0, 0.000001)),
        ("p2", (None, "재생 없음", 0, 3)),
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


class Page(HTMLParser):
    """Checks that tags are balanced, and gathers what the page refers to and shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.ids.add(found.get("id") or "")
        self.links += [value or "" for key, value in attrs if key in ("href", "src")]
        assert not any(key.startswith("on") for key in found)
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


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
        "1,060.000000", "어뷰징 의심", "2026-03-31", "cc" * 32, "aa" * 32, "bb" * 32,
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
    assert "권리자 3곳 가운데 금액이 큰 1곳만 표시합니다." in page.text
    assert "그 외 2곳" in page.text
    assert "partner=1/statement.xlsx" in page.links
    assert "partner=2/statement.xlsx" not in page.links


def test_a_month_without_anything_still_has_a_page_and_suspense(out):
    (report,) = render_month(settled_month(empty=True), CONTEXT, out)
    assert (report.partner_id, report.royalty_krw, report.lines) == (0, 0, 0)
    assert (out / "partner=0/usage.csv").read_bytes() == ("\ufeff" + HEADER).encode()
    assert list(cells(out / "partner=0/statement.xlsx")) == ["요약"]
    assert Page((out / "index.html").read_text(encoding="utf-8")).open == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE mart.settlement_line SET amount_uwon = amount_uwon + 1 WHERE partner_id = 3",
         "partner 3, product p1, performer: lines add up to 7.000001 won, the statement says 7.000000"),
        ("UPDATE mart.settlement_line SET amount_uwon = NULL WHERE track_id = 2", "1 amounts are missing"),
        ("DELETE FROM mart.settlement_line WHERE partner_id = 2", "partner 2, product p1, author: lines without"),
        ("DELETE FROM mart.statement_royalty WHERE partner_id = 2", "partner 2, product p1, author: lines without"),
        ("UPDATE mart.statement_royalty SET royalty_krw = 902 WHERE partner_id = 1", "902 won is not 900.623456 won"),
        ("UPDATE mart.statement_royalty SET royalty_krw = 900 WHERE partner_id = 1",
         "product p1, producer: statements add up to 999.000000 won, the pool is 1000.000000"),
        ("UPDATE mart.settlement_line SET pro_rata_uwon = 0 WHERE track_id = 2", "producer: pro-rata shadow add up"),
        ("UPDATE mart.pool SET pool_krw = 4 WHERE product_id = 'p2'", "product p2, producer: lines add up to 3.000000"),
        ("DELETE FROM mart.pool WHERE product_id = 'p2'", "product p2, producer: lines add up to 3.000000 won"),
        ("UPDATE mart.pool SET qualified_plays = NULL", "qualified_plays of the pool is missing"),
        ("DELETE FROM ods.partner WHERE partner_id = 2", "partner 2 has lines in 2026-03, but the catalogue snapshot"),
        ("UPDATE mart.pool SET version = 1", "given rows of 2026-03 version 1"),
        ("INSERT INTO ods.track SELECT * FROM ods.track WHERE track_id = 1", "partner 1: 5 rows of 1301.123456 won"),
        (WORTHLESS_LINE + "INSERT INTO ods.track SELECT * FROM ods.track WHERE track_id = 2",
         "partner 0: 9 rows of 102.000000 won"),
    ],
)  # fmt: skip
def test_unsound_tables_are_refused_by_name(con, out, change, message):
    con.execute(change)
    with pytest.raises(SettlementError, match=message.replace("(", r"\(")):
        render_month(con, CONTEXT, out)


def test_a_track_named_twice_is_refused_for_the_statement_too(con, out):
    con.execute("UPDATE ods.partner SET report_formats = 'xlsx' WHERE partner_id = 1")
    con.execute("INSERT INTO ods.track SELECT * FROM ods.track WHERE track_id = 2")
    with pytest.raises(SettlementError, match=r"statement\.xlsx of partner 1"):
        render_month(con, CONTEXT, out)


def test_a_staging_folder_in_use_a_file_in_its_place_and_a_missing_view_are_refused(con, tmp_path):
    (tmp_path / "left-over").touch()
    with pytest.raises(SettlementError, match="not empty"):
        render_month(con, CONTEXT, tmp_path)
    with pytest.raises(SettlementError, match=r"2026-03 version 2 can't be written"):
        render_month(con, CONTEXT, tmp_path / "left-over")
    con.execute("DROP TABLE mart.usage_buckets")
    with pytest.raises(EngineError, match="usage_buckets"):
        render_month(con, CONTEXT, tmp_path / "new")


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (money.won6(-1), "-0.000001"),
        (money.won6(10**21 + 5, ","), "1,000,000,000,000,000.000005"),
        (money.whole_won(500_000), 1),
        (money.whole_won(-499_999), 0),
        (money.plain(105_000, 4), "10.5"),
        (money.plain(440_000, 4), "44"),
        (money.plain(1_234_000_001, 6), "1,234.000001"),
        (money.share(1, 3), "33.3"),
        (money.share(-1, 1000), "-0.1"),
        (money.share(1, 0), "–"),
    ],
)
def test_amounts_are_shown_exactly(shown, expected):
    assert shown == expected
