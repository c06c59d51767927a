"""A small hostile month built by hand, with figures computed by hand."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import openpyxl

from settlement.reports.model import ReportContext

CONTEXT = ReportContext("2026-03", 2, "2026-03-31", "aa" * 32, "bb" * 32, {"mart.pool": "cc" * 32, "mart.a": "dd" * 32})
SCRIPT = "<script>alert('곡')</script>"
QUOTED = 'He said "hi",\r\nbye'
LINK = '=HYPERLINK("http://x")'
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
CREATE TABLE mart.statement (month VARCHAR, version INTEGER, partner_id BIGINT, tax_kind VARCHAR,
    payout_threshold_krw BIGINT, is_active BOOLEAN, royalty_krw BIGINT, adjustment_krw BIGINT, net_krw BIGINT,
    recouped_krw BIGINT, carried_in_krw BIGINT, due_krw BIGINT, payable_krw BIGINT, carried_out_krw BIGINT,
    vat_krw BIGINT, withheld_krw BIGINT, paid_krw BIGINT);
CREATE TABLE mart.adjustment (month VARCHAR, version INTEGER, posted_month VARCHAR, settled_month VARCHAR,
    version_from BIGINT, version_to BIGINT, partner_id BIGINT, product_id VARCHAR, right_type VARCHAR,
    delta_krw BIGINT, reason VARCHAR);
CREATE TABLE mart.advance_recoup (month VARCHAR, version INTEGER, advance_id VARCHAR, partner_id BIGINT,
    granted_on VARCHAR, amount_krw BIGINT, open_before_krw BIGINT, recouped_krw BIGINT, open_after_krw BIGINT);
CREATE TABLE mart.suspense_age (month VARCHAR, version INTEGER, origin_month VARCHAR, balance_krw BIGINT);
CREATE TABLE mart.usage_buckets (dt VARCHAR, bucket VARCHAR, rows BIGINT);
CREATE TABLE mart.revenue_daily (dt VARCHAR, product_id VARCHAR, recognised_uwon DECIMAL(38,0),
    refunded_uwon DECIMAL(38,0), subscriptions BIGINT);
"""
CATALOGUE = {
    "ods.product": [("p1", '프리미엄, "무제한"', "sub_stream", "new", 10900), ("-p2", "=광고", "ad_stream", "all", 0)],
    "ods.track": [
        (1, "KRA401100001", "", "", "=1+1", "a|b\tc", 1, 1, "2020-01-01"),
        (2, "", "", "", QUOTED, "별빛🌙", 2, 1, ""),
    ],
    "ods.album": [(1, "0012345678905", SCRIPT, "잔나비", "+라벨, (주)")],
    "ods.partner": [
        (1, LINK, "producer", "PADPIDA1", "vat_invoice", 0, "csv|dsr|pdf|xlsx", "2013-01-01", ""),
        (2, SCRIPT, "author", "", "withholding", 1000, "xlsx|pdf", "2013-01-01", ""),
        (3, "이름\x01뿐", "performer", "", "withholding", 1000, "", "2013-01-01", "2026-03-01"),
        (4, "라인 없음", "producer", "", "exempt", 1000, "csv|pdf|xlsx", "2013-01-01", ""),
        (5, "선급금만", "producer", "", "exempt", 0, "csv|xlsx", "2013-01-01", ""),
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
    ("-p2", 0, "producer", 0, "no_plays", 0, 3_000_000),
]
# partner, product, right type, micro-won, won
ROYALTIES = [
    (1, "p1", "producer", 900_623_456, 901),
    (0, "p1", "producer", 99_376_544, 99),
    (2, "p1", "author", 49_999_999, 50),
    (0, "p1", "author", 1, 0),
    (3, "p1", "performer", 7_000_000, 7),
    (0, "-p2", "producer", 3_000_000, 3),
]
# partner, tax kind, threshold, active | royalty, adjustment, net, recouped, carried in, due, payable, carried out | vat, withheld, paid
STATEMENTS = [
    (0, "", 0, True, 102, -179, -77, 0, 300, 223, 0, 223, 0, 0, 0),
    (1, "vat_invoice", 0, True, 901, 199, 1100, 300, 50, 850, 850, 0, 85, 0, 935),
    (2, "withholding", 1000, True, 50, -20, 30, 0, 0, 30, 0, 30, 0, 0, 0),
    (3, "withholding", 1000, False, 7, 0, 7, 0, 93, 100, 100, 0, 0, 3, 97),
    (4, "exempt", 1000, True, 0, 0, 0, 0, 500, 500, 0, 500, 0, 0, 0),
]
# posted, settled, versions, partner, product, right type, won, reason
ADJUSTMENTS = [
    ("2026-03", "2026-01", 2, 3, 1, "p1", "producer", -1, "@다시"),
    ("2026-03", "2026-01", 1, 2, 1, "p1", "producer", 200, "=재정산"),
    ("2026-03", "2026-01", 1, 2, 2, "p1", "author", -20, "=재정산"),
    ("2026-03", "2026-01", 1, 2, 0, "p1", "producer", -179, "=재정산"),
]
# advance, partner, granted on, amount, open before, recouped, open after
ADVANCES = [
    ("=B", 1, "2025-02-03", 1000, 500, 100, 400),
    ("A-1", 1, "2025-01-02", 200, 200, 200, 0),
    ("C", 5, "2026-03-31", 70, 70, 0, 70),
]
AGES = [("2026-01", 40), ("2026-02", 81), ("2026-03", 102), ("2025-12", 0)]
POOLS = [("p1", "producer", 90, 1000), ("p1", "author", 90, 50), ("p1", "performer", 90, 7), ("-p2", "producer", 0, 3)]
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
    if empty:
        tables["mart.statement"] = [(*month, 0, "", 0, True, *[0] * 11)]
    else:
        tables["mart.pool"] = [
            (*month, product, right, "sub_stream", "new", n, 2, 5_000_000, -1_000_000, krw * 10**6, 1_400, None,
             "unit_leg", krw * 10**6, krw, *rate)
            for product, right, n, krw in POOLS
        ]  # fmt: skip
        tables["mart.settlement_line"] = [(*month, *line[:6], 1, line[6], line[6]) for line in LINES]
        tables["mart.usage_buckets"] = [("2026-03-01", "qualified", 90), ("2026-03-01", "duplicate", 4)]
        tables["mart.revenue_daily"] = [("2026-03-01", "p1", 5_000_000, 0, 2), ("2026-03-02", "p1", 1_500_000, 250, 1)]
        monthly = {
            "statement_royalty": ROYALTIES,
            "statement": STATEMENTS,
            "adjustment": ADJUSTMENTS,
            "advance_recoup": ADVANCES,
            "suspense_age": AGES,
        }
        tables |= {f"mart.{name}": [(*month, *row) for row in rows] for name, rows in monthly.items()}
    for table, rows in tables.items():
        insert(con, table, rows[::-1] if backwards else rows)
    return con


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def usage_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def cells(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


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
        if tag not in ("meta", "link", "br", "col"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
