"""Small DSR reports for the tests: a settled month, or rows written straight through the writer."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import settings

from settlement.reports.dsr import UNREGISTERED
from settlement.reports.dsr.profiles import profiles
from settlement.reports.dsr.writer import MAX_FILE_BYTES, Block, Header, Row, write_report
from settlement.reports.model import Partner, ReportContext, Royalty, Statement

PLAIN = settings(deadline=None, database=None)
"""Hypothesis without a clock and without memory of earlier runs."""
CONTEXT = ReportContext("2026-02", 3, "2026-02-28", "aa" * 32, "bb" * 32, {})
DPID = "PADPIDA2014999999Z"
SCHEMA = """
CREATE SCHEMA ods; CREATE SCHEMA mart;
CREATE TABLE ods.product (product_id VARCHAR, name VARCHAR, service VARCHAR, cohort VARCHAR, list_price_krw BIGINT);
CREATE TABLE ods.track (track_id BIGINT, isrc VARCHAR, iswc VARCHAR, uci VARCHAR, title VARCHAR, artist VARCHAR,
    album_id BIGINT, duration_ms BIGINT, release_date VARCHAR);
CREATE TABLE ods.album (album_id BIGINT, upc VARCHAR, title VARCHAR, artist VARCHAR, label VARCHAR);
CREATE TABLE mart.pool (month VARCHAR, version INTEGER, product_id VARCHAR, right_type VARCHAR, service VARCHAR,
    subscribers BIGINT, revenue_uwon DECIMAL(38,0));
CREATE TABLE mart.settlement_line (month VARCHAR, version INTEGER, product_id VARCHAR, track_id BIGINT,
    right_type VARCHAR, partner_id BIGINT, kind VARCHAR, plays BIGINT, weight DECIMAL(38,0), amount_uwon DECIMAL(38,0));
"""


def header(key: str = "usage") -> Header:
    service, message_id = f"Streaming-{key.capitalize()}", f"m-{key}"
    place = ("2026-02", "2026-02-01", "2026-02-28", "KR", CONTEXT.document_time, message_id)
    return Header(UNREGISTERED, service, DPID, DPID, "협회", *place)


def summary(name: str = "p1", territory: str = "KR") -> Row:
    model = {"CommercialModel": "SubscriptionModel", "UseType": "OnDemandStream", "Territory": territory}
    return "SY01.01", {"SummaryRecordId": name, **model, "Usages": 3, "CurrencyOfReporting": "KRW", "NetRevenue": "5000.000000"}


def release(title: str = "앨범", **cells: object) -> Row:
    return "RE01", {"ReleaseReference": "R1", "DspReleaseId": 11, "DisplayArtistName": "x", "Title": title, **cells}


def sound(record: str = "AS02.02", reference: str = "A1", title: str = "곡", **cells: object) -> Row:
    named = {"ResourceReference": reference, "DspResourceId": 21, "Title": title, "DisplayArtistName": "x"}
    return record, {**named, "Duration": "PT3M", "ResourceType": "SoundRecording", **cells}


def streams(transaction: object, reference: str = "A1", plays: int = 3, **cells: object) -> Row:
    named = {"SummaryRecordId": "p1", "SalesTransactionId": transaction, "TransactedResource": reference}
    return "SU02", {**named, "IsRoyaltyBearing": True, "NumberOfStreams": plays, **cells}


def usage_block(transaction: int, title: str = "곡") -> list[Row]:
    return [release(), sound(title=title), streams(transaction)]


def royalty_rows(transaction: int = 1, amount: str = "1.500000") -> list[Row]:
    use = {"SalesTransactionId": transaction, "SummaryRecordId": "p1", "DspReleaseId": 11, "Usages": 3, "NetRevenue": amount}
    money = {"AllocatedNetRevenue": amount, "AllocatedAmount": amount}
    paid = {"SummaryRecordId": "p1", "RightsController": "협회", "RightSharePercentage": "50", **money}
    return [sound("AS02.01", f"A{transaction}"), ("SU03.01", use), ("LI01.01", paid)]


def royalty_summary() -> Row:
    place = {"Territory": "KR", "RightsType": "MakeAvailableRight", "Currency": "KRW", "Usages": 3}
    return "SY07", {"SummaryRecordId": "p1", **place, "AllocatedRevenue": "1.500000", "AllocatedNetRevenue": 2}


def write(out: Path, blocks: Iterable[Block], key: str = "usage", max_bytes: int = MAX_FILE_BYTES) -> list[Path]:
    """A report of one summary; its files."""
    summaries = [summary() if key == "usage" else royalty_summary()]
    records = write_report(profiles()[key], header(key), summaries, blocks, out, max_bytes)
    return [out / record.name for record in records]


def lines_of(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)


def rewrite(path: Path, edit: Callable[[list[str]], Iterable[str] | None], name: str | None = None) -> Path:
    """The file with its lines edited, in place or returned by `edit`."""
    lines = lines_of(path)
    edited = edit(lines)
    path.write_bytes(gzip.compress("".join(lines if edited is None else edited).encode()))
    return path if name is None else path.rename(path.with_name(name))


class Month:
    """A settled month of one partner, in memory."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.con.execute(SCHEMA)
        self.won: dict[tuple[str, str], int] = {}

    def insert(self, table: str, *rows: tuple[Any, ...]) -> Month:
        for row in rows:
            self.con.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        return self

    def product(self, product: str, service: str = "sub_stream", price: int = 11_000) -> Month:
        self.insert("ods.product", (product, "상품", service, "new", price))
        pools = [("2026-02", 3, product, right, service, 70, 9_000_000_001) for right in ("producer", "author", "performer")]
        return self.insert("mart.pool", *pools)

    def track(self, track: int, album: int | None = 1, title: str = "곡", **cells: Any) -> Month:
        row = {"isrc": "KRA401100001", "iswc": "T-034.524.680-1", "artist": "가수", "ms": 200_500, **cells}
        return self.insert("ods.track", (track, row["isrc"], row["iswc"], "", title, row["artist"], album, row["ms"], ""))

    def album(self, album: int = 1, title: str = "앨범", artist: str = "가수", upc: str = "0012345678905") -> Month:
        return self.insert("ods.album", (album, upc, title, artist, "라벨, (주)"))

    def line(self, product: str, track: int, right: str, plays: int, uwon: int, share: int = 500_000, partner: int = 7) -> Month:
        row = ("2026-02", 3, product, track, right, partner, "royalty", plays, plays * share, uwon)
        return self.insert("mart.settlement_line", row)

    def partner(self, name: str = "협회", dpid: str = DPID) -> Partner:
        rows = self.con.execute(
            "SELECT product_id, right_type, count(*), sum(plays), sum(amount_uwon) FROM mart.settlement_line "
            "WHERE partner_id = 7 GROUP BY ALL"
        ).fetchall()
        royalties = tuple(
            Royalty(product, "상품", right, lines, int(plays), int(uwon), (int(uwon) + 500_000) // 10**6)
            for product, right, lines, plays, uwon in rows
        )
        nothing = Statement("exempt", *[0] * (len(fields(Statement)) - 1))
        return Partner(7, name, "author", dpid, ("dsr",), royalties, nothing)


def endless(taken: list[int]) -> Iterator[list[Row]]:
    """Blocks without end; notes each one that is asked for."""
    number = 0
    while True:
        number += 1
        taken.append(number)
        yield usage_block(number)
