"""A preview shows what a settlement would come to, to the won, and leaves nothing behind."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from settlement.cli.common import make_context
from settlement.steps.warnings import warnings_of
from settlement.warehouse import Partition
from tests.integration.bad import HouseIn, reference_rows, with_fields
from tests.integration.example import FIRST, LAST, MONTH, NEXT
from tests.integration.figures import change_rates, changes, rows_of, royalties, totals
from tests.integration.house import Answer, House
from tests.integration.shelf import Shelf
from tests.worlds.plain import play


def preview(house: House, *options: object, month: str = MONTH) -> Answer:
    """Preview a month: whatever comes of it, the house stays as it is, to the byte, and nothing is left beside it."""
    before = everything_in(house.root)
    with tempfile.TemporaryDirectory() as aside, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", aside)
        answer = house.command("preview", "--month", month, "--reference", house.reference, *options)
        assert list(Path(aside).iterdir()) == [], "what was computed is thrown away"
    assert everything_in(house.root) == before
    return answer


def restate(house: House) -> None:
    """Restate the closed month by the rates as they are now, and post it."""
    options = ("--month", MONTH, "--reference", house.reference, "--reason", "rate", "--requested-by", "Ann")
    for command in (("request", *options), ("approve", "--month", MONTH, "--approved-by", "Bea")):
        answer = house.command("restate", *command)
        assert answer.code == 0, answer.err


def play_once_more(landing: Path) -> None:
    """Deliver the last day again with a play that it lacked."""
    file = next(path for path in sorted((landing / "plays" / f"dt={LAST}").iterdir()) if path.name.endswith(".gz"))
    text = gzip.decompress(file.read_bytes()).removesuffix(b"\n")
    lines = (play(LAST, f"one-more-{number}", user_id=9 + number, track_id=2).line for number in range(3))
    file.write_bytes(gzip.compress(b"\n".join([text, *lines]) + b"\n", mtime=0))


def everything_in(folder: Path) -> dict[str, bytes | None]:
    """Every file with its bytes and every folder, hidden ones too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def previewed(data: bytes) -> list[tuple[str, str, str, int, int, int]]:
    return [
        (r["partner_id"], r["product_id"], r["right_type"], int(r["old_krw"]), int(r["new_krw"]), int(r["delta_krw"]))
        for r in rows_of(data)
    ]


def shown_totals(answer: Answer) -> dict[str, tuple[str, str, str]]:
    """Before, now and change of each total that a preview printed."""
    table = answer.out.split("royalties change")[0]
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if line.startswith("│")]
    return {name: (was, now, change) for name, was, now, change in cells}


def as_shown(old: dict[str, int], new: dict[str, int]) -> dict[str, tuple[str, str, str]]:
    return {name: (f"{old[name]:,}", f"{now:,}", f"{now - old[name]:+,}") for name, now in new.items()}


# -- what it shows -----------------------------------------------------------------------------------------------------


def test_a_changed_rate_shows_exactly_what_a_later_settlement_comes_to(house_in: HouseIn, tmp_path: Path) -> None:
    house = house_in("open")
    change_rates(house)
    answer = preview(house, "--csv", tmp_path / "changes.csv")
    assert answer.code == 0, answer.err
    assert f"Preview of {MONTH}: against {MONTH} version 1; nothing was published" in answer.said
    settled = house.run(approver=None)
    assert f"{MONTH} version 2: open" in settled.said
    old, new = house.exports(version=1), house.exports(version=2)
    expected = changes(royalties(old), royalties(new))
    assert len(expected) > 5, "the rates make a difference"
    assert previewed((tmp_path / "changes.csv").read_bytes()) == expected
    assert f"{len(expected)} royalties change" in answer.said
    assert shown_totals(answer) == as_shown(totals(old), totals(new))


