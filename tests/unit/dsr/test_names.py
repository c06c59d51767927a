"""Names of DSR files: what can stand in them, what they must say, which files make a report."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.errors import SettlementError
from settlement.reports.dsr import DsrError, Sender, file_sets
from settlement.reports.dsr.names import FileName, element, parse_name, period
from tests.unit.dsr import made

GOOD = "DSR_PADPIDA2014999999Z_PADPIDAUNASSIGNEDC_Streaming-Usage_2026-02_KR_2of3_20260228T235959.tsv.gz"


def test_a_name_is_read_as_it_was_written() -> None:
    name = parse_name(GOOD)
    assert name == FileName(
        "PADPIDA2014999999Z", "PADPIDAUNASSIGNEDC", "Streaming-Usage", "2026-02", "KR", 2, 3, "20260228T235959"
    )
    assert str(name) == GOOD


@pytest.mark.parametrize(
    "name",
    [
        GOOD.replace("DSR_", "dsr_"),
        GOOD.replace("Streaming-Usage", "Streaming Usage"),
        GOOD.replace("Streaming-Usage", "Streaming_Usage"),
        GOOD.replace("Streaming-Usage", ""),
        GOOD.replace("2of3", "4of3"),
        GOOD.replace("2of3", "0of3"),
        GOOD.replace("2of3", "02of3"),
        GOOD.replace("T235959", "235959"),
        GOOD.replace(".tsv.gz", ".csv"),
        GOOD.replace("2026-02", "2026-13"),
        GOOD.replace("2026-02", "2026-Q5"),
        GOOD.replace("2026-02", "2026-02-02--2026-02-01"),
        GOOD + "\n",
    ],
)
def test_another_form_is_refused(name: str) -> None:
    with pytest.raises(DsrError, match=r"DSR|period|counts past|dsr"):
        parse_name(name)


@made.PLAIN
@given(st.text(max_size=90))
def test_an_element_never_holds_what_a_name_may_not(text: str) -> None:
    try:
        found = element(text)
    except SettlementError:
        assert not any(character.isascii() and character.isalnum() for character in text)
    else:
        assert found
        assert not set(found) & set(" _./\\\n\t")
        assert parse_name(GOOD.replace("Streaming-Usage", found)).service == found


def test_an_element_keeps_letters_and_digits_and_joins_them_by_dashes() -> None:
    assert element(" Hi-Fi  plan_2 (가족) ") == "Hi-Fi-plan-2"
    with pytest.raises(SettlementError, match="멜로디"):
        element("멜로디")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-02-27--2026-03-01", date(2026, 2, 27), date(2026, 3, 1)),
    ],
)
def test_every_period_has_its_days(text: str, first: date, last: date) -> None:
    assert period("f", text) == (first, last)


def test_files_are_sorted_into_complete_reports() -> None:
    files = [GOOD.replace("2of3", f"{n}of3") for n in (3, 1, 2)]
    other = GOOD.replace("Usage", "Royalty").replace("2of3", "1of1")
    sets = file_sets(Path("in") / name for name in [*files, other])
    assert [[path.name for path in one] for one in sets] == [[other], [files[1], files[2], files[0]]]


def test_a_missing_file_of_a_report_is_named() -> None:
    present = [Path(GOOD.replace("2of3", "1of3")), Path(GOOD.replace("2of3", "3of3"))]
    with pytest.raises(DsrError, match=r"_2of3_.*missing: 2 of 3 files"):
        file_sets(present)


def test_a_file_that_is_there_twice_is_refused() -> None:
    with pytest.raises(DsrError, match="twice"):
        file_sets([Path("a") / GOOD, Path("b") / GOOD])


@pytest.mark.parametrize(
    ("dpid", "name", "service"),
    [("PADPIDA", "x", "s"), ("1234", "x", "s"), ("PADPIDA1", " \n", "s"), ("PADPIDA1", "x", "멜로디")],
)
def test_a_sender_without_dpid_name_or_service_is_refused(dpid: str, name: str, service: str) -> None:
    with pytest.raises(SettlementError, match=r"DSR (sender|file name)"):
        Sender(dpid, name, service)
