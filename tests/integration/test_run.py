"""A month and the month after it, from landing to reports, against the oracle."""

from __future__ import annotations

import csv

from tests.integration.bad import HouseIn
from tests.integration.example import MONTH, NEXT
from tests.integration.shelf import Shelf


def test_every_export_of_a_month_is_what_the_oracle_says(shelf: Shelf, house_in: HouseIn) -> None:
    house = house_in("closed")
    assert house.exports(MONTH) == shelf.expected(MONTH)


def test_two_months_one_by_one_or_as_a_range_are_what_the_oracle_says(shelf: Shelf, house_in: HouseIn) -> None:
    house = house_in("next_days")
    for month in (MONTH, NEXT):
        answer = house.run(month)
        assert answer.code == 0, answer.err
        assert house.exports(month) == shelf.expected(month)
    pools = csv.DictReader(house.export("pool", "--month", NEXT).decode().splitlines())
    owed = {(row["carry_uwon"], row["revenue_uwon"]) for row in pools if row["product_id"] == "A"}
    assert owed == {("-500000000", "1499000000")}
    reports = house.published()

    at_once = house_in("next_days")
    answer = at_once.run(f"{MONTH}..{NEXT}")
    assert answer.code == 0, answer.err
    for month in (MONTH, NEXT):
        assert f"{month} version 1: closed" in answer.said
        assert at_once.exports(month) == shelf.expected(month)
    assert at_once.published() == reports


def test_every_stage_of_every_day_is_published_once_and_a_month_once(house_in: HouseIn) -> None:
    house = house_in("closed")
    published = house.counted("published")
    assert set(published.values()) == {1}
    assert len(published) == 3 * 28 + 3


def test_the_run_shows_the_statements_and_what_comes_next(house_in: HouseIn) -> None:
    house = house_in("days")
    answer = house.run()
    for word in (
        f"Statements {MONTH} version 1 · closed", "보류 (suspense)", "total = Σ pools", "index.html", "settlement export",
        "settlement ledger verify",
    ):  # fmt: skip
        assert word in answer.out


def test_every_partner_folder_and_the_month_are_complete(house_in: HouseIn) -> None:
    house = house_in("closed")
    base = f"month={MONTH}/version=1"
    expected = {f"{base}/index.html", f"{base}/_SUCCESS"}
    for partner in range(5):
        files = ("_SUCCESS", "manifest.json", "usage.csv") + (("statement.xlsx",) if partner == 0 else ())
        expected |= {f"{base}/partner={partner}/{name}" for name in files}
    assert house.published().keys() == expected
