"""A landing in a bucket: what a gate asks of the store while it waits doesn't grow with the history."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.services.s3 import BUCKETS
from settlement.landing.contract import KINDS, SUCCESS
from settlement.landing.folders import Landing
from settlement.pipeline import day_range
from settlement.settings import settings
from settlement.steps.ready import landing_waits_for
from settlement.storage import location
from tests.integration.buckets import served
from tests.integration.recording import Door, door_to

FIRST, LAST, NEXT = "2026-01-01", "2026-03-31", "2026-04-01"


@pytest.fixture(scope="module")
def door(work: Path) -> Iterator[Door]:
    """The way to the server that programs of this process take."""
    with served(work / "s3") as server, door_to(server.url) as door, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", door.url)
        settings.cache_clear()
        yield door
    settings.cache_clear()


@pytest.fixture
def landing(door: Door) -> Landing:
    door.asked.clear()
    return Landing(location(f"s3://{BUCKETS[0]}/{secrets.token_hex(4)}"))


def arrive(landing: Landing, first: str, last: str) -> None:
    for kind in KINDS:
        for day in day_range(first, last):
            (landing.folder(kind, day) / SUCCESS).write_bytes(b"")


def asked(door: Door, landing: Landing, day: str) -> tuple[list[str], int]:
    door.asked.clear()
    return landing_waits_for(landing, day), len(door.asked)


def test_a_gate_waits_for_a_day_with_as_many_requests_after_three_months_as_after_one_day(door: Door, landing: Landing) -> None:
    arrive(landing, FIRST, FIRST)
    waits, after_one_day = asked(door, landing, NEXT)
    assert waits == [f"{kind}/dt={NEXT}" for kind in KINDS]
    arrive(landing, FIRST, LAST)
    assert asked(door, landing, NEXT) == (waits, after_one_day)
    assert after_one_day <= 4 * len(KINDS)


def test_a_day_that_has_arrived_costs_a_request_a_kind(door: Door, landing: Landing) -> None:
    arrive(landing, LAST, LAST)
    assert asked(door, landing, LAST) == ([], len(KINDS))


def test_a_day_before_the_first_delivery_is_waited_for_by_nobody(door: Door, landing: Landing) -> None:
    arrive(landing, LAST, LAST)
    assert asked(door, landing, FIRST)[0] == []


def test_nothing_has_landed_yet(landing: Landing) -> None:
    assert landing_waits_for(landing, FIRST) == [f"{kind}/dt={FIRST}" for kind in KINDS]
    assert [landing.days(kind) for kind in KINDS] == [[] for _ in KINDS]
