"""Reference rows that overlap, leave a gap or are missing stop the run: rules §10 and §4."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from settlement import reference
from settlement.errors import BadInput
from settlement.settings import sql_dir
from settlement.tables import Catalog, load
from tests.integration.bad import HouseIn, reference_rows, refused, with_fields
from tests.integration.example import LAST, MONTH, example
from tests.integration.house import House
from tests.worlds import write_reference


def test_overlapping_rate_rows(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = reference_rows("rate_card")
    house.write_reference("rate_card", [*rows, with_fields("rate_card", rows[0], {"cohort": "new", "valid_from": "2026-01-01"})])
    refused(house, "rate_card.csv, row 10: overlaps row 1: sub_stream, new, author is valid twice from 2026-01-01")


def test_overlapping_service_rules(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = reference_rows("service_rule")
    house.write_reference("service_rule", [*rows, with_fields("service_rule", rows[1], {"valid_from": "2026-01-01"})])
    refused(house, "service_rule.csv, row 5: overlaps row 2: ad_stream is valid twice from 2026-01-01")


def test_overlapping_in_app_rules(house_in: HouseIn) -> None:
    house = house_in("days")
    house.write_reference("in_app_rule", [("2022-06-01", "", "a"), ("2026-05-31", "2026-06-01", "b")])
    refused(house, "in_app_rule.csv, row 2: overlaps row 1: the in-app rule is valid twice from 2026-05-31")


def test_a_gap_in_the_rate_card(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = reference_rows("rate_card")
    first = with_fields("rate_card", rows[0], {"valid_to": "2026-02-03"})
    later = with_fields("rate_card", rows[0], {"valid_from": "2026-02-05"})
    house.write_reference("rate_card", [first, *rows[1:], later])
    refused(house, "rate_card.csv, row 10: gap after row 1: sub_stream, new, author has no row on 2026-02-04")


def test_a_gap_in_the_service_rules(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = reference_rows("service_rule")
    first = with_fields("service_rule", rows[0], {"valid_to": "2026-02-03"})
    later = with_fields("service_rule", rows[0], {"valid_from": "2026-02-05"})
    house.write_reference("service_rule", [first, *rows[1:], later])
    refused(house, "service_rule.csv, row 5: gap after row 1: sub_stream has no row on 2026-02-04")


def test_a_gap_in_the_in_app_rules_is_legal(house_in: HouseIn) -> None:
    house = house_in("new")
    house.write_reference("in_app_rule", [("2022-06-01", "2026-02-01", "a"), ("2026-03-01", "", "b")])
    (house.folder("plays", LAST) / "_SUCCESS").unlink()
    refused(house, f"plays/dt={LAST} has not arrived")  # the rules were good enough to come that far


def test_a_rate_row_that_is_missing(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = [row for row in reference_rows("rate_card") if (row[0], row[2]) != ("ad_stream", "performer")]
    house.write_reference("rate_card", rows)
    refused(
        house,
        f"pools {MONTH} version 1",
        "rate_row_known",
        "product_id=A, service=ad_stream, cohort=legacy, right_type=performer",
    )


def test_a_rate_row_of_another_cohort_is_none(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = [
        with_fields("rate_card", row, {"cohort": "new"}) if row[0] == "ad_stream" else row for row in reference_rows("rate_card")
    ]
    house.write_reference("rate_card", rows)
    refused(house, "rate_row_known", "product_id=A, service=ad_stream, cohort=legacy")


def test_a_rate_card_that_begins_inside_the_month(house_in: HouseIn) -> None:
    house = house_in("days")
    rows = [
        with_fields("rate_card", row, {"valid_from": "2026-02-02"}) if row[0] == "sub_stream" else row
        for row in reference_rows("rate_card")
    ]
    house.write_reference("rate_card", rows)
    refused(house, "rate_row_known", "product_id=P, service=sub_stream, cohort=new")


def test_a_service_without_a_rule(house_in: HouseIn) -> None:
    house = house_in("almost")
    house.write_reference("service_rule", [row for row in reference_rows("service_rule") if row[0] != "promo"])
    refused(house, "service_rule_known", "product_id=Q, service=promo")


@pytest.mark.parametrize(
    ("table", "fields", "says"),
    [
        ("rate_card", {"service": "radio"}, "service is 'radio'"),
        ("rate_card", {"cohort": "old"}, "cohort is 'old'"),
        ("rate_card", {"right_type": "writer"}, "right_type is 'writer'"),
        ("rate_card", {"valid_from": ""}, "valid_from is ''"),
        ("rate_card", {"valid_to": "2013-04-30"}, "valid_to 2013-04-30 lies before valid_from 2013-05-01"),
        ("rate_card", {"unit_price_uwon": "0.7"}, "unit_price_uwon is '0.7'"),
        ("rate_card", {"revenue_rate_ppm": "1000001"}, "revenue_rate_ppm is '1000001'"),
        ("rate_card", {"no_pool": "true"}, "a row either says no_pool or has at least one of the three legs"),
        ("service_rule", {"min_play_ms": ""}, "min_play_ms is ''"),
        ("service_rule", {"max_plays_per_user_track_day": "-1"}, "max_plays_per_user_track_day is '-1'"),
        ("in_app_rule", {"valid_from": "June"}, "valid_from is 'June'"),
    ],
)
def test_a_reference_value_off_its_form(table: str, fields: dict[str, str], says: str, tmp_path: Path) -> None:
    house = House.at(tmp_path)
    write_reference(example(), house.reference)
    rows = reference_rows(table)
    house.write_reference(table, [with_fields(table, rows[0], fields), *rows[1:]])
    assert f"{table}.csv, row 1: {says}" in reading_fails(house.reference)


def test_a_reference_value_off_its_form_stops_the_run(house_in: HouseIn) -> None:
    house = house_in("new")
    rows = reference_rows("rate_card")
    house.write_reference("rate_card", [with_fields("rate_card", rows[0], {"unit_price_uwon": "0.7"}), *rows[1:]])
    refused(house, "rate_card.csv, row 1: unit_price_uwon is '0.7'")
    assert list(house.ledger.records()) == []
    assert list(house.warehouse.glob("releases/*")) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("example\n", 'example\n"2030-01-01', "broken CSV"),
        ("example\n", "example\n2030-01-01,\n", ", row 2: 2 fields where the header has 3"),
        ("valid_to", "until", ": column valid_to is missing"),
        ("2022-06-01,2026-05-31,example\n", "", None),
        (None, "", ": broken CSV"),
    ],
)
def test_a_reference_file_that_is_broken(old: str | None, new: str, says: str | None, tmp_path: Path) -> None:
    house = House.at(tmp_path)
    write_reference(example(), house.reference)
    file = house.reference / "in_app_rule.csv"
    text = file.read_text("utf-8")
    file.write_text(new if old is None else text.replace(old, new), "utf-8")
    if says is None:
        assert reference.read(house.reference, catalog())["ref.in_app_rule"].num_rows == 0
    else:
        assert f"in_app_rule.csv{says}" in reading_fails(house.reference) or says in reading_fails(house.reference)


def test_a_reference_file_that_is_not_utf8_or_missing(tmp_path: Path) -> None:
    house = House.at(tmp_path)
    write_reference(example(), house.reference)
    file = house.reference / "service_rule.csv"
    file.write_bytes(file.read_bytes().replace(b"example", b"\xff"))
    assert "service_rule.csv: not UTF-8" in reading_fails(house.reference)
    file.unlink()
    assert "service_rule.csv: missing" in reading_fails(house.reference)


@lru_cache(maxsize=1)
def catalog() -> Catalog:
    return load(sql_dir())


def reading_fails(folder: Path) -> str:
    with pytest.raises(BadInput) as refusal:
        reference.read(folder, catalog())
    return str(refusal.value)
