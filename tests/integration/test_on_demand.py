"""A partner's report on request: which months and formats there are, the same bytes again, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from settlement.cli.report import report as command
from settlement.errors import NotAllowed, PublishRefused, SettlementError
from settlement.settings import settings
from settlement.steps import on_demand
from settlement.steps.__main__ import main
from settlement.steps.on_demand import FORMATS, Asked, Reported
from settlement.steps.place import make_engine
from settlement.storage import sha256_of
from settlement.warehouse import Warehouse
from tests.integration.example import MONTH, NEXT
from tests.integration.house import House, tree

FOLDER = f"month={MONTH}/version=1"
PUBLISHED = f"month={MONTH}/version=1/partner=1"


@pytest.fixture
def house(house_in: Callable[[str], House]) -> House:
    """A closed month, whose partners take CSV alone."""
    return house_in("closed")


def ask(house: House, partner_id: int = 1, form: str = "csv", months: Sequence[str] = (MONTH,)) -> Reported:
    place = Warehouse(house.warehouse)
    return on_demand.report(place, house.ledger, make_engine(place), Asked(partner_id, months, form))


def made(house: House) -> dict[str, bytes]:
    """Everything on demand; hidden folders too, so that nothing is left behind unseen."""
    root = house.warehouse / "on_demand"
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def folder(partner_id: int = 1, form: str = "csv", months: str = f"{MONTH}..{MONTH}") -> str:
    return f"partner={partner_id}/{months}/{form}/{FOLDER}"


def test_a_format_that_the_partner_takes_gives_the_published_files_again(house: House) -> None:
    published = house.published()
    answer = ask(house)
    assert answer.folder == str(house.warehouse / "on_demand" / f"partner=1/{MONTH}..{MONTH}/csv")
    assert answer.sentence == f"partner 1, {MONTH}..{MONTH}: 1 month as csv in {answer.folder}"
    assert made(house) == {
        f"{folder()}/{name}": published[f"{PUBLISHED}/{name}"] for name in ("usage.csv", "manifest.json", "_SUCCESS")
    }
    assert house.published() == published


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("partner_id", [0, 1])
def test_every_format_is_made_whether_or_not_the_partner_takes_it(house: House, partner_id: int, form: str) -> None:
    ask(house, partner_id, form)
    root = house.warehouse / "on_demand" / folder(partner_id, form)
    names = {path.name for path in root.iterdir()}
    files = names - {"manifest.json", "_SUCCESS"}
    endings = {"csv": ".csv", "xlsx": ".xlsx", "pdf": ".pdf", "dsr": ".tsv.gz"}
    assert files
    assert all(name.endswith(endings[form]) for name in files)
    assert len(names) == len(files) + 2
    manifest = json.loads((root / "manifest.json").read_text("utf-8"))
    assert manifest["partner"]["partner_id"] == partner_id
    assert {name: file["sha256"] for name, file in manifest["files"].items()} == {name: sha256_of(root / name) for name in files}


def test_again_it_is_the_same_files_and_none_is_touched(house: House) -> None:
    ask(house, form="xlsx")
    before, stamps = made(house), stamps_of(house)
    ask(house, form="xlsx")
    assert (made(house), stamps_of(house)) == (before, stamps)


def stamps_of(house: House) -> dict[Path, int]:
    return {path: path.stat().st_ino for path in (house.warehouse / "on_demand").rglob("*") if path.name != "_SUCCESS"}


@pytest.mark.parametrize("point", ["_move", "mark"])
@pytest.mark.fault(30)
def test_killed_before_its_marker_it_is_completed_by_the_next(house: House, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"settlement.steps.{'deliver' if point == '_move' else 'on_demand'}.{point}", killed)
        with pytest.raises(KeyboardInterrupt):
            ask(house)
    assert f"{folder()}/_SUCCESS" not in made(house)
    ask(house)
    assert sorted(made(house)) == [f"{folder()}/{name}" for name in ("_SUCCESS", "manifest.json", "usage.csv")]


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.fault(30)
def test_other_content_under_a_name_that_exists_is_refused_and_stays(house: House, marked: bool) -> None:
    ask(house)
    file = house.warehouse / "on_demand" / folder() / "usage.csv"
    file.write_bytes(b"mine")
    if not marked:
        (file.parent / "_SUCCESS").unlink()
    before = made(house)
    with pytest.raises(PublishRefused, match=r"usage\.csv is published with other content") as raised:
        ask(house)
    assert raised.value.hint == f"remove {file.parent} to have it written anew"
    assert made(house) == before


def test_a_complete_folder_is_not_added_to(house: House) -> None:
    ask(house)
    (house.warehouse / "on_demand" / folder() / "usage.csv").unlink()
    with pytest.raises(PublishRefused, match=r"is published without usage\.csv"):
        ask(house)


def test_months_that_are_not_closed_are_refused_by_name_and_nothing_is_made(house: House) -> None:
    with pytest.raises(NotAllowed, match=f"^2026-01, {NEXT}: not closed"):
        ask(house, months=("2026-01", MONTH, NEXT))
    assert made(house) == {}


@pytest.mark.parametrize("partner_id", [99, 10**12])
def test_nobody_s_report_is_refused_and_nothing_is_left_behind(house: House, partner_id: int) -> None:
    with pytest.raises(
        SettlementError, match=f"^partner {partner_id}, {MONTH}..{MONTH}: it has no statement in any of these months"
    ):
        ask(house, partner_id)
    assert made(house) == {}
    assert list((house.warehouse / "on_demand").iterdir()) == []


def test_a_format_that_does_not_exist_is_refused(house: House) -> None:
    with pytest.raises(SettlementError, match="format 'html': must be one of csv, xlsx, pdf, dsr"):
        ask(house, form="html")


def test_several_months_lie_side_by_side_and_one_without_a_statement_is_named(
    house_in: Callable[[str], House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_in("next_days")
    assert house.run(f"{MONTH}..{NEXT}").code == 0
    published = house.published()
    both = f"{MONTH}..{NEXT}"
    assert ask(house, months=(MONTH, NEXT)).sentence.startswith(f"partner 1, {both}: 2 months as csv in ")
    root = house.warehouse / "on_demand" / f"partner=1/{both}/csv"
    for month in (MONTH, NEXT):
        assert tree(root / f"month={month}/version=1") == tree(house.warehouse / f"published/month={month}/version=1/partner=1")
    real = iter([True, False])
    monkeypatch.setattr(on_demand, "_has_statement", lambda *_: next(real))
    answer = ask(house, 2, months=(MONTH, NEXT))
    assert answer.sentence == f"partner 2, {both}: 1 month as csv in {answer.folder}; it has no statement in {NEXT}"
    assert [path.name for path in Path(answer.folder).iterdir()] == [f"month={MONTH}"]
    assert house.published() == published


# -- the step and the command ------------------------------------------------------------------------------------------


@pytest.fixture
def step(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, str]]]:
    """`step("--partner", …)`: exit code and answer of the step."""
    monkeypatch.setenv("SETTLEMENT_LANDING", str(house.landing))
    monkeypatch.setenv("SETTLEMENT_WAREHOUSE", str(house.warehouse))
    settings.cache_clear()

    def run(months: str, *arguments: str) -> tuple[int, dict[str, str]]:
        code = main(["partner-report", "--run", "partner_report/a", "--partition", months, *arguments])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_step_answers_with_the_folder_or_with_what_is_wrong(
    house: House, step: Callable[..., tuple[int, dict[str, str]]]
) -> None:
    code, answer = step(f"{MONTH}..{MONTH}", "--partner=1", "--format=csv")
    assert (code, answer["outcome"], answer["folder"]) == (
        0,
        "reported",
        str(house.warehouse / f"on_demand/partner=1/{MONTH}..{MONTH}/csv"),
    )
    assert f"{folder()}/_SUCCESS" in made(house)
    code, answer = step(f"{MONTH}..{NEXT}", "--partner=1", "--format=csv")
    assert (code, answer["error"], answer["message"]) == (1, "NotAllowed", f"{NEXT}: not closed, so there is no report of it yet")
    code, answer = step(f"{NEXT}..{MONTH}", "--partner=1", "--format=csv")
    assert (code, answer["message"]) == (1, f"months '{NEXT}..{MONTH}': the last month lies before the first")


@pytest.mark.parametrize("wrong", [("--partner=x", "--format=csv"), ("--partner=1", "--format=html"), ("--partner=1",)])
def test_the_step_refuses_other_values_as_wrong_usage(
    step: Callable[..., tuple[int, dict[str, str]]], wrong: Sequence[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        step(MONTH, *wrong)
    assert raised.value.code == 2


def test_the_command_makes_the_same_folder_as_the_step(house: House) -> None:
    app = typer.Typer()
    app.command("report")(command)
    options = ["--warehouse", str(house.warehouse), "--partner", "1", "--months", MONTH, "--format", "csv"]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0, done.output
    assert f"partner 1, {MONTH}..{MONTH}: 1 month as csv in " in done.stdout
    assert sorted(made(house)) == [f"{folder()}/{name}" for name in ("_SUCCESS", "manifest.json", "usage.csv")]
    assert CliRunner().invoke(app, [*options[:-1], "html"]).exit_code == 1
    assert CliRunner().invoke(app, [*options[:3], "-1", *options[4:]]).exit_code == 2


def test_a_report_that_was_made_elsewhere_is_taken_up_when_every_month_of_it_is_complete(house: House) -> None:
    asked = Asked(1, (MONTH,), "csv")
    place = Warehouse(house.warehouse)
    with pytest.raises(SettlementError, match=rf"partner 1, {MONTH}\.\.{MONTH}: the report was made, and \S+ isn't there"):
        on_demand.look_for(place, house.ledger, asked)
    made_here = ask(house)
    assert on_demand.look_for(place, house.ledger, asked) == made_here
    (house.warehouse / "on_demand" / folder() / "_SUCCESS").unlink()
    with pytest.raises(SettlementError, match=r"is incomplete\n  → clear the task"):
        on_demand.look_for(place, house.ledger, asked)
