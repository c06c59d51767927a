"""A preview on request: what `settlement preview` shows, as files of a folder that says when it is complete."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from settlement.errors import NotArrived, PublishRefused, SettlementError
from settlement.settings import settings
from settlement.steps import preview_request
from settlement.steps.__main__ import main
from settlement.steps.place import Place
from settlement.steps.preview_request import CHANGES, PAGE, TOTALS, Asked
from tests.integration.bad import reference_rows
from tests.integration.example import MONTH, NEXT
from tests.integration.figures import change_rates, totals
from tests.integration.house import House, tree

ASKED = Asked(MONTH, "month_preview/manual__2026-03-02T01:00:00+00:00", 0)
FOLDER = f"preview/month={MONTH}/month_preview-manual__2026-03-02T01-00-00-00-00/attempt=0"


@pytest.fixture
def house(house_in: Callable[[str], House], monkeypatch: pytest.MonkeyPatch) -> House:
    """A closed month whose rates are others now."""
    found = house_in("closed")
    change_rates(found)
    for name in ("landing", "warehouse", "reference"):
        monkeypatch.setenv(f"SETTLEMENT_{name.upper()}", str(getattr(found, name)))
    settings.cache_clear()
    return found


def made(house: House) -> dict[str, bytes]:
    return tree(house.warehouse / "on_demand") if (house.warehouse / "on_demand").exists() else {}


def ask(asked: Asked = ASKED) -> preview_request.Previewed:
    return preview_request.request(Place.open(), asked, "Ann")


def test_its_files_are_those_of_the_command_and_nothing_else_changes(house: House, tmp_path: Path) -> None:
    files = {PAGE: tmp_path / "page.html", CHANGES: tmp_path / "changes.csv"}
    options = ("--month", MONTH, "--reference", house.reference, "--html", files[PAGE], "--csv", files[CHANGES])
    assert house.command("preview", *options).code == 0
    records, published = list(house.ledger.records()), house.published()
    told = ask()
    found = made(house)
    assert set(found) == {f"{FOLDER}/{name}" for name in (PAGE, CHANGES, TOTALS, "_SUCCESS")}
    assert {name: found[f"{FOLDER}/{name}"] for name in files} == {name: path.read_bytes() for name, path in files.items()}
    assert told.folder == str(house.warehouse / "on_demand" / FOLDER)
    assert f"would come to {totals(house.expected())['paid']:,} won paid; against version 1" in told.sentence
    assert (list(house.ledger.records()), house.published()) == (records, published)
    figures = json.loads(found[f"{FOLDER}/{TOTALS}"])["figures"]
    assert {figure["name"]: figure["new_krw"] for figure in figures} == totals(house.expected())


def test_again_it_is_the_same_files_and_a_gap_is_filled(house: House) -> None:
    ask()
    before = made(house)
    for name in ("_SUCCESS", CHANGES):  # as a killed try leaves it
        (house.warehouse / "on_demand" / FOLDER / name).unlink()
    ask()
    assert made(house) == before


def test_what_has_changed_since_the_first_try_is_refused_and_an_attempt_of_its_own_has_it(house: House) -> None:
    ask()
    before = made(house)
    house.write_reference("rate_card", reference_rows("rate_card"))
    with pytest.raises(PublishRefused, match="with other content") as raised:
        ask()
    assert "clear the task" in raised.value.hint
    assert made(house) == before
    later = Asked(ASKED.month, ASKED.run_id, 1)
    ask(later)
    assert made(house)[f"{later.path}/{TOTALS}"] != before[f"{FOLDER}/{TOTALS}"]


def test_a_folder_is_taken_for_a_preview_only_when_it_is_complete(house: House) -> None:
    with pytest.raises(SettlementError, match="isn't complete"):
        preview_request.look_for(Place.open(), ASKED)
    told = ask()
    assert preview_request.look_for(Place.open(), ASKED) == told
    (house.warehouse / "on_demand" / FOLDER / "_SUCCESS").unlink()
    with pytest.raises(SettlementError, match="isn't complete"):
        preview_request.look_for(Place.open(), ASKED)


def test_a_month_without_days_is_refused_and_leaves_nothing(house: House) -> None:
    with pytest.raises(NotArrived, match=f"no day of {NEXT} has been ingested"):
        ask(Asked(NEXT, "r", 0))
    assert made(house) == {}


def test_as_a_step_it_says_what_it_came_to(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    named = ["--run", ASKED.run_id, "--partition", MONTH, "--attempt", "0"]
    assert main(["month-preview", *named, "--by", "Ann"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["month-previewed", *named]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert first["outcome"] == "previewed"
    assert first["folder"] == str(house.warehouse / "on_demand" / FOLDER)
