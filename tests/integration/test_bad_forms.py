"""Values off their form: one row of one file is enough, and the message names it.

Every form is put before the reader of landed files; one of each kind goes through a whole run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.bad import PAYMENTS as FILE
from tests.integration.bad import (
    HouseIn,
    payment_file,
    payments_landed,
    read_alone,
    refused,
    revenue_file,
    snapshot_rows,
    with_fields,
)
from tests.integration.example import LAST
from tests.integration.house import table_text
from tests.worlds.money import PAYMENT_COLUMNS


@pytest.mark.parametrize("column", PAYMENT_COLUMNS)
def test_a_missing_column(column: str, tmp_path: Path) -> None:
    columns = [name if name != column else "another" for name in PAYMENT_COLUMNS]
    message = read_alone(tmp_path, payment_file(columns=columns))
    assert message.startswith(f"{FILE}: column {column} is missing; the header is '{columns[0]},")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"payment_id": ""}, "payment_id is '': must be a text that isn't empty"),
        ({"kind": "chargeback"}, "kind is 'chargeback': must be one of charge, refund"),
        ({"kind": ""}, "kind is ''"),
        ({"refund_of": "good"}, "refund_of is 'good' on a charge: must be empty"),
        ({"user_id": ""}, "user_id is …: must be 1 to 18 digits"),
        ({"user_id": "1" * 19}, "user_id is …: must be"),
        ({"user_id": "-1"}, "user_id is …: must be"),
        ({"user_id": "１"}, "user_id is …: must be"),
        ({"subscription_id": "s1"}, "subscription_id is 's1': must be 1 to 18 digits, or empty"),
        ({"product_id": ""}, "product_id is '': must be an id of 1 to 64"),
        ({"product_id": "a b"}, "product_id is 'a b'"),
        ({"product_id": "x" * 65}, "product_id is 'xxx"),
        ({"sale_channel": "shop"}, "sale_channel is 'shop': must be one of web"),
        ({"paid_at": "2026-02-28T12:00:00"}, "paid_at is '2026-02-28T12:00:00': must be ISO 8601 with offset"),
        ({"paid_at": "2026-02-30T12:00:00Z"}, "paid_at is '2026-02-30T12:00:00Z'"),
        ({"gross_krw": "-1"}, "gross_krw is '-1': must be whole won from 0 to 1000000000"),
        ({"gross_krw": "1000000001"}, "gross_krw is '1000000001'"),
        ({"gross_krw": "1.0"}, "gross_krw is '1.0'"),
        ({"web_price_krw": ""}, "web_price_krw is ''"),
        ({"service_start": "2026-02-29"}, "service_start is '2026-02-29': must be a real date"),
        ({"service_end": "20260228"}, "service_end is '20260228'"),
        ({"service_end": "2026-02-27"}, "service_end 2026-02-27 lies before service_start 2026-02-28"),
        (
            {"service_start": "2026-02-01", "service_end": "2027-03-08"},
            "service range 2026-02-01 … 2027-03-08 has 401 days: at most 400",
        ),
        (
            {"service_start": "2026-04-01", "service_end": "2027-04-05"},
            "service_end 2027-04-05 is 401 days after the landing day: at most 400",
        ),
    ],
)  # fmt: skip
def test_a_payment_off_its_form(fields: Mapping[str, object], says: str, tmp_path: Path) -> None:
    assert read_alone(tmp_path, payment_file(fields)).startswith(f"{FILE}, row 2: {says}")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"user_id": "1" * 19}, "row 2: user_id is"),
        ({"service_start": "2026-02-01", "service_end": "2027-03-08"}, "row 2: service range"),
        ({"service_start": "2026-04-01", "service_end": "2027-04-05"}, "row 2: service_end 2027-04-05 is 401 days after"),
    ],
)
def test_a_payment_off_its_form_stops_the_run(fields: Mapping[str, object], says: str, house_in: HouseIn) -> None:
    refused(payments_landed(house_in, payment_file(fields)), f"{FILE}, {says}")


def test_four_hundred_days_are_good(house_in: HouseIn) -> None:
    house = payments_landed(
        house_in, payment_file({"payment_id": "long", "service_start": "2026-03-01", "service_end": "2027-04-04"})
    )
    assert house.run().code == 0


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("", "P", "1", ""), "revenue_id is '': must be a text that isn't empty"),
        (("r", "P P", "1", ""), "product_id is 'P P': must be an id of 1 to 64"),
        (("r", "P", "1.5", ""), "amount_krw is '1.5': must be whole won"),
        (("r", "P", "", ""), "amount_krw is ''"),
    ],
)
def test_other_revenue_off_its_form(row: tuple[str, ...], says: str, house_in: HouseIn) -> None:
    house = house_in("almost")
    house.land("other_revenue", LAST, {"part.csv.gz": revenue_file(row)})
    refused(house, f"other_revenue/dt={LAST}/part.csv.gz, row 2: {says}")


KEY = "must be an integer above 0 that fits into 64 bits"
GOOD = {
    "contracts": ("1", "producer", "sub_stream", "pro_rata", "2013-05-01", ""),
    "advances": ("adv-1", "2", "2026-01-01", "100"),
}


@pytest.mark.parametrize(
    ("table", "fields", "says"),
    [
        ("products", {"product_id": "a b"}, "product_id is 'a b'"),
        ("products", {"product_id": ""}, "product_id is ''"),
        ("products", {"service": "radio"}, "service is 'radio'"),
        ("products", {"cohort": "all"}, "cohort is 'all'"),
        ("tracks", {"track_id": "0"}, f"track_id is '0': {KEY}"),
        ("tracks", {"track_id": "9223372036854775808"}, f"track_id is '9223372036854775808': {KEY}"),
        ("tracks", {"track_id": "T1"}, "track_id is 'T1'"),
        ("tracks", {"album_id": ""}, "album_id is ''"),
        ("tracks", {"release_date": "2020-02-30"}, "release_date is '2020-02-30'"),
        ("albums", {"album_id": "0"}, f"album_id is '0': {KEY}"),
        ("partners", {"partner_id": "0"}, f"partner_id is '0': {KEY}"),
        ("partners", {"kind": "label"}, "kind is 'label'"),
        ("partners", {"tax_kind": ""}, "tax_kind is ''"),
        ("partners", {"report_formats": "csv,xlsx"}, "report_formats is 'csv,xlsx'"),
        ("partners", {"active_to": "2013-04-30"}, "active_to 2013-04-30 lies before active_from 2013-05-01"),
        ("rights", {"track_id": "-1"}, "track_id is '-1'"),
        ("rights", {"partner_id": "0"}, f"partner_id is '0': {KEY}"),
        ("rights", {"right_type": "writer"}, "right_type is 'writer'"),
        ("rights", {"share_ppm": "1000001"}, "share_ppm is '1000001': must be an integer from 0 to 1000000"),
        ("rights", {"valid_from": ""}, "valid_from is ''"),
        ("rights", {"valid_to": "2013-04-30"}, "valid_to 2013-04-30 lies before valid_from 2013-05-01"),
        ("contracts", {"partner_id": "x"}, "partner_id is 'x'"),
        ("contracts", {"method": "per_user"}, "method is 'per_user'"),
        ("advances", {"advance_id": ""}, "advance_id is ''"),
        ("advances", {"partner_id": ""}, "partner_id is ''"),
        ("advances", {"granted_on": "yesterday"}, "granted_on is 'yesterday'"),
        ("advances", {"amount_krw": "-1"}, "amount_krw is '-1'"),
    ],
)
def test_a_catalogue_row_off_its_form(table: str, fields: dict[str, str], says: str, tmp_path: Path) -> None:
    row = GOOD.get(table) or snapshot_rows(table)[0]
    data = table_text(table, [row, with_fields(table, row, fields)])
    message = read_alone(tmp_path, data, kind="catalog", name=f"{table}.csv.gz")
    assert message.startswith(f"catalog/dt={LAST}/{table}.csv.gz, row 2: {says}")


@pytest.mark.parametrize(
    ("table", "fields"),
    [("tracks", {"track_id": "0"}), ("rights", {"share_ppm": "1000001"}), ("partners", {"partner_id": "0"})],
)
def test_a_catalogue_row_off_its_form_stops_the_run(table: str, fields: dict[str, str], house_in: HouseIn) -> None:
    house = house_in("almost")
    rows = snapshot_rows(table)
    house.write_snapshot(table, LAST, [*rows[:-1], with_fields(table, rows[-1], fields)])
    name, value = next(iter(fields.items()))
    refused(house, f"catalog/dt={LAST}/{table}.csv.gz, row {len(rows)}: {name} is '{value}'")
