"""Tasks of a day cleared at every moment, workers and the scheduler killed: one publication, the same content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from settlement.warehouse import Partition
from tests.airflow.town import DAILY, INGEST, Town
from tests.integration.example import LAST
from tests.integration.house import DAILY_EXPORTS, House, Tree
from tests.integration.shelf import settle_days

STEPS = ("build", "audit", "publish")
TASKS = ("ods.build", "ods.audit", "daily.publish")
SEALING = "settlement.ledger.ledger:Ledger.seal"
PUBLISHING = "settlement.ledger.ledger:Ledger.publish"


@dataclass(frozen=True)
class Day:
    """The last day's run, done once, and what it published."""

    town: Town
    house: House
    run: str
    hashes: dict[str, dict[str, str]]

    def clear(self, *tasks: str, **more: bool) -> None:
        self.town.api.clear(DAILY, dag_run_id=self.run, task_ids=list(tasks), **more)

    def ends_well(self) -> None:
        assert self.town.api.wait_run(DAILY, self.run) == "success", self.town.story(DAILY, self.run)
        self.same()

    def same(self) -> None:
        """Published once, with the same content, and the chain holds."""
        assert hashes(self.house) == self.hashes
        for stage in ("ods", "daily"):
            assert self.house.counted("published")[(stage, LAST, 0)] == 1
        self.house.assert_chain_holds()


def hashes(house: House) -> dict[str, dict[str, str]]:
    builds = {stage: house.ledger.head_build(stage, Partition(LAST)) for stage in ("ods", "daily")}
    return {stage: dict(build.rows_hashes) for stage, build in builds.items() if build is not None}


@pytest.fixture(scope="module")
def settled(town: Town) -> Day:
    house = town.move_in("almost")
    settle_days(house, [LAST], ("raw",), run_id="outside")
    run = town.run(DAILY, LAST)
    day = Day(town, house, run, hashes(house))
    day.same()
    assert {name: house.export(name, "--month", LAST[:7]) for name in DAILY_EXPORTS} == expected(town)
    return day


def expected(town: Town) -> Tree:
    return {name: town.shelf.expected()[name] for name in DAILY_EXPORTS}


@pytest.mark.parametrize("task", TASKS)
def test_cleared_alone_after_success_and_twice(settled: Day, task: str) -> None:
    for _ in range(2):
        before = settled.town.api.tasks(DAILY, settled.run)
        settled.clear(task)
        settled.ends_well()
        after = settled.town.api.tasks(DAILY, settled.run)
        again = {name for name in after if after[name]["try_number"] > before[name]["try_number"]}
        assert again == {task}


def test_cleared_with_all_that_comes_after(settled: Day) -> None:
    settled.clear("ods.build", include_downstream=True)
    settled.ends_well()
    tasks = settled.town.api.tasks(DAILY, settled.run)
    assert all(task["state"] == "success" for task in tasks.values())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.fault(9)
def test_cleared_while_running_then_finished_by_the_new_attempt(settled: Day, step: str) -> None:
    town, task = settled.town, f"daily.{step}"
    hold = town.hold(step, "daily", LAST)
    settled.clear(task)
    first = hold.wait()
    settled.clear(task)
    second = hold.wait(besides=[first])
    assert second != first
    hold.release()
    settled.ends_well()


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_in_the_task_is_followed_by_a_retry(settled: Day, step: str) -> None:
    town, task = settled.town, f"ods.{step}"
    hold = town.hold(step, "ods", LAST)
    settled.clear(task)
    attempt = town.api.wait_task(DAILY, settled.run, task, ["running"])["try_number"]
    town.kill_worker(hold.wait())
    hold.release()
    settled.ends_well()
    assert town.api.tasks(DAILY, settled.run)[task]["try_number"] > attempt


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.fault(9)
def test_the_scheduler_killed_and_started_again_in_the_middle_of_a_task(settled: Day, step: str) -> None:
    town, task = settled.town, f"daily.{step}"
    hold = town.hold(step, "daily", LAST)
    settled.clear(task)
    hold.wait()
    town.airflow.kill("scheduler")
    hold.release()
    town.airflow.up()
    settled.ends_well()


POINTS = (  # the first two are those after which most is at stake
    ("build", f"after {SEALING}"),
    ("publish", f"after {PUBLISHING}"),
    ("build", f"before {SEALING}"),
    ("audit", "start"),
    ("audit", "after settlement.steps.audit:write_verdict"),
    ("publish", f"before {PUBLISHING}"),
)


def _killed_at(index: int, step: str, point: str) -> Any:
    return pytest.param(step, point, id=f"{step} {point.split(':', maxsplit=1)[0]}", marks=pytest.mark.long if index > 1 else ())


@pytest.mark.parametrize(("step", "point"), [_killed_at(index, *point) for index, point in enumerate(POINTS)])
def test_a_worker_killed_at_a_point_of_the_first_attempt(town: Town, step: str, point: str) -> None:
    house = town.move_in("almost")  # nobody has ingested the last day
    hold = town.hold(step, "raw", LAST, point)
    run = town.api.trigger(INGEST, LAST)
    town.kill_worker(hold.wait())
    hold.release()
    assert town.api.wait_run(INGEST, run) == "success", town.story(INGEST, run)
    raw, same = (ledger.head_build("raw", Partition(LAST)) for ledger in (house.ledger, town.shelf.house("days").ledger))
    assert raw is not None
    assert same is not None
    assert raw.rows_hashes == same.rows_hashes
    assert house.counted("published")[("raw", LAST, 0)] == 1
    house.assert_chain_holds()
