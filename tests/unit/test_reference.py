"""Reference data: what is off is refused with file, row and reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from settlement import reference
from settlement.errors import BadInput
from settlement.settings import reference_dir, sql_dir
from settlement.tables import Catalog, load


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(sql_dir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(reference_dir(), tmp_path / "reference")
    return tmp_path / "reference"


def test_the_rows_that_come_with_the_package_are_sound(catalog: Catalog) -> None:
    tables = reference.read(reference_dir(), catalog)
    assert tables["ref.rate_card"].num_rows == 18
    new_author = next(
        row for row in tables["ref.rate_card"].to_pylist() if (row["cohort"], row["right_type"]) == ("new", "author")
    )
    assert (new_author["unit_price_uwon"], new_author["per_subscriber_krw"], new_author["revenue_rate_ppm"]) == (
        700_000,
        700,
        105_000,
    )


@pytest.mark.parametrize(
    ("file", "row", "reason"),
    [
        ("rate_card", "sub_stream,new,author,2020-01-01,,false,1,,,x", "overlaps row 7"),
        ("rate_card", "ad_stream,legacy,author,2026-01-01,,false,1,,,x", "overlaps row 13"),
        ("rate_card", "promo,all,author,2020-01-01,2020-02-01,false,1,,,x\npromo,all,author,2020-02-03,,false,1,,,x", "gap after row 19"),
        ("rate_card", "promo,all,author,2020-01-01,,false,,,,x", "at least one of the three legs"),
        ("rate_card", "promo,all,author,2020-01-01,,true,1,,,x", "either says no_pool or has"),
        ("rate_card", "promo,all,author,2020-01-01,,false,1.5,,,x", "unit_price_uwon is '1.5'"),
        ("rate_card", "promo,all,author,2020-01-01,,false,,,1000001,x", "revenue_rate_ppm is '1000001'"),
        ("rate_card", "promo,all,author,2020-01-01,2019-01-01,false,1,,,x", "valid_to 2019-01-01 lies before"),
        ("rate_card", "promo,all,author,2020-01-01,,false,1,,,", "source is ''"),
        ("rate_card", "promo,all,author", "3 fields where the header has 10"),
        ("service_rule", "sub_stream,2026-01-01,,1,,x", "overlaps row 1"),
        ("service_rule", "radio,2026-01-01,,1,,x", "service is 'radio'"),
        ("in_app_rule", "2026-05-31,,x", "overlaps row 1"),
    ],
)  # fmt: skip
def test_a_row_that_is_off_is_refused(folder: Path, catalog: Catalog, file: str, row: str, reason: str) -> None:
    path = folder / f"{file}.csv"
    path.write_text(path.read_text("utf-8") + row + "\n", "utf-8")
    with pytest.raises(BadInput) as caught:
        reference.read(folder, catalog)
    assert f"{file}.csv, row " in str(caught.value)
    assert reason in caught.value.reason


def test_in_app_rules_may_have_gaps(folder: Path, catalog: Catalog) -> None:
    path = folder / "in_app_rule.csv"
    path.write_text(path.read_text("utf-8") + "2027-01-01,,x\n", "utf-8")
    assert reference.read(folder, catalog)["ref.in_app_rule"].num_rows == 2


def test_a_missing_file_and_a_missing_column_are_named(folder: Path, catalog: Catalog) -> None:
    path = folder / "service_rule.csv"
    path.write_text(path.read_text("utf-8").replace("min_play_ms", "minimum"), "utf-8")
    with pytest.raises(BadInput, match=r"service_rule\.csv: column min_play_ms is missing"):
        reference.read(folder, catalog)
    path.unlink()
    with pytest.raises(BadInput, match=r"service_rule\.csv: missing"):
        reference.read(folder, catalog)
