"""The profiles as data: complete where they say so, and consistent in themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.reports.dsr.blocks import SeenIds
from settlement.reports.dsr.profiles import fits, is_dpid, profiles
from tests.unit.dsr import made


def test_the_two_profiles_have_the_records_and_cells_of_the_standard() -> None:
    counts = {
        key: {name: len(record.cells) + 1 for name, record in profile.records.items()} for key, profile in profiles().items()
    }
    assert counts == {
        "usage": {
            "HEAD": 16, "SY01.01": 15, "SY02.02": 22, "SY04.01": 20, "SY05.02": 25, "RE01": 15, "AS01.01": 12, "MW01.01": 16,
            "AS02.02": 22, "RE02": 6, "SU01": 12, "SU02": 10, "FOOT": 6,
        },
        "royalty": {
            "HEAD": 16, "SY07": 18, "RE01": 15, "AS01": 11, "AS02.01": 21, "MW01.01": 16, "RU01": 5, "RU02": 7, "SU03.01": 9,
            "LI01.01": 10, "FOOT": 6,
        },
    }  # fmt: skip


@pytest.mark.parametrize("key", ["usage", "royalty"])
def test_the_order_of_records_names_known_records_only(key: str) -> None:
    profile = profiles()[key]
    ordered = profile.first | profile.last | {name for names in profile.follows.values() for name in names}
    assert ordered | profile.summaries | {"HEAD", "FOOT"} == set(profile.records)
    assert all(record.cells[0].name == "BlockId" for name, record in profile.records.items() if name in ordered)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("Territory", "KR", "Korea"),
        ("Territory", "410", "kr"),
        ("Currency", "KRW", "₩"),
        ("CommercialModel", "SubscriptionModel", "subscriptionmodel"),
        ("RightsType", "PerformingRight", "Performing"),
        ("ResourceType", "SoundRecording", ""),
        ("isrc", "KRA401100001", "KRA4011000012"),
        ("iswc", "T0345246801", "T034524680١"),
        ("icpn", "0012345678905", "00123456789"),
        ("namespaced", "DPID::x", "DPID:x"),
        ("date", "2026-02", "2026-2"),
        ("datetime", "2026-02-28T00:00:00Z", "2026-02-28 00:00:00Z"),
        ("duration", "PT1H2M3.5S", "PT"),
        ("integer", "-0012", "1_000"),
        ("decimal", "-0.5", ".5"),
        ("decimal", "1", "NaN"),
        ("message_version", "dsrf/30", "dsrf/"),
    ],
)
def test_values_are_taken_by_their_whole_form(kind: str, good: str, bad: str) -> None:
    assert fits(kind, good)
    assert not fits(kind, bad)
    assert not fits(kind, good + "\n")


def test_a_dpid_has_its_form_and_fits_a_file_name() -> None:
    assert is_dpid("PADPIDA2014999999Z")
    assert not any(map(is_dpid, ["", "PADPIDA", "PA-DPIDA-1", "padpida1", "PADPIDA" + "1" * 40]))


@made.PLAIN
@given(st.lists(st.one_of(st.integers(-3, 9).map(str), st.sampled_from(["", "01", "a", "٣", "9" * 19]))))
def test_an_id_is_seen_exactly_when_it_came_before(ids: list[str]) -> None:
    seen = SeenIds()
    assert [seen.add(text) for text in ids] == [text not in ids[:place] for place, text in enumerate(ids)]


def test_consecutive_ids_take_no_memory() -> None:
    seen = SeenIds()
    assert all(seen.add(str(number)) for number in range(7, 5_000))
    assert not seen._others
    assert not seen.add("4999")
