"""The rows of a synthetic landing: payments, other revenue and catalogues keep the contract to the letter."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from settlement.landing.contract import CATALOG, OTHER_REVENUE, PAYMENTS, CsvFile
from settlement.landing.forms import epoch_day
from settlement.landing.generator import Options
from settlement.landing.generator.identifiers import dpid, gtin, isrc, iswc
from tests.unit.generator.generated import every_row, plays_of, rows_of


def assert_contract(rows: list[dict[str, str]], spec: CsvFile, day: date) -> None:
    number = epoch_day(day.isoformat())
    assert number is not None
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in spec.columns}
    for name, form in spec.columns.items():
        assert form.first_bad(columns[name]) is None, name
    assert [problem for rule in spec.row_rules if (problem := rule(columns, number))] == []


def test_payments_and_other_revenue_keep_the_contract(options: Options, landing: Path) -> None:
    for day in options.span.days:
        assert_contract(rows_of(landing / f"payments/dt={day}"), PAYMENTS, day)
        assert_contract(rows_of(landing / f"other_revenue/dt={day}"), OTHER_REVENUE, day)


def test_subscriptions_are_paid_without_a_gap_over_months(options: Options, landing: Path) -> None:
    ranges: dict[str, set[tuple[date, date]]] = defaultdict(set)
    for _, row in every_row(landing, "payments"):
        if row["kind"] == "charge" and row["subscription_id"]:
            service = date.fromisoformat(row["service_start"]), date.fromisoformat(row["service_end"])
            ranges[row["subscription_id"]].add(service)
    chains = [sorted(chain) for chain in ranges.values()]
    assert all(before[1] + timedelta(days=1) == after[0] for chain in chains for before, after in pairwise(chain))
    covering = [chain for chain in chains if chain[0][0] == options.span.first and chain[-1][1] >= options.span.last]
    assert len(covering) > len(chains) * 3 // 4
    assert max(len(chain) for chain in covering) == 3
    assert any(start.month < end.month for chain in chains for start, end in chain)


def test_payments_are_late_doubled_refunded_and_sold_in_stores(landing: Path) -> None:
    landed = list(every_row(landing, "payments"))
    charges = {row["payment_id"]: row for _, row in landed if row["kind"] == "charge"}
    refunds = [row for _, row in landed if row["kind"] == "refund"]
    days = defaultdict(set)
    for day, row in landed:
        days[row["payment_id"]].add(day)
    assert max(Counter(row["payment_id"] for _, row in landed).values()) > 1
    assert any(len(seen) > 1 for seen in days.values())
    assert any(date.fromisoformat(row["service_start"]) < day for day, row in landed if row["payment_id"][0] == "d")
    assert any(row["refund_of"] not in charges for row in refunds)
    known = [(row, charges[row["refund_of"]]) for row in refunds if row["refund_of"] in charges]
    assert len(known) > 5
    for refund, charge in known:
        assert int(refund["gross_krw"]) <= int(charge["gross_krw"])
        assert charge["service_start"] <= refund["service_start"] <= refund["service_end"] == charge["service_end"]
    stores = [row for row in charges.values() if row["sale_channel"] != "web" and row["gross_krw"] != "0"]
    assert {row["sale_channel"] for row in stores} == {"app_store", "play_store", "telco", "voucher"}
    assert all(int(row["web_price_krw"]) < int(row["gross_krw"]) for row in stores)
    assert any(not row["subscription_id"] and row["product_id"] == "dl-single" for row in charges.values())
    assert any("\n" in row["payment_id"] or '"' in row["payment_id"] for row in charges.values())


def test_other_revenue_is_corrected_and_delivered_twice(landing: Path) -> None:
    rows = [row for _, row in every_row(landing, "other_revenue")]
    assert any(int(row["amount_krw"]) < 0 for row in rows)
    assert max(Counter(row["revenue_id"] for row in rows).values()) == 2
    assert {row["product_id"] for row in rows} == {"ad-free", "ad.radio:1"}


def test_catalogue_snapshots_keep_the_contract(options: Options, landing: Path) -> None:
    for day in (options.span.first, date(2026, 2, 14), options.span.last):
        for name, spec in CATALOG.items():
            rows = rows_of(landing / f"catalog/dt={day}", name)
            assert_contract(rows, spec, day)
            assert rows, name
        partners = {row["partner_id"]: row["kind"] for row in rows_of(landing / f"catalog/dt={day}", "partners")}
        for name in ("rights", "contracts"):
            rows = rows_of(landing / f"catalog/dt={day}", name)
            assert all(partners[row["partner_id"]] == row["right_type"] for row in rows)
        assert {row["method"] for row in rows} == {"pro_rata", "user_centric"}
        assert {row["service"] for row in rows if row["method"] == "user_centric"} == {"sub_stream"}
        assert {r["partner_id"] for r in rows_of(landing / f"catalog/dt={day}", "advances")} <= set(partners)


def test_rights_never_exceed_the_whole_nor_overlap(options: Options, landing: Path) -> None:
    held: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in rows_of(landing / f"catalog/dt={options.span.last}", "rights"):
        held[row["track_id"], row["right_type"]].append(row)
    sums = set()
    for rows in held.values():
        for day in {row["valid_from"] for row in rows} | {row["valid_to"] for row in rows if row["valid_to"]}:
            valid = [row for row in rows if row["valid_from"] <= day <= (row["valid_to"] or "9999")]
            assert len({row["partner_id"] for row in valid}) == len(valid)
            sums.add(sum(int(row["share_ppm"]) for row in valid))
    assert max(sums) == 1_000_000
    assert {666_666, 900_000} <= sums
    tracks = {row["track_id"] for row in rows_of(landing / f"catalog/dt={options.span.last}", "tracks")}
    assert any((track, "author") not in held for track in tracks)
    assert any(row["valid_to"] for rows in held.values() for row in rows)


def test_some_played_tracks_are_missing_and_some_come_late(options: Options, landing: Path) -> None:
    first, last = (
        {row["track_id"] for row in rows_of(landing / f"catalog/dt={day}", "tracks")}
        for day in (options.span.first, options.span.last)
    )
    played = {play["track_id"] for day in options.span.days for play in plays_of(landing, day)}
    assert played - last
    assert first < last
    albums = {row["album_id"] for row in rows_of(landing / f"catalog/dt={options.span.last}", "albums")}
    assert {row["album_id"] for row in rows_of(landing / f"catalog/dt={options.span.last}", "tracks")} <= albums


def test_identifiers_have_the_published_check_digits() -> None:
    assert iswc(34_524_680) == "T0345246801"
    assert gtin("03600029145") == "036000291452"
    assert gtin("400638133393") == "4006381333931"
    assert dpid(2_014_122_301) == "PADPIDA2014122301Q"
    assert isrc(100_001, 2026) == "KRZ012600001"
