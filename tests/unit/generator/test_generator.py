"""The synthetic landing: the same bytes for the same seed, every bucket of the rules, files that appear whole."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from settlement.cli.inputs import generate as generate_command
from settlement.errors import BadInput, SettlementError
from settlement.landing.contract import KINDS
from settlement.landing.generator import Options, default_options, generate, parse_months
from settlement.landing.generator.hostile import hostile
from settlement.landing.generator.malformed import DEFECTS, spoil
from settlement.landing.generator.plays import DayPlays
from settlement.landing.generator.service_rules import read_service_rules
from settlement.landing.generator.world import World
from settlement.landing.writers import play_files, write_csv, write_gzip
from tests.unit.generator.generated import (
    BUCKETS,
    CAP,
    GOOD,
    SERVICE,
    buckets_of,
    lines_of,
    play_of,
    plays_of,
    rows_of,
    tree,
    write_reference,
)


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
