"""S3, Hive and Trino on the same tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from local.services.stack import Stack
from tests.services.tables import DAY, Lake, rows

LARGEST = "9" * 38
WIDE = "가수 😀 𝄞"  # characters of two, three and four bytes
FIRST = (WIDE, LARGEST, 1)
SECOND = ("second", f"-{LARGEST}", 2**63 - 1)
READ = [(name, Decimal(amount), plays) for name, amount, plays in (FIRST, SECOND)]


@pytest.fixture(scope="module")
def made(services: Stack) -> Lake:
    lake = Lake(services)
    lake.make()
    lake.build("both", rows(FIRST, SECOND))
    return lake


@pytest.fixture
def lake(made: Lake) -> Iterator[Lake]:
    made.point("both")
    return made


def _pointed(lake: Lake) -> list[tuple[object, ...]]:
    return lake.in_trino(f"SELECT id, amount, plays FROM hive.{lake.database}.ods_play WHERE dt = '{DAY}' ORDER BY plays")


def test_trino_reads_exactly_what_hive_wrote(lake: Lake) -> None:
    assert _pointed(lake) == READ


def test_hive_reads_it_again(lake: Lake) -> None:
    assert lake.in_hive("SELECT id, amount, plays FROM ods_play ORDER BY plays") == READ


def test_the_files_are_parquet_as_declared_and_named_so(lake: Lake) -> None:
    (name, content), *others = lake.files("both").items()
    table = pq.read_table(io.BytesIO(content))
    assert not others
    assert name.endswith(".parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "id": "string",
        "amount": "decimal128(38, 0)",
        "plays": "int64",
    }
    assert sorted(table.to_pylist(), key=lambda row: row["plays"]) == [
        {"id": name, "amount": amount, "plays": plays} for name, amount, plays in READ
    ]


@pytest.mark.fault(22)
def test_a_switched_pointer_is_seen_at_once(lake: Lake) -> None:
    lake.build("other", rows(("other", "1", 1)))
    assert _pointed(lake) == READ
    lake.point("other")
    assert _pointed(lake) == [("other", Decimal(1), 1)]
    lake.point("both")
    assert _pointed(lake) == READ


@pytest.mark.fault(22)
def test_a_build_done_again_replaces_its_files(lake: Lake) -> None:
    lake.build("again", rows(FIRST, SECOND))
    lake.build("again", rows(FIRST))
    lake.point("again")
    assert len(lake.files("again")) == 1
    assert _pointed(lake) == READ[:1]


@pytest.mark.fault(23)
def test_a_build_without_rows_is_empty_also_where_rows_were(lake: Lake) -> None:
    lake.build("empty", f"SELECT id, amount, plays FROM {lake.database}_build.ods_play WHERE plays < 0")
    lake.build("emptied", rows(FIRST))
    lake.build("emptied", f"SELECT id, amount, plays FROM {lake.database}_build.ods_play WHERE plays < 0")
    for build in ("empty", "emptied"):
        lake.point(build)
        assert _pointed(lake) == []
        assert lake.files(build) == {}


def test_trino_asks_glue(services: Stack) -> None:
    """Reading only: who writes there says so in tests of Glue."""
    assert ("information_schema",) in Lake(services).in_trino("SHOW SCHEMAS FROM glue")
