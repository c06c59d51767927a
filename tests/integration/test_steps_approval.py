"""The question to an approver and the answer, as tasks of scheduled runs: nobody approves what they asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, strategies
from hypothesis import settings as hypothesis_settings
from markdown_it import MarkdownIt

from settlement import __version__
from settlement.errors import NotAllowed, SettlementError
from settlement.ledger import Build, Ledger
from settlement.release import Release
from settlement.settings import sql_dir
from settlement.steps import settling, tasks
from settlement.steps.place import Place
from settlement.steps.reported import Total
from settlement.steps.tasks import Run
from settlement.warehouse import Partition, Warehouse, hash_json
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.scheduled import (
    APPROVER,
    MONTH_RUN,
    OPERATOR,
    OTHER_MONTH_RUN,
    SCHEDULER,
    VERSION,
    begin,
    settle,
)
from tests.integration.shelf import Shelf

pytestmark = pytest.mark.usefixtures("workers")


# -- the approver's question -------------------------------------------------------------------------------------------


def test_an_approver_is_asked_with_the_figures_and_where_they_come_from(month: House, shelf: Shelf) -> None:
    place = Place.open()
    question = settling.ask(place, MONTH_RUN)
    exported = [line.split(",") for line in shelf.expected()["statement_royalty"].decode().splitlines()]
    won, partner = exported[0].index("royalty_krw"), exported[0].index("partner_id")
    partners = {row[partner] for row in exported[1:]}
    paid, held = (sum(int(row[won]) for row in exported[1:] if (row[partner] == "0") == is_held) for is_held in (False, True))
    asked = f"publish {paid:,} won to {len(partners - {'0'})} partners ({held:,} won stay in suspense)?"
    assert question.subject == f"Settlement {MONTH} version 1: {asked}"
    assert not question.approved
    rows = question.body.split("\n\n")[0].splitlines()[2:]
    assert len(rows) == len(partners)
    assert sum(int(row.split("|")[4].replace(",", "")) for row in rows) == paid + held
    statements = place.ledger.head_build("statements", VERSION)
    assert statements is not None
    assert f"- statements: {hash_json(dict(statements.rows_hashes))[:16]} " in question.body
    assert "asked for by: service\\:scheduler; they can't approve" in question.body
    assert "rejected" not in question.body
    assert month.counted("approved") == {}


def test_there_is_no_question_before_there_are_statements(house_in: Callable[[str], House]) -> None:
    house_in("days")
    place = Place.open()
    begin(place, MONTH_RUN)
    with pytest.raises(SettlementError, match="has reserved no version"):
        settling.ask(place, MONTH_RUN)
    settle(place, MONTH_RUN, "pools")
    for step in (settling.ask, lambda place, run: settling.approve(place, run, APPROVER, [])):
        with pytest.raises(
            SettlementError, match=rf"there are no statements of {MONTH} version 1[\s\S]*clear the build of statements"
        ):
            step(place, MONTH_RUN)
    assert list(place.ledger.records(kind="approved")) == []


def cells(names: list[str]) -> list[list[str]]:
    """What a reader of the question's table sees, row by row; fails where a name is more than text."""
    rows = [Total(number, name, "producer", 1, 1000, 900) for number, name in enumerate(names, 1)]
    body = "\n".join([*settling._table(rows), "", "- rules: 0123"])
    tokens = MarkdownIt("gfm-like").parse(body)
    assert [token.type for token in tokens].count("table_open") == 1
    assert tokens[-1].type == "bullet_list_close"
    seen = [token.children or [] for token in tokens if token.type == "inline"]
    assert {piece.type for pieces in seen for piece in pieces} <= {"text"}
    texts = ["".join(piece.content for piece in pieces) for pieces in seen]
    return [texts[place : place + 5] for place in range(5, 5 * (len(names) + 1), 5)]