@pytest.mark.parametrize("state", ["days", "closed"])
def test_a_month_never_settled_and_a_closed_one_are_previewed(
    state: str, house_in: HouseIn, shelf: Shelf, tmp_path: Path
) -> None:
    house = house_in(state)
    change_rates(house)
    answer = preview(house, "--csv", tmp_path / "changes.csv", "--html", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    new = house.expected()
    old = {} if state == "days" else royalties(shelf.expected())
    against = "nothing of the month was settled before" if state == "days" else f"against {MONTH} version 1"
    assert f"Preview of {MONTH}: {against}; nothing was published" in answer.said
    assert previewed((tmp_path / "changes.csv").read_bytes()) == changes(old, royalties(new))
    before = {name: ("", f"{now:,}", "") for name, now in totals(new).items()}
    assert shown_totals(answer) == (before if state == "days" else as_shown(totals(shelf.expected()), totals(new)))
    page = (tmp_path / "page.html").read_text("utf-8")
    assert ("이전 정산 없음" if state == "days" else "버전 1 대비") in page
    assert f"{totals(new)['paid']:,}" in page


def test_the_same_rules_change_nothing(house_in: HouseIn, tmp_path: Path) -> None:
    answer = preview(house_in("closed"), "--csv", tmp_path / "changes.csv", "--html", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    assert "0 royalties change" in answer.said
    assert (tmp_path / "changes.csv").read_bytes() == b"partner_id,product_id,right_type,old_krw,new_krw,delta_krw\n"
    assert "바뀌는 정산액이 없습니다" in (tmp_path / "page.html").read_text("utf-8")


def test_of_a_restated_month_the_restatement_is_in_force_and_totals_are_of_the_closed_version(
    house_in: HouseIn, shelf: Shelf, tmp_path: Path
) -> None:
    house = house_in("closed")
    change_rates(house)
    restate(house)
    answer = preview(house, "--html", tmp_path / "page.html")
    assert answer.code == 0, answer.err
    assert f"Preview of {MONTH}: against {MONTH} version 2; nothing was published" in answer.said
    assert f"totals against {MONTH} version 1" in answer.said
    assert "0 royalties change" in answer.said
    assert shown_totals(answer) == as_shown(totals(shelf.expected()), totals(house.expected()))
    assert '버전 2 대비 <span class="sep">·</span> 합계는 버전 1 대비' in (tmp_path / "page.html").read_text("utf-8")


def test_the_next_month_carries_in_and_adjusts_as_its_settlement_will(house_in: HouseIn, tmp_path: Path) -> None:
    house = house_in("next_days")
    assert house.run().code == 0
    change_rates(house)
    restate(house)
    answer = preview(house, "--csv", tmp_path / "changes.csv", month=NEXT)
    assert answer.code == 0, answer.err
    assert f"{NEXT} version 1: open" in house.run(NEXT, approver=None).said
    new = house.exports(NEXT, 1)
    assert previewed((tmp_path / "changes.csv").read_bytes()) == changes({}, royalties(new))
    assert shown_totals(answer) == {name: ("", f"{now:,}", "") for name, now in totals(new).items()}
    assert totals(new)["adjustments"]
    assert totals(new)["carried in"]


@pytest.mark.parametrize("state", ["open", "closed"])
def test_another_delivery_shows_what_it_would_change(state: str, house_in: HouseIn, shelf: Shelf, tmp_path: Path) -> None:
    house = house_in(state)
    corrected = House.at(tmp_path / "corrected")
    shutil.copytree(house.landing, corrected.landing)
    shutil.copytree(house.reference, corrected.reference)
    play_once_more(corrected.landing)
    answer = preview(house, "--landing", corrected.landing, "--csv", tmp_path / "changes.csv")
    assert answer.code == 0, answer.err
    expected = changes(royalties(shelf.expected()), royalties(corrected.expected()))
    assert expected, "the plays make a difference"
    assert previewed((tmp_path / "changes.csv").read_bytes()) == expected


def test_the_audits_warnings_are_those_of_the_days_and_of_the_month(house_in: HouseIn, tmp_path: Path) -> None:
    house = house_in("open")
    answer = preview(house, "--html", tmp_path / "page.html")
    context = make_context(house.warehouse, house.reference, "Ann")
    statements = context.ledger.head_build("statements", Partition(MONTH, 1))
    assert statements is not None
    warned = warnings_of(context, statements)
    assert any("charge_known" in found.check for found in warned)
    assert [line.removeprefix("warning: ") for line in answer.out.splitlines() if line.startswith("warning: ")] == [
        str(found) for found in warned
    ]
    page = (tmp_path / "page.html").read_text("utf-8")
    assert all(found.check in page for found in warned)


# -- what it leaves ----------------------------------------------------------------------------------------------------


def test_the_ledger_says_nothing_of_a_preview(house_in: HouseIn) -> None:
    house = house_in("closed")
    records, heads = list(house.ledger.records()), house.heads()
    anchors, spill = (everything_in(house.warehouse / name) for name in ("anchors", ".spill"))
    assert anchors
    assert preview(house).code == 0
    assert (list(house.ledger.records()), house.heads()) == (records, heads)
    assert (everything_in(house.warehouse / "anchors"), everything_in(house.warehouse / ".spill")) == (anchors, spill)
    house.assert_chain_holds()


def test_two_previews_are_the_same(house_in: HouseIn, tmp_path: Path) -> None:
    house = house_in("days")
    files = [(tmp_path / f"{name}.csv", tmp_path / f"{name}.html") for name in ("first", "second")]
    said = []
    for rows, page in files:
        answer = preview(house, "--csv", rows, "--html", page)
        assert answer.code == 0, answer.err
        said.append(answer.out.split("wrote ")[0])
    assert said[0] == said[1]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


# -- what it refuses ---------------------------------------------------------------------------------------------------


def broken_row(house: House) -> None:
    rows = reference_rows("rate_card")
    house.write_reference("rate_card", [with_fields("rate_card", rows[0], {"unit_price_uwon": "0.7"}), *rows[1:]])


def no_rates(house: House) -> None:
    house.write_reference("rate_card", [row for row in reference_rows("rate_card") if row[0] != "ad_stream"])


def nothing(_: House) -> None:
    pass


@pytest.mark.parametrize(
    ("state", "month", "change", "says"),
    [
        ("closed", MONTH, broken_row, "rate_card.csv, row 1: unit_price_uwon is '0.7'"),
        ("closed", MONTH, no_rates, "the audit refuses build"),
        ("early", MONTH, nothing, "needs raw 2026-02-26, which is not published"),
        ("closed", "2026-05", nothing, "no day of 2026-05 has been ingested"),
        ("closed", "2026-5", nothing, "2026-5"),
    ],
    ids=["broken row", "no rates", "days missing", "no days", "no month"],
)
def test_what_a_settlement_would_refuse_is_refused_and_nothing_is_written(
    state: str, month: str, change: Callable[[House], None], says: str, house_in: HouseIn, tmp_path: Path
) -> None:
    house = house_in(state)
    change(house)
    answer = preview(house, "--csv", tmp_path / "changes.csv", "--html", tmp_path / "page.html", month=month)
    assert answer.code == 1
    assert answer.err.count("error: ") == 1
    assert says in answer.said
    assert list(tmp_path.iterdir()) == []


def test_a_month_is_refused_while_the_month_before_is_open(house_in: HouseIn) -> None:
    house = house_in("open")
    answer = preview(house, "--landing", house.landing, month=NEXT)
    assert answer.code == 1
    assert f"{NEXT} is refused while {MONTH} isn't closed" in answer.said


def test_landing_folders_that_lack_a_day_are_refused_by_name(house_in: HouseIn, tmp_path: Path) -> None:
    house = house_in("open")
    shutil.copytree(house.landing, tmp_path / "landing")
    (tmp_path / "landing" / "plays" / f"dt={FIRST}" / "_SUCCESS").unlink()
    answer = preview(house, "--landing", tmp_path / "landing")
    assert answer.code == 1
    assert f"plays/dt={FIRST} has not arrived" in answer.said
