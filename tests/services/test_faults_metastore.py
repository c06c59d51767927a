"""Fault 33: the metastore is gone, with the Hive that computes, while a day is built and published. A stack of the test's own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from local.services.stack import Stack
from settlement.errors import EngineError
from settlement.ledger.records import Build
from settlement.steps import tasks
from settlement.steps.place import Place
from settlement.steps.tasks import Run
from settlement.storage import Location, location
from tests.integration.example import FIRST
from tests.integration.scheduled import change_rules
from tests.integration.shelf import Shelf
from tests.services.served import Served, served

pytestmark = pytest.mark.long
LINES, COLUMNS = "mart_settlement_daily", ("product_id", "track_id", "right_type", "partner_id", "plays", "amount_uwon")
PATIENCE_SECONDS = 240


@pytest.fixture
def day(own_stack: Stack, shelf: Shelf) -> Iterator[Served]:
    """The first day's plays are published, its lines aren't; the ledger is a file."""
    own_stack.up(["hive"])
    house = shelf.house("new")
    with served(own_stack, house, ("raw", "ods"), f"sqlite:///{house.root / 'moved.db'}") as made:
        yield made


def test_33_without_its_metastore_a_stage_fails_clearly_and_goes_on_when_it_is_back(day: Served) -> None:
    first = day.begin("daily/first")
    day.candidate(first)
    day.hive.kill()
    _fails_clearly(lambda: day.publish(first))
    (head,) = day.house.ledger.records(kind="published", stage="daily", partition=FIRST)
    day.stack.up(["hive"])
    assert day.partitions(LINES) == [], "people see nothing of it yet"
    assert day.publish(first) == "done"
    assert _seen(day) == day.by_duckdb(day.context(first), LINES, COLUMNS)

    change_rules(day.house)
    second = day.begin("daily/second")
    with day.settings("duckdb"):
        for step in (tasks.build, tasks.audit, tasks.publish):
            step(Place.open(), second, "ods")
    before, sealed = _seen(day), _sealed(day)
    killer = threading.Thread(target=_kill_when_something_is_written, args=(day, _written(day, second)))
    killer.start()
    _fails_clearly(lambda: tasks.build(Place.open(), second, "daily"))
    killer.join(PATIENCE_SECONDS)
    _fails_clearly(lambda: tasks.build(Place.open(), second, "daily"))
    assert _sealed(day) == sealed
    assert day.head() == head.build_id
    day.stack.up(["hive"])
    assert _seen(day) == before

    for step in (tasks.build, tasks.audit, tasks.publish):
        step(Place.open(), second, "daily")
    assert day.head() != head.build_id
    assert _seen(day) == day.by_duckdb(day.context(second), LINES, COLUMNS) != before
    built = day.house.ledger.head_build("daily", second.partition)
    assert isinstance(built, Build)
    assert built.engine.startswith("hive")
    assert day.house.ledger.problems() == []


def _fails_clearly(step: Callable[[], object]) -> None:
    with pytest.raises(EngineError) as refused:
        step()
    assert "Hive" in refused.value.message, refused.value
    assert refused.value.hint, "says what to do"


def _seen(day: Served) -> list[tuple[str, ...]]:
    return day.by_hive(LINES, COLUMNS)


def _sealed(day: Served) -> int:
    return len(list(day.house.ledger.records(kind="sealed", stage="daily", partition=FIRST)))


def _written(day: Served, run: Run) -> Location:
    """Where the builds of the stage's first table lie."""
    table = day.context(run).release.catalog.of_stage("daily")[0]
    return location(f"{day.root}/warehouse/tables/{table.name.replace('.', '/')}")


def _kill_when_something_is_written(day: Served, folder: Location) -> None:
    """Kill Hive when the first table has got another file."""
    before, until = set(folder.rglob("*.parquet")), time.monotonic() + PATIENCE_SECONDS
    while set(folder.rglob("*.parquet")) == before and time.monotonic() < until:
        time.sleep(0.1)
    day.hive.kill()