@pytest.mark.parametrize(
    "name",
    [
        "a|b", "a\\|b", "a\\", "|", "<img src=x onerror=alert(1)>", "<script>", "**bold**", "_it_", "`code`", "[x](y)", "![x](y)", "~~x~~",
        "# x", "1. x", "- x", "> x", "\n| 9 | x | 1 | 1 |", "a\nb", "a\tb", "=x", "$x$", "보류", "프리미엄, \"무제한\"", "", "  ", "&", "A&T",
        "AT&amp;T",
        "https://a.example",
    ],
)  # fmt: skip
def test_a_partner_s_name_is_plain_text_in_the_question(name: str) -> None:
    assert cells([name, "next"]) == [["1", " ".join(name.split()), "1", "1,000", "900"], ["2", "next", "1", "1,000", "900"]]


@hypothesis_settings(deadline=None, database=None, derandomize=True)
@given(strategies.lists(strategies.text("\\`*_[]<>|#~!(){}-+=$^\"' \n\t1aé가", max_size=12), min_size=1, max_size=3))
def test_no_name_breaks_out_of_its_cell(names: list[str]) -> None:
    expected = [[str(number), " ".join(name.split()), "1", "1,000", "900"] for number, name in enumerate(names, 1)]
    assert cells(names) == expected


def test_of_many_partners_the_question_shows_ten_and_the_sum_of_the_rest() -> None:
    rows = [Total(number, f"n{number}", "producer", 2, 1000, 900) for number in range(1, 14)]
    lines = settling._table(rows)
    assert len(lines) == 2 + 10 + 1
    assert lines[-1] == "| | 3 more | 6 | 3,000 | 2,700 |"


# -- the answer --------------------------------------------------------------------------------------------------------


def test_an_approval_by_somebody_else_is_recorded_with_everyone_who_asked(month: House) -> None:
    place = Place.open()
    answer = settling.approve(place, MONTH_RUN, APPROVER, [OPERATOR])
    assert answer.sentence == f"{MONTH} version 1 is approved by {APPROVER}"
    (approved,) = place.ledger.records(kind="approved")
    statements = place.ledger.head_build("statements", VERSION)
    assert statements is not None
    assert approved.body == {
        "approved_by": APPROVER,
        "requesters": [OPERATOR, SCHEDULER],
        "rows_hashes": dict(statements.rows_hashes),
    }
    assert settling.ask(place, MONTH_RUN).approved
    assert month.published() == {}


@pytest.mark.fault(34)
def test_of_two_approvals_the_first_holds(month: House) -> None:
    place = Place.open()
    settling.approve(place, MONTH_RUN, APPROVER, [])
    assert settling.approve(place, MONTH_RUN, "Cho", []).sentence == f"{MONTH} version 1 is approved by {APPROVER}"
    assert month.counted("approved") == {("", MONTH, 1): 1}


@pytest.mark.parametrize(("approver", "cleared_by"), [(SCHEDULER, []), (OPERATOR, [OPERATOR]), (OPERATOR, ["Ann", OPERATOR])])
def test_who_asked_or_cleared_is_refused_on_record_and_somebody_else_may_still_approve(
    approver: str, cleared_by: list[str], month: House
) -> None:
    place = Place.open()
    with pytest.raises(NotAllowed, match=rf"{MONTH} version 1 can't be approved by {approver}, who is among its requesters"):
        settling.approve(place, MONTH_RUN, approver, cleared_by)
    (refused,) = place.ledger.records(kind="refused")
    assert (refused.run_id, refused.partition) == (MONTH_RUN.run_id, VERSION)
    assert refused.body["by"] == approver
    assert "who is among its requesters" in refused.body["reason"]
    assert month.counted("approved") == {}
    with pytest.raises(NotAllowed, match="is not approved"):
        settling.publish_reports(place, MONTH_RUN)
    assert settling.approve(place, MONTH_RUN, APPROVER, cleared_by).outcome == "approved"


