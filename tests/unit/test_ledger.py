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
    result = ledger.result("run-1", "ods", DAY)
    assert result is not None
    assert Build.of_record(result) == found
    assert ledger.result("run-2", "ods", DAY) is None
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
    ledger.seal(sealed)
    ledger.publish(sealed, {}, {})
    assert ledger.reserve("2026-02", "c", "run-4", "Ann") == Partition("2026-02", 2)
    assert ledger.reserve("2026-02", "b", "run-5", "Ann") == first


def test_a_version_that_others_took_over_and_sealed_is_not_given_back(ledger: Ledger) -> None:
    first = ledger.reserve("2026-02", "a", "run-1", "Ann")
    assert ledger.reserve("2026-02", "b", "run-2", "Ann") == first
    sealed = replace(build("s1", stage="statements", run_id="run-2"), partition=first, reservation="b")
    ledger.seal(sealed)
    ledger.publish(sealed, {}, {})
    assert ledger.reserve("2026-02", "a", "run-1", "Ann") == Partition("2026-02", 2)


def test_a_month_s_stage_is_published_only_for_the_reservation_in_force(ledger: Ledger) -> None:
    month = ledger.reserve("2026-02", "a", "run-1", "Ann")
    ledger.reserve("2026-02", "b", "run-2", "Ann")
    with pytest.raises(PublishRefused, match="run run-2 settles 2026-02 version 1 from other inputs or rules"):
        ledger.publish(replace(build("p1", stage="pools"), partition=month, reservation="a"), {}, {})
    with pytest.raises(PublishRefused, match="other inputs or rules"):
        ledger.approve(replace(build("s1", stage="statements"), partition=month, reservation="a"), "run-1", "Bea", set(), {})
    ledger.publish(replace(build("p2", stage="pools"), partition=month, reservation="b"), {}, {})


def test_an_approved_version_is_published_before_another_is_made(ledger: Ledger) -> None:
    month = ledger.reserve("2026-02", "a", "run-1", "Ann")
    ledger.approve(replace(build("s1", stage="statements"), partition=month, reservation="a"), "run-1", "Bea", set(), {})
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


def closed_month(ledger: Ledger) -> None:
    """February, closed with version 1."""
    month = ledger.reserve("2026-02", "a", "run-1", "Ann")
    ledger.approve(replace(build("s1", stage="statements"), partition=month, reservation="a"), "run-1", "Bea", set(), {})
    ledger.close(month, "run-1", {})


def restated(ledger: Ledger, run_id: str = "run-2") -> tuple[Partition, Build]:
    """A restatement of February that somebody asks for, with the lines it comes to."""
    version = ledger.restate("2026-02", "b", run_id, "Ann", "shares were wrong")
    return version, replace(build("l2", stage="lines", run_id=run_id), partition=version, reservation="b")


def test_what_is_approved_is_not_rejected_and_what_is_rejected_not_approved(ledger: Ledger) -> None:
    closed_month(ledger)
    version, lines = restated(ledger)
    ledger.reject(version, "run-2", "Cho")
    ledger.reject(version, "run-2", "Cho")
    assert len(list(ledger.records(kind="rejected"))) == 1
    with pytest.raises(NotAllowed, match="2026-02 version 1 is closed"):
        ledger.approve(lines, "run-2", "Bea", set(), {})
    version, lines = restated(ledger, "run-3")
    assert version == Partition("2026-02", 3)
    ledger.approve(lines, "run-3", "Bea", set(), {})
    with pytest.raises(NotAllowed, match="2026-02 version 3 is approved"):
        ledger.reject(version, "run-3", "Cho")


def test_a_run_whose_restatement_was_rejected_asks_for_no_other(ledger: Ledger) -> None:
    closed_month(ledger)
    version, _ = restated(ledger)
    ledger.reject(version, "run-2", "Cho")
    with pytest.raises(NotAllowed, match="2026-02 version 2, which this run asked for, was rejected"):
        restated(ledger)


def test_statements_without_what_was_posted_are_not_published(ledger: Ledger) -> None:
    closed_month(ledger)
    version, lines = restated(ledger)
    ledger.approve(lines, "run-2", "Bea", set(), {})
    assert ledger.next_to_settle() == "2026-03"
    ledger.post(version, "run-2")
    march = ledger.reserve("2026-03", "c", "run-4", "Ann")
    statements = replace(build("s3", stage="statements", run_id="run-4"), partition=march, reservation="c")
    with pytest.raises(PublishRefused, match="2026-03 version 1 was settled before the restatement 2026-02 version 2 was posted"):
        ledger.publish(statements, {}, {})
    ledger.publish(replace(statements, pins={"lines/2026-02/1": "l1", "lines/2026-02/2": "l2"}), {}, {})


def test_a_fork_knows_what_came_before_a_month_and_writes_no_anchor(ledger: Ledger, tmp_path: Path) -> None:
    published(ledger)
    closed_month(ledger)
    (tmp_path / "fork").mkdir()
    fork = ledger.fork(tmp_path / "fork", "2026-02")
    assert fork.head("ods", DAY) == ledger.head("ods", DAY)
    assert [r.kind for r in fork.records() if r.kind in ("reserved", "approved", "closed")] == []
    sealed = build("b3", "b2")
    fork.seal(sealed)
    fork.publish(sealed, {}, {})
    assert not (tmp_path / "fork" / "anchors").exists()
    head = ledger.head("ods", DAY)
    assert head is not None
    assert head.build_id == "b2"
