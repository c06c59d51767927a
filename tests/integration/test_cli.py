"""The command itself: helps, lists, refuses, and never shows a traceback to people."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.bad import HouseIn
from tests.integration.example import DAY_BEFORE_LAST, FIRST, LAST, MONTH
from tests.integration.house import settlement

COMMANDS = [
    ("run",), ("export",), ("generate",), ("import",), ("landing", "status"), ("landing", "accept"), ("ledger", "show"),
    ("ledger", "verify"), ("tables", "list"), ("tables", "show"), ("tables", "lineage"),
]  # fmt: skip


def test_the_command_is_installed_under_its_name() -> None:
    command = Path(sys.executable).with_name("settlement")
    done = subprocess.run([command, "ledger", "verify", "--warehouse", "/nowhere"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: /nowhere is no warehouse: ")
    assert done.stderr.endswith("\n  → make one with `settlement run`\n")
    assert done.stdout == ""


def test_help_names_every_command() -> None:
    answer = settlement("--help")
    assert answer.code == 0
    for command in ("run", "export", "generate", "import", "landing", "ledger", "tables"):
        assert f" {command} " in answer.out


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_of_a_command_says_what_it_does(command: tuple[str, ...]) -> None:
    answer = settlement(*command, "--help")
    assert answer.code == 0
    usage, _, rest = answer.out.partition("\n\n")
    assert " ".join(command) in usage
    sentence, _, _ = rest.partition("\n\n")
    assert len(sentence.split()) >= 5


@pytest.mark.parametrize("group", [(), ("landing",), ("ledger",), ("tables",)], ids=lambda group: " ".join(group) or "settlement")
def test_a_group_without_a_command_shows_its_help(group: tuple[str, ...]) -> None:
    answer = settlement(*group)
    assert answer.code == 2
    assert "Usage: " in answer.out + answer.err


@pytest.mark.parametrize(
    "arguments", [("rum",), ("run",), ("run", "--months", "2026-02"), ("export", "pool", "--version", "x")], ids=" ".join
)
def test_wrong_usage_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    answer = settlement(*arguments)
    assert answer.code == 2
    assert "Usage: " in answer.err


def test_tables_list_has_each_table_after_those_it_reads() -> None:
    answer = settlement("tables", "list")
    assert answer.code == 0
    places = [
        answer.out.index(f" {name} ")
        for name in ("raw.play", "ods.play", "mart.usage_daily", "mart.pool", "mart.settlement_line", "mart.statement_royalty")
    ]
    assert places == sorted(places)
    assert "reference" in answer.out


def test_tables_show_has_columns_with_units_and_checks() -> None:
    answer = settlement("tables", "show", "mart.pool")
    assert answer.code == 0
    for word in (
        "mart.pool",
        "pool_krw",
        "DECIMAL(38,0)",
        "uwon",
        "check rate_row_known (fail)",
        "grain: product_id, right_type",
    ):
        assert word in answer.out


def test_tables_lineage_goes_both_ways() -> None:
    answer = settlement("tables", "lineage", "mart.usage_daily")
    made_from, goes_into = answer.out.split("mart.usage_daily goes into")
    assert "raw.play" in made_from
    assert "mart.settlement_line" in goes_into
    assert "mart.statement_royalty" in goes_into


@pytest.mark.parametrize("command", ["show", "lineage"])
def test_an_unknown_table_is_an_error_that_lists_the_known(command: str) -> None:
    answer = settlement("tables", command, "mart.nothing")
    assert answer.code == 1
    assert "error: no table mart.nothing → known: mart.adjustment" in answer.said


def test_landing_status_shows_what_has_arrived(house_in: HouseIn) -> None:
    house = house_in("new")
    (house.folder("payments", LAST) / "_SUCCESS").unlink()
    answer = settlement("landing", "status", "--landing", house.landing)
    lines = {line.split()[1]: line for line in answer.out.splitlines() if "2026-" in line}
    assert answer.code == 0
    assert len(lines) == 28 + 31
    assert lines[FIRST].count("arrived") == 4
    assert lines[DAY_BEFORE_LAST].count("arrived") == 4
    assert lines[LAST].count("arrived") == 3


def test_landing_status_of_nothing(tmp_path: Path) -> None:
    for folder, says in ((tmp_path, "nothing has arrived under"), (tmp_path / "no", "is not a folder")):
        answer = settlement("landing", "status", "--landing", folder)
        assert (answer.code, says in answer.err) == (1, True)


@pytest.mark.parametrize(
    "months",
    ["", "2026", "2026-2", "2026-00", "2026-13", "2026-02-01", "2026-02..", "..2026-02", "2026-03..2026-02", "2026-02...2026-03",
     "2026-02..2026-03..2026-04", "2026-02-2026-03", "02-2026", "2026-W06", "２０２６-02", " 2026-02", "all"],
)  # fmt: skip
def test_months_off_their_form(months: str, house_in: HouseIn) -> None:
    house = house_in("new")
    answer = house.run(months)
    assert answer.code == 1, answer.said
    assert f"error: months {months!r}" in answer.err
    assert not house.warehouse.exists()


def test_a_month_over_the_end_of_a_year(house_in: HouseIn) -> None:
    answer = house_in("new").run("2025-12..2026-01")
    assert answer.code == 1
    assert "plays/dt=2025-12-01 has not arrived" in answer.said


@pytest.mark.parametrize("place", ["--landing", "--reference"])
def test_a_folder_that_is_not_there(place: str, house_in: HouseIn) -> None:
    house = house_in("new")
    arguments = house.run_arguments()
    arguments[arguments.index(place) + 1] = str(house.root / "nowhere")
    answer = settlement(*arguments)
    assert answer.code == 1
    assert f"{place.removeprefix('--')} {house.root / 'nowhere'} is not a folder" in answer.err


def test_an_error_is_one_message_with_what_to_do(house_in: HouseIn) -> None:
    house = house_in("new")
    (house.folder("plays", f"{MONTH}-03") / "_SUCCESS").unlink()
    answer = house.run()
    assert answer.code == 1
    assert answer.out == ""
    message, hint = answer.err.strip().splitlines()[-2:]
    assert message.startswith(f"error: plays/dt={MONTH}-03 has not arrived: ")
    assert hint == "  → wait for the delivery, then run again"
