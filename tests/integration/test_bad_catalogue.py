"""Rows of a catalogue that contradict each other stop the run before the day is published: rules §1, data.md."""

from __future__ import annotations

import pytest

from tests.integration.bad import HouseIn, refused, snapshot_rows
from tests.integration.example import LAST, MONTH
from tests.integration.house import House

SINCE = "2013-05-01"


def landed(house_in: HouseIn, table: str, *rows: tuple[str, ...]) -> tuple[House, str, int]:
    """The last day with more rows in a table; the file's name, and the number of the first of these rows."""
    house = house_in("almost")
    before = snapshot_rows(table)
    house.write_snapshot(table, LAST, [*before, *rows])
    return house, f"catalog/dt={LAST}/{table}.csv.gz", len(before) + 1


def test_shares_over_the_whole(house_in: HouseIn) -> None:
    house, file, row = landed(house_in, "rights", ("1", "producer", "2", "1", "2026-02-10", "2026-02-10"))
    refused(house, f"raw {LAST}", "shares_within_whole", f"file={file}, row_no={row}, track_id=1", "total_ppm=1000001")


def test_shares_over_the_whole_on_a_later_day_alone(house_in: HouseIn) -> None:
    house, file, _ = landed(house_in, "rights")
    house.write_snapshot(
        "rights",
        LAST,
        [*snapshot_rows("rights")[:5], ("2", "producer", "2", "600001", "2026-02-15", ""), *snapshot_rows("rights")[6:]],
    )
    refused(house, "shares_within_whole", f"file={file}, row_no=6, track_id=2", "from_day=2026-02-15, total_ppm=1000001")


def test_shares_of_the_same_right_in_other_digits(house_in: HouseIn) -> None:
    house, file, _ = landed(house_in, "rights", ("001", "producer", "2", "1", SINCE, ""))
    refused(house, "shares_within_whole", f"file={file}, row_no=1, track_id=1", "total_ppm=1000001")


def test_overlapping_rights(house_in: HouseIn) -> None:
    house, file, row = landed(house_in, "rights", ("1", "author", "2", "100", "2026-02-01", ""))
    refused(house, f"raw {LAST}", "rights_overlap", f"file={file}, row_no={row}", "partner_id=2")


def test_rights_that_meet_on_one_day_overlap(house_in: HouseIn) -> None:
    rows = [("3", "author", "2", "100", SINCE, "2026-02-10"), ("3", "author", "2", "100", "2026-02-10", "")]
    house, file, row = landed(house_in, "rights", *rows)
    refused(house, "rights_overlap", f"file={file}, row_no={row + 1}")


def test_overlapping_contracts(house_in: HouseIn) -> None:
    rows = [("1", "producer", "sub_stream", "pro_rata", SINCE, ""), ("1", "producer", "sub_stream", "pro_rata", "2026-02-01", "")]
    house, file, row = landed(house_in, "contracts", *rows)
    refused(house, f"raw {LAST}", "contracts_overlap", f"file={file}, row_no={row + 1}", "partner_id=1")


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("rights", ("3", "author", "99", "100", SINCE, "")),
        ("contracts", ("99", "producer", "sub_stream", "pro_rata", SINCE, "")),
        ("advances", ("adv-1", "99", "2026-01-01", "100")),
    ],
)
def test_an_unknown_partner(table: str, row: tuple[str, ...], house_in: HouseIn) -> None:
    house, file, number = landed(house_in, table, row)
    refused(house, f"raw {LAST}", "partner_known", f"file={file}, row_no={number}, partner_id=99")


@pytest.mark.parametrize(
    ("table", "row", "check"),
    [
        ("products", ("P", "again", "promo", "new", "0"), "product_id_once"),
        ("tracks", ("01", "", "", "", "again", "", "1", "1", ""), "track_id_once"),
        ("albums", ("1", "", "again", "", ""), "album_id_once"),
        ("partners", ("1", "again", "author", "", "exempt", "0", "csv", SINCE, ""), "partner_id_once"),
    ],
)
def test_an_id_twice(table: str, row: tuple[str, ...], check: str, house_in: HouseIn) -> None:
    house, file, number = landed(house_in, table, row)
    refused(house, f"raw {LAST}", check, f"file={file}, row_no={number}")


def test_an_advance_twice(house_in: HouseIn) -> None:
    house, file, number = landed(house_in, "advances", *[("adv-1", "2", "2026-01-01", "100")] * 2)
    refused(house, f"raw {LAST}", "advance_id_once", f"file={file}, row_no={number + 1}, advance_id=adv-1")


def test_a_product_with_plays_that_the_month_end_lacks(house_in: HouseIn) -> None:
    house = house_in("almost")
    house.write_snapshot("products", LAST, [row for row in snapshot_rows("products") if row[0] != "A"])
    refused(house, f"pools {MONTH} version 1", "product_known", "product_id=A, qualified_plays=1")


def test_a_product_with_revenue_that_the_month_end_lacks(house_in: HouseIn) -> None:
    house = house_in("almost")
    rows = [row for row in snapshot_rows("products") if row[0] != "P"]
    house.write_snapshot("products", LAST, rows)
    refused(house, f"pools {MONTH} version 1", "product_known", "product_id=P", "recognised_uwon=")


def test_a_contract_by_a_method_that_there_is_not(house_in: HouseIn) -> None:
    house, file, row = landed(house_in, "contracts", ("3", "author", "sub_stream", "by_feel", "2026-02-28", ""))
    refused(house, f"{file}, row {row}", "method is 'by_feel': must be one of pro_rata, user_centric")
