"""Three months and the restatements between them by the DAGs: every export is what it is by the command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from settlement.pipeline import days_of
from tests.airflow.town import MONTHLY, RESTATEMENT, Town
from tests.integration.chained import (
    APRIL,
    APRIL_DAYS,
    FEBRUARY,
    MARCH,
    MARCH_DAYS,
    MONTHS,
    VERSIONS,
    assert_month,
    assert_version,
    chained,
    chained_exports,
    with_other_rates,
)
from tests.integration.house import House
from tests.integration.shelf import lay_out, settle_days
from tests.oracle import Exports

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def chain(town: Town, work: Path) -> Iterator[tuple[House, Exports]]:
    """The house after April, and what the oracle says. Days, whose DAGs other tests run, are settled by the package."""
    house = town.furnish(lay_out(chained(), work / "chained_by_dags"))
    other = with_other_rates(house)
    expected = chained_exports(house, other)
    card = house.reference / "rate_card.csv"
    rates = card.read_bytes()

    settle_days(house, days_of(FEBRUARY))
    settle(town, FEBRUARY)
    settle_days(house, days_of(MARCH)[:MARCH_DAYS])
    restate(town, FEBRUARY)
    settle_days(house, days_of(MARCH)[MARCH_DAYS:])
    settle(town, MARCH)
    settle_days(house, days_of(APRIL)[:APRIL_DAYS])
    restate(town, FEBRUARY)
    card.write_bytes((other.reference / card.name).read_bytes())
    restate(town, MARCH)
    card.write_bytes(rates)
    settle_days(house, days_of(APRIL)[APRIL_DAYS:])
    settle(town, APRIL)
    yield house, expected
    town.end_runs()


def settle(town: Town, month: str) -> None:
    town.approve(MONTHLY, town.api.trigger(MONTHLY, month))


def restate(town: Town, month: str) -> None:
    town.approve(RESTATEMENT, town.api.start(RESTATEMENT, month=month, reason=f"rights of {month}"))


@pytest.mark.parametrize("month", MONTHS)
def test_every_export_of_a_month_is_what_the_oracle_says(chain: tuple[House, Exports], month: str) -> None:
    assert_month(*chain, month)


@pytest.mark.parametrize(("month", "version"), VERSIONS)
def test_every_version_is_what_the_oracle_says(chain: tuple[House, Exports], month: str, version: int) -> None:
    assert_version(*chain, month, version)


def test_each_month_is_closed_once_each_restatement_posted_once_and_the_chain_holds(chain: tuple[House, Exports]) -> None:
    house, _ = chain
    assert house.counted("closed") == {("", month, 1): 1 for month in MONTHS}
    assert house.counted("posted") == {("", month, version): 1 for month, version in VERSIONS if version > 1}
    house.assert_chain_holds()
