"""A month and the month after it, from landing to reports, against the oracle."""

from collections.abc import Callable

from tests.integration.example import MONTH, NEXT
from tests.integration.house import House
from tests.integration.shelf import Shelf

HouseIn = Callable[[str], House]


def test_every_export_of_a_month_is_what_the_oracle_says(shelf: Shelf, house_in: HouseIn) -> None:
    house = house_in("closed")
    assert house.exports(MONTH) == shelf.expected(MONTH)


def test_two_months_in_one_run_are_what_the_oracle_says(shelf: Shelf, house_in: HouseIn) -> None:
    house = house_in("both")
    assert house.exports(MONTH) == shelf.expected(MONTH)
    assert house.exports(NEXT) == shelf.expected(NEXT)
