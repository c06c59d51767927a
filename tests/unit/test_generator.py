"""The synthetic landing: the same bytes for the same seed, every bucket of the rules, a contract kept to the letter."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from settlement.cli.inputs import generate as generate_command
from settlement.errors import BadInput, SettlementError
from settlement.landing.contract import CATALOG, KINDS, OTHER_REVENUE, PAYMENTS, CsvFile
from settlement.landing.forms import epoch_day, instant
from settlement.landing.generator import Options, default_options, generate, parse_months
from settlement.landing.generator.hostile import hostile
from settlement.landing.generator.identifiers import dpid, gtin, isrc, iswc
from settlement.landing.generator.malformed import DEFECTS, spoil
from settlement.landing.generator.plays import DayPlays
from settlement.landing.generator.products import PRODUCTS
from settlement.landing.generator.service_rules import read_service_rules
from settlement.landing.generator.world import World
from settlement.landing.writers import play_files, write_csv, write_gzip

CAP = 20
BUCKETS = {
    *("malformed", "future", "duplicate", "too_late", "unknown_product", "abuse_flag", "too_short", "over_cap"),
    "qualified",
}
SERVICE = {product.product_id: product.service for product in PRODUCTS}
GOOD = (
    '{"play_id":"p20260201-1","user_id":1000001,"subscription_id":7,"product_id":"sub-legacy","track_id":1000002,'
    '"started_at":"2026-02-01T10:11:12.5+09:00","ms_played":60000,"device":"app","country":"KR","offline":false,"flags":[]}'
)
FORMS = {
    "play_id": r"[A-Za-z0-9._:-]{1,64}",
    "user_id": r"\d{1,18}",
    "product_id": r"[A-Za-z0-9._:-]{1,64}",
    "track_id": r"\d{1,18}",
    "started_at": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)",
    "ms_played": r"\d{1,8}",
}
Json = dict[str, Any]


def write_reference(folder: Path, cap: str = str(CAP)) -> Path:
    rules = f"sub_stream,2000-01-01,,60000,{cap},x\nad_stream,2000-01-01,,60000,{cap},x\n"
    rules += "promo,2000-01-01,,60000,,x\ndownload,2000-01-01,,0,,x\n"
    header = "service,valid_from,valid_to,min_play_ms,max_plays_per_user_track_day,source\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service_rule.csv").write_text(header + rules)
    return folder


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    reference = write_reference(tmp_path_factory.mktemp("reference"))
    return default_options(parse_months("2026-01..2026-02"), 16_000, 7, reference)


@pytest.fixture(scope="module")
def landing(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("landing") / "L"
    generate(options, out)
    return out


def lines_of(landing: Path, day: date) -> list[bytes]:
    content = b"".join(gzip.decompress(path.read_bytes()) for path in sorted((landing / f"plays/dt={day}").glob("*.gz")))
    return [line.removesuffix(b"\r") for line in content.removesuffix(b"\n").split(b"\n")]


def rows_of(folder: Path, name: str = "*") -> list[dict[str, str]]:
    texts = (gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.glob(f"{name}.csv.gz")))
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)]


def every_row(landing: Path, kind: str) -> Iterator[tuple[date, dict[str, str]]]:
    for folder in sorted((landing / kind).iterdir()):
        for row in rows_of(folder):
            yield date.fromisoformat(folder.name[3:]), row


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refuse(token: str) -> None:
    raise ValueError(token)


def play_of(line: bytes) -> Json | None:
    """The play of a line, by rules §2.1 read plainly, its required fields as text; None when it is malformed."""
    try:
        value = json.loads(line, parse_constant=refuse, parse_float=lambda _: None)
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError:
        return None
    if not isinstance(value, dict) or len(line) > 1 << 20:
        return None
    texts = {name: str(value[name]) if type(value.get(name)) in (int, str) else "" for name in FORMS}
    fits = all(re.fullmatch(form, texts[name], re.ASCII) for name, form in FORMS.items())
    return {**value, **texts} if fits and int(texts["ms_played"]) <= 86_400_000 and instant(texts["started_at"]) else None


def bucket(play: Json | None, day: int, earlier: set[str], today: set[str], counts: Counter[tuple[str, str, int]]) -> str:
    """The bucket of a play by rules §2, given what was seen before it; keeps count."""
    if play is None:
        return "malformed"
    started = instant(play["started_at"])
    assert started is not None
    if started[1] > day:
        return "future"
    known = play["play_id"] in earlier or play["play_id"] in today
    today.add(play["play_id"])
    if known:
        return "duplicate"
    service = SERVICE.get(play["product_id"])
    verdicts = {
        "too_late": started[1] < day - 30,
        "unknown_product": service is None,
        "abuse_flag": play.get("flags") not in (None, []),
        "too_short": service != "download" and int(play["ms_played"]) < 60_000,
    }
    for name, applies in verdicts.items():
        if applies:
            return name
    key = (play["user_id"], play["track_id"], started[1])
    counts[key] += 1
    return "over_cap" if counts[key] > CAP and service in ("sub_stream", "ad_stream") else "qualified"


def plays_of(landing: Path, day: date) -> list[Json]:
    return [play for line in lines_of(landing, day) if (play := play_of(line))]


def buckets_of(landing: Path, days: tuple[date, ...]) -> dict[date, Counter[str]]:
    ids: dict[date, set[str]] = {}
    found: dict[date, Counter[str]] = {}
    for day in days:
        earlier = set().union(*(ids.get(day - timedelta(days=ago), set()) for ago in range(1, 31)))
        today: set[str] = set()
        counts: Counter[tuple[str, str, int]] = Counter()
        number = epoch_day(day.isoformat())
        assert number is not None
        found[day] = Counter(bucket(play_of(line), number, earlier, today, counts) for line in lines_of(landing, day))
        ids[day] = today
    return found


def test_the_same_options_give_the_same_bytes_in_one_process_or_several(options: Options, tmp_path: Path) -> None:
    small = replace(options, plays=1_500, span=parse_months("2024-02"), tracks=40)
    generate(small, tmp_path / "serial", jobs=1)
    generate(small, tmp_path / "parallel", jobs=2)
    assert tree(tmp_path / "serial") == tree(tmp_path / "parallel")
    generate(replace(small, seed=8), tmp_path / "other", jobs=1)
    assert tree(tmp_path / "serial") != tree(tmp_path / "other")


def test_a_day_is_made_without_the_days_before_it(options: Options, landing: Path) -> None:
    last = options.span.last
    content = b"".join(DayPlays(World.build(options), last).file_content(0))
    assert content == gzip.decompress((landing / f"plays/dt={last}/part-00000.jsonl.gz").read_bytes())


def test_every_day_has_its_four_folders_and_the_plays_add_up(options: Options, landing: Path) -> None:
    for kind in KINDS:
        assert {f.name for f in (landing / kind).iterdir()} == {f"dt={day}" for day in options.span.days}
        assert all((folder / "_SUCCESS").exists() for folder in (landing / kind).iterdir())
    assert not list(landing.rglob("*.tmp"))
    assert sum(len(lines_of(landing, day)) for day in options.span.days) == 16_000


def test_every_bucket_occurs_as_often_as_planned(options: Options, landing: Path) -> None:
    found = buckets_of(landing, options.span.days)
    total = sum(found.values(), Counter())
    assert set(total) == BUCKETS
    assert 0.03 < 1 - total["qualified"] / 16_000 < 0.07
    for day, plan in World.build(options).plan.items():
        assert found[day]["malformed"] == plan.kinds["malformed"]
        assert found[day]["future"] >= plan.kinds["future"]
        assert found[day]["over_cap"] >= plan.cap_groups * (plan.cap_group - CAP)
        for kind in ("unknown_product", "abuse_flag", "too_short"):
            assert found[day][kind] == plan.kinds[kind]


def test_two_thousand_plays_are_enough_for_every_bucket(options: Options, tmp_path: Path) -> None:
    small = default_options(parse_months("2026-03"), 2_000, 3, options.reference)
    generate(small, tmp_path / "L")
    assert set(sum(buckets_of(tmp_path / "L", small.span.days).values(), Counter())) == BUCKETS


@pytest.mark.parametrize("number", [*range(len(DEFECTS)), len(DEFECTS) + 7])
def test_each_defect_makes_a_line_malformed(number: int) -> None:
    assert play_of(GOOD.encode()) is not None
    assert play_of(spoil(GOOD, number)) is None


def test_plays_come_again_byte_by_byte_on_later_days(options: Options, landing: Path) -> None:
    first_seen: dict[bytes, date] = {}
    gaps: Counter[int] = Counter()
    for day in options.span.days:
        for line in lines_of(landing, day):
            if line.startswith(b"{") and line in first_seen:
                gaps[(day - first_seen[line]).days] += 1
            first_seen.setdefault(line, day)
    assert set(gaps) >= {0, 1, 3, 30, 31}


def test_lines_are_written_in_many_ways(options: Options, landing: Path) -> None:
    contents = [gzip.decompress(path.read_bytes()) for path in landing.glob("plays/*/*.gz")]
    assert {b"\r\n" in content for content in contents} == {True, False}
    plays = [play for day in options.span.days[:20] for play in plays_of(landing, day)]
    fractions = {len(play["started_at"].partition(".")[2].rstrip("Z").split("+")[0].split("-")[0]) for play in plays}
    assert fractions == set(range(7))
    assert {play["started_at"][-1] == "Z" for play in plays} == {True, False}
    assert any(not play["started_at"].endswith(("Z", "+09:00")) for play in plays)
    assert any("client" in play for play in plays)
    assert any(play.get("subscription_id") is None for play in plays)
    assert {play["product_id"] for play in plays} >= set(SERVICE)


def test_files_are_cut_for_parallel_readers() -> None:
    assert [play_files(count) for count in (0, 19_999, 20_000, 500_000, 1_000_001, 5_000_000)] == [1, 1, 2, 2, 3, 10]


def test_the_cap_is_read_from_the_reference_data(options: Options, tmp_path: Path) -> None:
    tight = World.build(replace(options, reference=write_reference(tmp_path / "tight", cap="3")))
    free = World.build(replace(options, reference=write_reference(tmp_path / "free", cap="")))
    assert {plan.cap_group for plan in tight.plan.values()} == {5}
    assert sum(plan.cap_groups for plan in free.plan.values()) == 0
    assert sum(plan.plays for plan in free.plan.values()) == 16_000


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
        assert {row["method"] for row in rows} == {"pro_rata"}
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


def test_hostile_text_survives_the_writer(tmp_path: Path) -> None:
    texts = [hostile("곡", number) for number in range(30)]
    assert write_csv(tmp_path / "a.csv.gz", ["id", "title"], enumerate(texts)) == 30
    assert [row["title"] for row in rows_of(tmp_path)] == texts
    raw = gzip.decompress((tmp_path / "a.csv.gz").read_bytes())
    assert raw.startswith(b"id,title\r\n0,")


def test_gzip_files_carry_no_time_and_appear_whole(tmp_path: Path) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("stop")

    write_gzip(tmp_path / "a.gz", [b"a", b"b"])
    assert (tmp_path / "a.gz").read_bytes()[3:8] == b"\0\0\0\0\0"
    with pytest.raises(ValueError, match="stop"):
        write_gzip(tmp_path / "b.gz", breaking())
    assert [path.name for path in tmp_path.iterdir()] == ["a.gz"]


def test_a_folder_with_something_in_it_is_refused(options: Options, tmp_path: Path) -> None:
    (tmp_path / "plays").mkdir()
    with pytest.raises(SettlementError, match="not an empty folder"):
        generate(options, tmp_path)


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-02..2026-01", "2026-01..", "1999-12", "2026-1", "..2026-01"])
def test_a_range_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettlementError, match=text.replace(".", r"\.")):
        parse_months(text)


def test_reference_data_that_cannot_serve_is_named(options: Options, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"service_rule.csv: cannot be read"):
        read_service_rules(tmp_path)
    write_reference(tmp_path, cap="many")
    with pytest.raises(BadInput, match=r"service_rule.csv, row 1: invalid literal"):
        read_service_rules(tmp_path)
    path = write_reference(tmp_path) / "service_rule.csv"
    path.write_text(path.read_text().replace("promo,2000-01-01", "promo,2026-03-01"))
    with pytest.raises(BadInput, match="no rule for promo on 2026-01-01"):
        generate(replace(options, reference=tmp_path), tmp_path / "L")


def test_the_command_says_what_it_wrote_and_what_comes_next(options: Options, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(generate_command)
    arguments = [
        "--out",
        str(tmp_path / "L"),
        "--months",
        "2026-03",
        "--plays",
        "300",
        "--tracks",
        "30",
        "--users",
        "9",
    ]
    result = CliRunner().invoke(app, [*arguments, "--partners", "6", "--reference", str(options.reference)])
    assert result.exit_code == 0, result.output
    assert "Wrote 300 plays" in result.stdout
    assert f"settlement run --landing {tmp_path / 'L'} --months 2026-03" in result.stdout
    assert len(rows_of(tmp_path / "L/catalog/dt=2026-03-31", "partners")) == 6