def test_who_took_a_month_over_is_refused_in_the_run_that_was_taken_over(month: House) -> None:
    place = Place.open()
    begin(place, OTHER_MONTH_RUN, "Ann")
    tasks.build(place, OTHER_MONTH_RUN, "pools", take_over=True)
    with pytest.raises(NotAllowed, match=r"can't be approved by Ann, who is among its requesters \(Ann, service:scheduler\)"):
        settling.approve(place, MONTH_RUN, "Ann", [])
    assert month.counted("approved") == {}


def test_a_rejection_is_recorded_publishes_nothing_and_the_next_question_says_so(month: House) -> None:
    place = Place.open()
    answer = settling.reject(place, MONTH_RUN, APPROVER)
    assert answer.sentence == f"{MONTH} version 1 is rejected by {APPROVER}: nothing was published, the month stays open"
    (rejected,) = place.ledger.records(kind="rejected")
    assert (rejected.body, rejected.partition) == ({"by": APPROVER}, VERSION)
    assert (month.published(), month.counted("closed")) == ({}, {})
    with pytest.raises(NotAllowed, match="is not approved"):
        settling.close(place, MONTH_RUN)
    question = settling.ask(place, MONTH_RUN)
    assert "- rejected before: 1 times" in question.body
    assert not question.approved


# -- nobody approves what they asked for -------------------------------------------------------------------------------


names = strategies.sampled_from(["Ann", "Bea", "Cho", "Dan"])


@pytest.fixture(scope="module")
def begun(shelf: Shelf) -> Place:
    """A place where a release is frozen, and nothing else: approvals look at names only."""
    shelf.house("new")
    place = Place.open()
    root = shelf.root / "begun"
    release = Release.freeze(sql_dir(), shelf.place / "reference", place.warehouse)
    place.ledger.append_once("released", "template", {"release": release.hash}, Partition(MONTH))
    copy_folder(place.warehouse.root, root)
    return replace(place, warehouse=Warehouse(root))


@hypothesis_settings(deadline=None, database=None, derandomize=True, max_examples=60)
@given(
    runs=strategies.lists(names, min_size=1, max_size=3),
    published_by=names,
    cleared_by=strategies.lists(names, max_size=2),
    answers=strategies.lists(names, min_size=1, max_size=4),
)
@pytest.mark.fault(34)
def test_nobody_is_ever_approver_and_requester(
    begun: Place, runs: list[str], published_by: str, cleared_by: list[str], answers: list[str]
) -> None:
    copy = begun.warehouse.root / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    shutil.copy(begun.warehouse.root / "ledger.db", copy)
    ledger = Ledger(f"sqlite:///{copy / 'ledger.db'}", copy)
    place = replace(begun, ledger=ledger)
    (template,) = ledger.records(kind="released")
    for number, by in enumerate(runs):
        body = {**template.body, "package": __version__, "requested_by": by}
        ledger.append("released", f"run-{number}", body, Partition(MONTH))
        ledger.reserve(MONTH, "inputs", f"run-{number}", by, "take_over")
    build = Build("s1", "statements", VERSION, "run-0", "r", {}, "i", "f", {"mart.x": "1"}, None, {}, "inputs")
    ledger.seal(build)
    ledger.publish(build, {}, {"requested_by": published_by})
    asked = {*runs, published_by, *cleared_by}
    for number, answer in enumerate(answers):
        run = Run(f"run-{number % len(runs)}", MONTH)
        if answer in asked:
            with pytest.raises(NotAllowed, match=f"can't be approved by {answer}"):
                settling.approve(place, run, answer, cleared_by)
        else:
            settling.approve(place, run, answer, cleared_by)
    approved = list(ledger.records(kind="approved"))
    refused = [record.body["by"] for record in ledger.records(kind="refused")]
    assert refused == [answer for answer in answers if answer in asked]
    assert [record.body["approved_by"] for record in approved] == [answer for answer in answers if answer not in asked][:1]
    for record in approved:
        assert record.body["approved_by"] not in record.body["requesters"]
        assert set(record.body["requesters"]) == asked
