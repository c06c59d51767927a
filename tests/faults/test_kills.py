"""A run killed before and after each step that leaves a trace, and started again, ends as if nothing had happened."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from typing import Any, Literal

import pytest

from tests.faults.killed import Point, run_killed
from tests.faults.processes import Processes
from tests.integration.house import House
from tests.integration.shelf import Shelf

HouseIn = Callable[[str], House]

SEALED = "settlement.ledger.ledger:Ledger.seal"
VERDICT = "settlement.steps.audit:write_verdict"
PUBLISHED = "settlement.ledger.ledger:Ledger.publish"
APPENDED = "settlement.ledger.ledger:append_record"  # inside the transaction
ANCHORED = "settlement.ledger.ledger:Ledger.anchor"  # behind the commit
RENAMED = "settlement.steps.deliver:rename"
MARKED = "settlement.steps.deliver:mark"
BOTH: tuple[Literal["before", "after"], ...] = ("before", "after")


def _long(*what: object) -> Any:
    """The same again, later in the run: another point like those that `make test` tries."""
    return pytest.param(*what, marks=pytest.mark.long)


# The state a run starts from and the point at which it is killed, counted from there. `almost`: the last day and the month
# are left to do, six stages; `days`: the three stages of the month; `open`: approval, reports and closing.
POINTS = [
    ("almost", Point("settlement.landing.reader:read_file", "after", 8)),
    ("almost", Point("settlement.engines.duckdb:Session.build", "after", 2)),
    *(("almost", Point(function, when)) for function in (SEALED, VERDICT, PUBLISHED) for when in BOTH),
    ("days", Point(APPENDED, "after", kind="reserved")),
    ("days", Point("settlement.steps.month:reserve", "after")),
    *(_long("days", Point(function, when, 2)) for function in (SEALED, VERDICT, PUBLISHED) for when in BOTH),
    ("days", Point("settlement.ledger.ledger:move_head", "after", 3)),
    *(("open", Point("settlement.steps.month:approve", when)) for when in BOTH),
    *(_long("open", Point(ANCHORED, "before", call)) for call in (1, 2)),
    ("open", Point("settlement.reports.render:render_month", "after")),
    ("open", Point(RENAMED, "after", 1)),
    *(_long("open", Point(RENAMED, when, 6)) for when in BOTH),
    *(("open", Point(MARKED, when, 1)) for when in BOTH),
    *(_long("open", Point(MARKED, when, 6)) for when in BOTH),
    ("open", Point(APPENDED, "after", kind="closed")),
    *(("open", Point("settlement.steps.month:close", when)) for when in BOTH),
]


@pytest.mark.parametrize(("state", "point"), POINTS, ids=str)
@pytest.mark.fault(22, 30)
def test_a_killed_run_leaves_nothing_that_a_second_run_does_not_put_right(
    state: str, point: Point, processes: Processes, shelf: Shelf, house_in: HouseIn
) -> None:
    expected, reports = shelf.expected(), shelf.published()
    house = house_in(state)
    assert kill(processes, house, point) == -signal.SIGKILL
    house.assert_chain_holds()
    assert readable_only_when_complete(house)
    answer = house.run()
    assert answer.code == 0, answer.err
    assert house.exports() == expected
    assert house.published() == reports
    assert_everything_once(house)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_killed_while_it_freezes_its_rules_is_run_again(
    when: Literal["before", "after"], processes: Processes, shelf: Shelf, house_in: HouseIn
) -> None:
    expected, reports = shelf.expected(), shelf.published()
    house = house_in("open")
    shutil.rmtree(house.warehouse / "releases")
    assert kill(processes, house, Point("settlement.release:rename", when)) == -signal.SIGKILL
    answer = house.run()
    assert answer.code == 0, answer.err
    assert house.exports() == expected
    assert house.published() == reports
    assert_everything_once(house)


@pytest.mark.parametrize(
    "point",
    [
        Point("alembic.op:create_table", "before"),
        Point("alembic.op:create_table", "after"),
        Point("alembic.op:create_table", "after", 2),
        Point("alembic.op:execute", "after"),
        Point("alembic.op:execute", "after", 2),
        Point("settlement.ledger.store:_migrate_file", "after"),
    ],
    ids=str,
)
def test_a_ledger_that_was_being_made_is_made_again(point: Point, processes: Processes, house_in: HouseIn) -> None:
    house = house_in("new")
    assert kill(processes, house, point) == -signal.SIGKILL
    house.assert_chain_holds()
    assert list(house.ledger.records()) == []


def kill(processes: Processes, house: House, point: Point) -> int:
    """The exit code of a run of the month that is killed at the point."""
    log = house.root / "killed.log"
    code = processes.run(run_killed, point, house.run_arguments(), log=log)
    assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")
    return code


def readable_only_when_complete(house: House) -> bool:
    """Whether each folder that says it is complete is: the same files as its manifest says."""
    marked = list((house.warehouse / "published").glob("month=*/version=*/partner=*/_SUCCESS"))
    return all((marker.parent / "manifest.json").exists() for marker in marked)


def assert_everything_once(house: House) -> None:
    """One record of each publication, reservation, approval and closing, and a chain that holds."""
    house.assert_chain_holds()
    for kind in ("published", "reserved", "approved", "closed"):
        twice = {key: times for key, times in house.counted(kind).items() if times != 1}
        assert not twice, f"{kind} more than once: {twice}"
    assert sum(house.counted("closed").values()) == 1
