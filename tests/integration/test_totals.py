"""What people see of a month before it is approved: `settlement totals` and the question to the approver."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from settlement.pipeline import MONTH_STAGES
from settlement.settings import settings
from settlement.steps import settling, tasks
from settlement.steps.place import Place
from settlement.steps.reported import Total
from settlement.steps.tasks import Run
from settlement.warehouse import Partition
from tests.integration.bad import snapshot_rows, with_fields
from tests.integration.example import LAST, MONTH
from tests.integration.figures import change_rates, changes, rows_of, royalties, totals
from tests.integration.house import House, Tree, copy_folder
from tests.integration.shelf import Shelf, settle_days

FIRST_RUN, SECOND_RUN = Run("settlement_monthly/first", MONTH), Run("settlement_monthly/second", MONTH)
TAXES = {
    "1": {"tax_kind": "vat_invoice"},
    "2": {"tax_kind": "withholding", "name": "a|b"},
    "3": {"tax_kind": "exempt", "payout_threshold_krw": "1000000"},
}


@dataclass(frozen=True)
class Asked:
    """A month settled twice by other rates: the house, and what an approver was asked each time."""

    house: House
    first: settling.Question
    second: settling.Question


@pytest.fixture(scope="module")
def settled(shelf: Shelf) -> Iterator[tuple[Path, settling.Question, settling.Question]]:
    house = shelf.house("almost")
    partners = [with_fields("partners", row, TAXES.get(row[0], {})) for row in snapshot_rows("partners")]
    house.write_snapshot("partners", LAST, partners)
    settle_days(house, [LAST])
    with pytest.MonkeyPatch.context() as patch:
        for name in ("landing", "warehouse", "reference"):
            patch.setenv(f"SETTLEMENT_{name.upper()}", str(getattr(house, name)))
        settings.cache_clear()
        first = _settle(FIRST_RUN)
        change_rates(house)
        second = _settle(SECOND_RUN)
        yield Path(shutil.move(house.root, shelf.root / "settled twice")), first, second
    settings.cache_clear()


def _settle(run: Run) -> settling.Question:
    place = Place.open()
    tasks.begin(place, run, "service:scheduler")
    for stage in MONTH_STAGES:
        for step in (tasks.build, tasks.audit, tasks.publish):
            step(place, run, stage)
    return settling.ask(place, run)


@pytest.fixture
def asked(settled: tuple[Path, settling.Question, settling.Question], shelf: Shelf) -> Asked:
    kept, first, second = settled
    copy_folder(kept, shelf.place)
    return Asked(House.at(shelf.place), first, second)


def by_royalty(exports: Tree) -> list[tuple[str, str, str]]:
    """Partner, royalty and payment of each statement, largest royalty first."""
    rows = sorted(rows_of(exports["statement"]), key=lambda row: (-int(row["royalty_krw"]), int(row["partner_id"])))
    return [(row["partner_id"], f"{int(row['royalty_krw']):,}", f"{int(row['paid_krw']):,}") for row in rows]


def tables(body: str) -> list[list[list[str]]]:
    """The question's tables as a reader sees them: rows of cells, without their heads."""
    found: list[list[list[str]]] = []
    for token in MarkdownIt("gfm-like").parse(body):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type == "inline" and token.level == 4:
            found[-1][-1].append("".join(piece.content for piece in token.children or []))
    return [table[1:] for table in found]


# -- settlement totals -------------------------------------------------------------------------------------------------


def test_totals_show_each_partner_s_royalty_and_what_is_transferred(asked: Asked) -> None:
    answer = asked.house.command("totals", "--month", MONTH, "--version", 1)
    assert answer.code == 0, answer.err
    exports = asked.house.exports(version=1)
    cells = [[c.strip() for c in line.split("│")[1:-1]] for line in answer.out.splitlines() if line.startswith("│")]
    assert [(row[0], row[4], row[5]) for row in cells[:-1]] == by_royalty(exports)
    sums = totals(exports)
    assert cells[-1][1:2] + cells[-1][4:] == ["total = Σ pools (royalty)", f"{sums['royalties']:,}", f"{sums['paid']:,}"]
    assert all(sums[name] for name in ("VAT", "withheld", "carried out")), "royalty and payment differ in every way"
    assert max(map(len, answer.out.splitlines())) <= 100


def test_totals_of_the_newest_version_are_shown_unless_another_is_named(asked: Asked) -> None:
    answer = asked.house.command("totals", "--month", MONTH)
    assert f"Statements {MONTH} version 2 · open" in answer.out
    assert f"{totals(asked.house.exports(version=2))['paid']:,}" in answer.out


# -- the question ------------------------------------------------------------------------------------------------------


def test_an_approver_sees_royalty_and_payment_of_each_partner(asked: Asked) -> None:
    partners, _ = tables(asked.first.body)
    assert [(row[0], row[3], row[4]) for row in partners] == by_royalty(asked.house.exports(version=1))
    assert "a|b" in {row[1] for row in partners}


def test_of_many_partners_the_rest_is_added_up() -> None:
    rows = [Total(number, f"n{number}", "producer", 2, 1000, 900) for number in range(1, 14)]
    assert settling._table(rows)[-1] == "| | 3 more | 6 | 3,000 | 2,700 |"


def test_an_approver_of_a_first_version_sees_the_totals_and_that_there_is_nothing_to_compare_with(asked: Asked) -> None:
    _, shown = tables(asked.first.body)
    sums = totals(asked.house.exports(version=1))
    assert {name: (was, now) for name, was, now in shown} == {name: ("", f"{now:,}") for name, now in sums.items()}
    assert "Nothing was settled before: there is nothing to compare with." in asked.first.body


def test_an_approver_sees_totals_and_the_largest_changes_beside_the_version_before(asked: Asked) -> None:
    _, shown, moved = tables(asked.second.body)
    old, new = asked.house.exports(version=1), asked.house.exports(version=2)
    was, now = totals(old), totals(new)
    assert {name: (before, after) for name, before, after in shown} == {
        name: (f"{was[name]:,}", f"{now[name]:,}") for name in now
    }
    expected = changes(royalties(old), royalties(new))
    assert len(expected) > 5
    assert f"{len(expected):,} royalties differ from {Partition(MONTH, 1)}; the largest changes:" in asked.second.body
    assert [(row[0], row[2], row[3], row[4]) for row in moved] == [
        (partner, product, right, f"{delta:+,}") for partner, product, right, _, _, delta in expected[:5]
    ]


def test_an_approver_sees_what_the_audits_warned_of(asked: Asked) -> None:
    for question in (asked.first, asked.second):
        (warned,) = [line for line in question.body.splitlines() if line.startswith("- warning: ")]
        assert "charge\\_known" in warned
        assert "1 rows \\(2026\\-02\\-27\\)" in warned
