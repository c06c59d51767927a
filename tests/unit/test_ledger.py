"""The ledger: what it keeps, how heads move, and how tampering shows."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from settlement.errors import NotAllowed, PublishRefused
from settlement.ledger import Build, Ledger
from settlement.warehouse import Partition

DAY = Partition("2026-02-01")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)


def build(build_id: str, expected_head: str | None = None, stage: str = "ods", run_id: str = "run-1") -> Build:
    return Build(build_id, stage, DAY, run_id, "release", {}, "inputs", "files", {"ods.play": "1-a"}, expected_head, {})


def edit(tmp_path: Path, *statements: str) -> None:
    """Edit the database as somebody would who first takes the guards away."""
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        for name in ("record_no_update", "record_no_delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def published(ledger: Ledger) -> None:
    for number, head in (("b1", None), ("b2", "b1")):
        sealed = build(number, head)
        ledger.seal(sealed)
        ledger.publish(sealed, {}, {"n": number})


def test_a_sealed_build_is_read_back_and_is_no_head(ledger: Ledger) -> None:
    ledger.seal(build("b1"))
    found = ledger.build("b1")
    assert replace(found, seq=0) == build("b1")
    assert ledger.candidate("run-1", "ods", DAY) == found
    assert ledger.candidate("run-2", "ods", DAY) is None
    assert ledger.head("ods", DAY) is None


def test_publishing_moves_the_head_and_the_heads_follow_from_the_chain(ledger: Ledger) -> None:
    published(ledger)
    head = ledger.head("ods", DAY)
    assert head is not None
    assert head.build_id == "b2"
    assert ledger.heads("ods") == {DAY: head}
    assert ledger.problems() == []


def test_a_head_that_moved_refuses_the_publication_and_names_who_moved_it(ledger: Ledger) -> None:
    for number, run in (("b1", "run-1"), ("b2", "run-2")):
        ledger.seal(build(number, run_id=run))
    ledger.publish(build("b1"), {}, {})
    with pytest.raises(PublishRefused, match=r"was published by run run-1 .* while this run, run-2"):
        ledger.publish(build("b2", run_id="run-2"), {}, {})
    head = ledger.head("ods", DAY)
    assert head is not None
    assert head.build_id == "b1"


def test_a_pin_that_is_no_longer_published_refuses_the_publication(ledger: Ledger) -> None:
    raw = build("r1", stage="raw")
    ledger.publish(raw, {}, {})
    ledger.publish(build("r2", "r1", stage="raw"), {}, {})
    with pytest.raises(PublishRefused, match="is stale: it read raw 2026-02-01 as build r1"):
        ledger.publish(build("b1"), {"r1": ("raw", DAY)}, {})
    assert ledger.head("ods", DAY) is None


def test_a_version_keeps_its_number_for_the_same_inputs_and_until_it_is_sealed(ledger: Ledger) -> None:
    first = ledger.reserve("2026-02", "a", "run-1", "Ann")
    assert ledger.reserve("2026-02", "a", "run-2", "Ann") == first == Partition("2026-02", 1)
    assert ledger.reserve("2026-02", "b", "run-3", "Ann") == first
    sealed = replace(build("s1", stage="statements", run_id="run-3"), partition=first, reservation="b")
    ledger.publish(sealed, {}, {})
    assert ledger.reserve("2026-02", "c", "run-4", "Ann") == Partition("2026-02", 2)
    assert ledger.reserve("2026-02", "b", "run-5", "Ann") == first


def test_a_month_s_stage_is_published_only_for_the_reservation_in_force(ledger: Ledger) -> None:
    month = ledger.reserve("2026-02", "a", "run-1", "Ann")
    ledger.reserve("2026-02", "b", "run-2", "Ann")
    with pytest.raises(PublishRefused, match="run run-2 settles 2026-02 version 1 from other inputs or rules"):
        ledger.publish(replace(build("p1", stage="pools"), partition=month, reservation="a"), {}, {})
    with pytest.raises(PublishRefused, match="other inputs or rules"):
        ledger.approve(month, "a", "run-1", {"approved_by": "Bea"})
    ledger.publish(replace(build("p2", stage="pools"), partition=month, reservation="b"), {}, {})


def test_an_approved_version_is_published_before_another_is_made(ledger: Ledger) -> None:
    month = ledger.reserve("2026-02", "a", "run-1", "Ann")
    ledger.approve(month, "a", "run-1", {"approved_by": "Bea"})
    with pytest.raises(NotAllowed, match="is approved and about to be published"):
        ledger.reserve("2026-02", "b", "run-2", "Ann")
    ledger.close(month, "run-1", {})
    ledger.close(month, "run-1", {})
    assert len(list(ledger.records(kind="closed"))) == 1
    for again in (
        lambda: ledger.reserve("2026-02", "b", "run-2", "Ann"),
        lambda: ledger.close(Partition("2026-02", 2), "run-2", {}),
    ):
        with pytest.raises(NotAllowed, match="2026-02 version 1 is closed"):
            again()


@pytest.mark.parametrize("statement", ["UPDATE record SET kind = 'x'", "DELETE FROM record"])
def test_the_chain_refuses_edits(ledger: Ledger, tmp_path: Path, statement: str) -> None:
    published(ledger)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="the ledger is append-only"):
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (["UPDATE record SET body = replace(body, 'b2', 'b3') WHERE seq = 4"], "record 4 was edited"),
        (["UPDATE record SET at = '2020-01-01' WHERE seq = 1"], "record 1 was edited"),
        (["DELETE FROM record WHERE seq = 2"], "record 2 is missing"),
        (
            ["UPDATE record SET seq = 99 WHERE seq = 2", "UPDATE record SET seq = 2 WHERE seq = 3", "UPDATE record SET seq = 3 WHERE seq = 99"],
            "record 2 doesn't follow the record before it",
        ),
        (["DELETE FROM record WHERE seq = 4"], "head of ods 2026-02-01 is not what the chain says"),
        (["UPDATE head SET build_id = 'b1'"], "head of ods 2026-02-01 is not what the chain says"),
        (["DELETE FROM head"], "head of ods 2026-02-01 is missing"),
    ],
)  # fmt: skip
def test_tampering_shows(ledger: Ledger, tmp_path: Path, statements: list[str], problem: str) -> None:
    published(ledger)
    edit(tmp_path, *statements)
    assert any(problem in found for found in ledger.problems()), ledger.problems()


def test_opening_again_keeps_what_is_there(ledger: Ledger, tmp_path: Path) -> None:
    published(ledger)
    again = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)
    assert [r.hash for r in again.records()] == [r.hash for r in ledger.records()]
