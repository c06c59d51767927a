"""Restatements of a closed month: asked for by two at once, answered by two at once, killed on the way.

Whatever happens, one is reserved, one approval holds, deltas are posted once, and nothing that was published changes.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from tests.faults.killed import Point, run_killed
from tests.faults.processes import Processes
from tests.faults.racing import Barrier, Racer, command
from tests.integration.example import LAST, MONTH, NEXT
from tests.integration.house import APPROVER, REQUESTER, House
from tests.integration.test_restating import correct_rates, done, refused, request, restate
from tests.oracle import Restatement, render, settle

HouseIn = Callable[[str], House]
SEALED = "settlement.ledger.ledger:Ledger.seal"
PUBLISHED = "settlement.ledger.ledger:Ledger.publish"
APPENDED = "settlement.ledger.restatements:append_record"  # inside the transaction
APPROVED = "settlement.ledger.ledger:Ledger.approve"
POSTED = "settlement.ledger.ledger:Ledger.post"
RESERVING = Barrier("settlement.ledger.ledger:append_transaction", inside="settlement.ledger.ledger:Ledger.restate")
APPROVING = Barrier("settlement.ledger.ledger:append_transaction", inside=APPROVED)


@pytest.fixture
def house(house_in: HouseIn) -> Iterator[House]:
    """A closed month whose rates were corrected since; what was published must outlive the test, to the byte."""
    made = house_in("closed")
    correct_rates(made)
    published = made.published()
    yield made
    assert made.published() == published
    assert made.counted("closed") == {("", MONTH, 1): 1}
    made.assert_chain_holds()


def asking(house: House, by: str) -> list[str]:
    """Arguments of a request."""
    options = {"--month": MONTH, "--reference": house.reference, "--reason": "rates", "--requested-by": by}
    return ["restate", "request", "--warehouse", str(house.warehouse), *(str(part) for pair in options.items() for part in pair)]


def answering(house: House, by: str) -> list[str]:
    """Arguments of an approval."""
    return ["restate", "approve", "--warehouse", str(house.warehouse), "--month", MONTH, "--approved-by", by]


def at_once(processes: Processes, house: House, arguments: dict[str, list[str]], barrier: Barrier) -> dict[str, tuple[int, str]]:
    """Run the commands side by side from the barrier on; exit code and words of each, by name."""
    racers = {name: Racer(processes, command, words, barrier, log=house.root / name) for name, words in arguments.items()}
    for racer in racers.values():
        racer.wait_at_barrier()
    for racer in racers.values():
        racer.let_go()
    codes = {name: racer.result() for name, racer in racers.items()}
    said = {name: racer.log.read_text("utf-8") for name, racer in racers.items()}
    assert not [words for words in said.values() if "Traceback" in words]
    return {name: (codes[name], said[name]) for name in racers}


@pytest.mark.fault(28)
def test_of_two_requests_at_once_one_is_reserved_and_the_other_names_it(processes: Processes, house: House) -> None:
    ended = at_once(processes, house, {name: asking(house, name) for name in ("Ann", "Cho")}, RESERVING)
    winner, loser = sorted(ended, key=lambda name: ended[name][0])
    assert [ended[name][0] for name in (winner, loser)] == [0, 1]
    assert f"{MONTH} is being restated already: version 2, asked for by {winner}" in " ".join(ended[loser][1].split())
    assert [(r.partition.version, r.requested_by) for r in house.ledger.restatements()] == [(2, winner)]
    assert house.counted("reserved")["", MONTH, 2] == 1
    assert house.counted("published")["lines", MONTH, 2] == 1


@pytest.mark.fault(34)
def test_of_two_approvals_at_once_the_first_holds_and_deltas_are_posted_once(processes: Processes, house: House) -> None:
    done(request(house))
    ended = at_once(processes, house, {name: answering(house, name) for name in ("Bea", "Cho")}, APPROVING)
    assert [code for code, _ in ended.values()] == [0, 0]
    [restated] = house.ledger.restatements()
    assert (restated.state, restated.posted_month) == ("posted", NEXT)
    for _, words in ended.values():
        assert f"{MONTH} version 2 is approved by {restated.approved_by}; its deltas are posted into {NEXT}" in words
    for kind in ("approved", "posted"):
        assert house.counted(kind)["", MONTH, 2] == 1


@pytest.mark.fault(34)
def test_an_approval_by_who_asked_is_refused_beside_one_by_somebody_else(processes: Processes, house: House) -> None:
    done(request(house))
    ended = at_once(processes, house, {name: answering(house, name) for name in (REQUESTER, APPROVER)}, APPROVING)
    assert {name: code for name, (code, _) in ended.items()} == {REQUESTER: 1, APPROVER: 0}
    [record] = house.ledger.records(kind="approved", partition=MONTH, version=2)
    assert record.body["approved_by"] == APPROVER
    assert house.counted("posted") == {("", MONTH, 2): 1}


@pytest.mark.parametrize(
    "point",
    [
        Point(APPENDED, "after", kind="reserved"),
        Point("settlement.ledger.ledger:Ledger.restate", "after"),
        Point(SEALED, "before", 2),
        Point(SEALED, "after", 2),
        Point(PUBLISHED, "before", 2),
        Point(PUBLISHED, "after", 2),
    ],
    ids=str,
)
def test_a_request_that_was_killed_is_rejected_and_asked_for_anew(point: Point, processes: Processes, house: House) -> None:
    """It may have been reserved; then nobody else gets in its way, and a person clears it away."""
    pools = house.export("pool", "--month", MONTH)
    assert killed(processes, house, point, asking(house, REQUESTER)) == -signal.SIGKILL
    house.assert_chain_holds()
    assert house.export("pool", "--month", MONTH) == pools, "what isn't posted is nobody's default"
    left = house.ledger.restatements()
    if left:
        assert "is being restated already" in refused(request(house))
        done(restate(house, "reject"))
    done(request(house))
    done(restate(house, "approve", "--approved-by", APPROVER))
    version = 2 + len(left)
    assert [(r.partition.version, r.version_from) for r in house.ledger.restatements() if r.state == "posted"] == [(version, 1)]
    assert_as_the_oracle_says(house, version)


@pytest.mark.parametrize(
    "point",
    [
        Point(APPROVED, "before"),
        Point(APPROVED, "after"),
        Point(APPENDED, "after", kind="posted"),
        Point("settlement.ledger.ledger:Ledger.anchor", "before"),
        Point("settlement.ledger.ledger:Ledger.anchor", "before", 2),
        Point(POSTED, "after"),
    ],
    ids=str,
)
@pytest.mark.fault(34)
def test_an_answer_that_was_killed_is_given_again_and_posts_once(point: Point, processes: Processes, house: House) -> None:
    """Between approval and posting the answer stands: whoever comes next only posts. Posted, there is nothing left to do."""
    done(request(house))
    assert killed(processes, house, point, answering(house, APPROVER)) == -signal.SIGKILL
    house.assert_chain_holds()
    before = house.ledger.restatements()[0]
    again = restate(house, "approve", "--approved-by", "Cho")
    if before.state == "posted":
        assert f"no restatement of {MONTH} is under way" in refused(again)
    else:
        done(again)
    [after] = house.ledger.restatements()
    assert (after.state, after.posted_month) == ("posted", NEXT)
    assert after.approved_by == (before.approved_by or "Cho")
    for kind in ("approved", "posted"):
        assert house.counted(kind)["", MONTH, 2] == 1
    assert_as_the_oracle_says(house, 2)


def killed(processes: Processes, house: House, point: Point, arguments: list[str]) -> int:
    """The exit code of a command that is killed at the point."""
    log = house.root / "killed.log"
    code = processes.run(run_killed, point, arguments, log=log)
    assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")
    return code


def assert_as_the_oracle_says(house: House, version: int) -> None:
    """The exports of the version that was posted, which is the default now."""
    asked = Restatement(MONTH, NEXT, date.fromisoformat(LAST))
    tables = settle(house.landing, house.reference, [MONTH], [asked])
    for name in ("pool", "settlement_line", "statement_royalty"):
        rows = [{**row, "version": version} for row in tables[name] if row["version"] == 2]
        assert house.export(name, "--month", MONTH) == render(name, rows).encode(), name
