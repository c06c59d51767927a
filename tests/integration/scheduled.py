"""Scheduled runs in a house: their names, their steps as functions, and the fixtures of the tests about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from settlement.pipeline import MONTH_STAGES
from settlement.settings import settings
from settlement.steps import tasks
from settlement.steps.place import Place
from settlement.steps.tasks import Run
from settlement.warehouse import Partition
from tests.integration.example import LAST, MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf
from tests.worlds.plain import rule

DAILY, MONTHLY = "settlement_daily", "settlement_monthly"
SCHEDULER, APPROVER, OPERATOR = "service:scheduler", "Bea", "Oli"
VERSION = Partition(MONTH, 1)
DAY_RUN, OTHER_DAY_RUN = Run(f"{DAILY}/first", LAST), Run(f"{DAILY}/second", LAST)
MONTH_RUN, OTHER_MONTH_RUN = Run(f"{MONTHLY}/first", MONTH), Run(f"{MONTHLY}/second", MONTH)


@contextmanager
def settings_of_workers(house: House) -> Iterator[None]:
    """What the settings of a worker say: where the house stands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SETTLEMENT_LANDING", str(house.landing))
        patch.setenv("SETTLEMENT_WAREHOUSE", str(house.warehouse))
        patch.setenv("SETTLEMENT_REFERENCE", str(house.reference))
        patch.setenv("SETTLEMENT_READER_PROCESSES", "1")
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def workers(shelf: Shelf) -> Iterator[None]:
    """Settings of workers: every house stands at the same place."""
    with settings_of_workers(House.at(shelf.place)):
        yield


@pytest.fixture
def day(house_in: Callable[[str], House]) -> House:
    """A house whose last day has landed and was never ingested."""
    return house_in("almost")


@pytest.fixture(scope="session")
def statements(shelf: Shelf) -> Path:
    """A house in which a scheduled run has published a month's statements and nobody was asked yet."""
    return shelf.made("statements", "days", _settle_month)


def _settle_month(house: House) -> None:
    with settings_of_workers(house):
        place = Place.open()
        begin(place, MONTH_RUN)
        for stage in MONTH_STAGES:
            settle(place, MONTH_RUN, stage)


@pytest.fixture
def month(shelf: Shelf, statements: Path) -> House:
    """A copy of that house."""
    copy_folder(statements, shelf.place)
    return House.at(shelf.place)


def begin(place: Place, run: Run, by: str = SCHEDULER) -> str:
    """Begin a run; returns the hash of its release."""
    tasks.begin(place, run, by)
    (released,) = place.ledger.records(kind="released", run_id=run.run_id)
    return str(released.body["release"])


def settle(place: Place, run: Run, stage: str) -> list[str]:
    """Build, audit and publish a stage; how each ended."""
    return [step(place, run, stage).outcome for step in (tasks.build, tasks.audit, tasks.publish)]


def change_rules(house: House) -> None:
    """Another minimum play."""
    rules = (rule("sub_stream", 70_000), rule("ad_stream", 30_000), rule("download", 0), rule("promo"))
    house.write_reference("service_rule", rules)


def change_rates(house: House) -> None:
    """Another share of advertising."""
    rates = house.reference / "rate_card.csv"
    rates.write_text(rates.read_text("utf-8").replace("482500", "482501"), "utf-8")


def accepted(house: House) -> None:
    """The last day lands again without its plays, which somebody accepts."""
    house.land("plays", LAST, {})
    answer = house.command("landing", "accept", "--landing", house.landing, "--day", LAST, "--by", "Bea", "--reason", "test")
    assert answer.code == 0, answer.err
