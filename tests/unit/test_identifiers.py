"""Identifiers against published ones, errors that their check characters promise to find, and the audit's list of bad ones."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean
from stdnum.iso7064 import mod_11_2, mod_37_36

from settlement.audit.checks import SAMPLE_ROWS, Finding
from settlement.audit.identifiers import COLUMNS, check_identifiers
from settlement.engines.duckdb import DuckDBEngine, Session
from settlement.identifiers import (
    DPID,
    ISRC,
    ISWC,
    UPC,
    ipi_check_digits,
    is_dpid,
    is_ipi,
    is_isni,
    is_isrc,
    is_iswc,
    is_upc,
    iswc_check_digit,
)
from settlement.landing.generator import identifiers as generated
from settlement.settings import Settings

DAY, OTHER_DAY = "2026-02-28", "2026-02-27"
DIGITS, LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Check = Callable[[str], bool]

# Each with the place where it stands.
PUBLISHED: tuple[tuple[Check, str], ...] = (
    (is_isrc, "USRC17607839"),  # valibot's documentation of its ISRC check, in both spellings
    (is_isrc, "US-RC1-76-07839"),
    (is_isrc, "KRA382000001"),  # made up, as the next two: Korea, its second prefix, the United States' overflow
    (is_isrc, "KSA382000001"),
    (is_isrc, "QZA382000001"),
    (is_iswc, "T-034.524.680-1"),  # the ISWC's article in Wikipedia
    (is_iswc, "T-034524680-1"),
    (is_iswc, "T0345246801"),
    (is_iswc, "T-101.914.232-4"),  # MusicBrainz
    (is_iswc, "T-000.000.001-0"),  # MusicBrainz: the first that was given, to "Dancing Queen"
    (is_upc, "036000291452"),  # the UPC's article in Wikipedia
    (is_upc, "4006381333931"),  # the EAN's article in Wikipedia
    (is_upc, "5901234123457"),  # DDEX knowledge base, communication of identifiers
    (is_upc, "73513537"),  # EAN-8: python-stdnum's documentation, like the next one
    (is_upc, "98412345678908"),  # GTIN-14
    (is_dpid, "PADPIDA2014122301Q"),  # DDEX knowledge base, DPID registry, in both spellings
    (is_dpid, "PA-DPIDA-2014122301-Q"),
    (is_dpid, "PADPIDA3897722461G"),  # DDEX knowledge base, communication of identifiers
    (is_dpid, "PADPIDA2013020802I"),  # YouTube, in messages to it
    (is_dpid, "PADPIDA2015120100H"),  # YouTube Content ID, likewise
    (is_dpid, "PADPIDA2011092301N"),  # INgrooves, likewise
    (is_dpid, "PADPIDA202402050E4"),  # AP Studios: a letter inside
    (is_isni, "0000000120203276"),  # Rick Astley, MusicBrainz API documentation
    (is_isni, "0000 0001 2281 955X"),  # python-stdnum's documentation
    (is_ipi, "00159849414"),  # Rick Astley, MusicBrainz API documentation
    (is_ipi, "00017798450"),  # John Lennon, MusicBrainz
    (is_ipi, "00519338442"),  # Lady Gaga, MusicBrainz
    (is_ipi, "00014107338"),  # the CWR library's documentation
)


@pytest.mark.parametrize(("check", "value"), PUBLISHED)
def test_published_identifiers_are_good(check: Check, value: str) -> None:
    assert check(value)


@pytest.mark.parametrize("check", [is_isrc, is_iswc, is_upc, is_dpid, is_isni, is_ipi])
def test_an_identifier_may_be_empty_but_not_blank(check: Check) -> None:
    assert check("")
    assert not check(" ")
    assert not check("0")


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (is_isrc, "KRA38200001"),  # too short
        (is_isrc, "KRA3820000011"),
        (is_isrc, "KR-A382000001"),  # a hyphen alone
        (is_isrc, "kra382000001"),
        (is_isrc, "KRA38200000O"),  # a letter for a digit
        (is_isrc, "K1A382000001"),
        (is_isrc, "KRA382000001 "),
        (is_isrc, "KRA382000001\n"),
        (is_isrc, "KRA38２000001"),  # a full-width digit
        (is_isrc, "OOA382000001"),  # no country
        (is_iswc, "T0345246802"),
        (is_iswc, "T-034.524.680-2"),
        (is_iswc, "T-034.524680-1"),
        (is_iswc, "W0345246801"),
        (is_iswc, "0345246801"),
        (is_iswc, "t0345246801"),
        (is_upc, "36000291452"),  # its leading zero was lost
        (is_upc, "036000291453"),
        (is_upc, "0 36000 29145 2"),
        (is_upc, "４006381333931"),
        (is_dpid, "PADPIDA2014122301P"),
        (is_dpid, "PADPIDA2014122301"),
        (is_dpid, "PADPIDA2014021801S"),
        (is_dpid, "DADPIDA3897722461J"),  # right check character, another scheme
        (is_dpid, "padpida2014122301q"),
        (is_isni, "000000012281955Y"),
        (is_isni, "0000000122819550"),
        (is_ipi, "00017798451"),
        (is_ipi, "17798450"),
    ],
)
def test_one_thing_wrong_is_found(check: Check, value: str) -> None:
    assert not check(value)


def test_reasons_tell_a_wrong_form_from_a_wrong_check() -> None:
    assert ISRC.fault("x") == "not the form of an ISRC"
    assert ISRC.fault("OOA382000001") == "no ISRC begins with these two letters"
    assert ISWC.fault("T0345246802") == "wrong check digit"
    assert UPC.fault("36000291452") == "not the form of a UPC or EAN"
    assert DPID.fault("PADPIDA2014122301P") == "wrong check character"
    assert DPID.fault("PADPIDA2014122301Q") == DPID.fault("") == ""


# -- errors that check characters find -----------------------------------------------------------------------------------


def text(alphabet: str, length: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=length, max_size=length)


def substitutions(value: str, alphabet: str, start: int = 0) -> Iterator[str]:
    """Every text that differs in one place from `start` on, by a character of the alphabet."""
    for place in range(start, len(value)):
        yield from (value[:place] + other + value[place + 1 :] for other in alphabet if other != value[place])


@given(text(DIGITS, 9))
def test_every_substitution_in_an_ipi_is_found(digits: str) -> None:
    value = digits + ipi_check_digits(digits)
    assert is_ipi(value)
    assert not any(map(is_ipi, substitutions(value, DIGITS)))


@given(st.sampled_from((7, 11, 12, 13)).flatmap(lambda length: text(DIGITS, length)))
def test_every_substitution_in_a_upc_or_ean_is_found(digits: str) -> None:
    value = digits + ean.calc_check_digit(digits)
    assert is_upc(value)
    assert not any(map(is_upc, substitutions(value, DIGITS)))


@given(text(DIGITS + LETTERS, 10))
def test_every_substitution_in_a_dpid_is_found(number: str) -> None:
    value = "PADPIDA" + number + mod_37_36.calc_check_digit(f"PADPIDA{number}")
    assert is_dpid(value)
    assert not any(map(is_dpid, substitutions(value, DIGITS + LETTERS)))


@given(text(DIGITS, 15))
def test_every_substitution_in_an_isni_is_found(digits: str) -> None:
    value = digits + mod_11_2.calc_check_digit(digits)
    assert is_isni(value)
    assert not any(map(is_isni, substitutions(value, DIGITS + "X")))


@given(text(DIGITS, 9))
def test_a_substitution_in_an_iswc_is_found_unless_place_times_difference_ends_in_zero(digits: str) -> None:
    value = f"T{digits}{iswc_check_digit(digits)}"
    assert is_iswc(value)
    for other in substitutions(value, DIGITS, start=1):
        [(place, difference)] = [(at, int(a) - int(b)) for at, (a, b) in enumerate(zip(value, other, strict=True)) if a != b]
        assert is_iswc(other) is (place < 10 and place * difference % 10 == 0), other


# -- what we invent --------------------------------------------------------------------------------------------------------


@given(st.integers(0, 899_999_999), st.integers(1990, 2030))
def test_invented_identifiers_are_good(number: int, year: int) -> None:
    assert is_isrc(generated.isrc(number, year))
    assert is_iswc(generated.iswc(number))
    assert is_upc(generated.gtin(f"880{number:09d}"))
    assert is_upc(generated.gtin(f"6{number:010d}"))
    assert is_dpid(generated.dpid(number))


# -- the audit's list ------------------------------------------------------------------------------------------------------


@contextmanager
def catalogue(folder: Path, rows: Mapping[str, Sequence[tuple[object, ...]]]) -> Iterator[Session]:
    """A session with rows of ods.track (track_id, isrc, iswc), ods.album (album_id, upc), ods.partner (partner_id, dpid)."""
    columns = {"track": ("track_id", "isrc", "iswc"), "album": ("album_id", "upc"), "partner": ("partner_id", "dpid")}
    with DuckDBEngine(Settings(duckdb_threads=1), folder).session({"dt": DAY}) as session:
        session.con.execute("CREATE SCHEMA ods")
        for table, names in columns.items():
            typed = ", ".join(f"{name} {'VARCHAR' if at else 'BIGINT'}" for at, name in enumerate(names))
            session.con.execute(f"CREATE TABLE ods.{table} ({typed}, dt VARCHAR)")
            for row in rows.get(table, ()):
                values = row if len(row) > len(names) else (*row, DAY)
                session.con.execute(f"INSERT INTO ods.{table} VALUES ({', '.join('?' * len(values))})", values)
        yield session


def checked(folder: Path, rows: Mapping[str, Sequence[tuple[object, ...]]]) -> tuple[list[Finding], list[list[str]]]:
    """The findings, and the rows of the list without its header."""
    target = folder / "verdicts" / "b1-identifiers.csv"
    with catalogue(folder, rows) as session:
        findings = check_identifiers(session, DAY, target)
    if not target.exists():
        return findings, []
    with target.open(encoding="utf-8", newline="") as lines:
        header, *listed = csv.reader(lines)
    assert tuple(header) == COLUMNS
    return findings, listed


def test_a_good_catalogue_has_no_findings_and_no_list(tmp_path: Path) -> None:
    rows = {
        "track": [(1, "KRA382000001", "T0345246801"), (2, "KR-A38-20-00001", "T-034.524.680-1"), (3, "", "")],
        "album": [(1, "036000291452"), (2, "4006381333931"), (3, "73513537"), (4, "98412345678908"), (5, "")],
        "partner": [(1, "PADPIDA2014122301Q"), (2, "PA-DPIDA-2014122301-Q"), (3, "")],
    }
    assert checked(tmp_path, rows) == ([], [])
    assert not list(tmp_path.glob("verdicts/*"))


def test_every_kind_has_a_finding_of_its_own(tmp_path: Path) -> None:
    rows: dict[str, Sequence[tuple[object, ...]]] = {
        "track": [(2, "no, \"ISRC\"\n", "T0345246802"), (1, "OOA382000001", "T0345246801")],
        "album": [(7, "036000291453")],
        "partner": [(9, "PADPIDA2014122301P")],
    }  # fmt: skip
    findings, listed = checked(tmp_path, rows)
    assert [(f.table, f.check, f.level, f.rows, f.sample) for f in findings] == [
        ("ods.track", "isrc_form", "warn", 2, [{"track_id": 1, "isrc": "OOA382000001"}, {"track_id": 2, "isrc": 'no, "ISRC"\n'}]),
        ("ods.track", "iswc_check", "warn", 1, [{"track_id": 2, "iswc": "T0345246802"}]),
        ("ods.album", "upc_check", "warn", 1, [{"album_id": 7, "upc": "036000291453"}]),
        ("ods.partner", "dpid_check", "warn", 1, [{"partner_id": 9, "dpid": "PADPIDA2014122301P"}]),
    ]
    assert all(finding.meaning.endswith(" (every row: verdicts/b1-identifiers.csv)") for finding in findings)
    assert listed == [
        ["ods.track", "1", "isrc", "OOA382000001", "no ISRC begins with these two letters"],
        ["ods.track", "2", "isrc", 'no, "ISRC"\n', "not the form of an ISRC"],
        ["ods.track", "2", "iswc", "T0345246802", "wrong check digit"],
        ["ods.album", "7", "upc", "036000291453", "wrong check digit"],
        ["ods.partner", "9", "dpid", "PADPIDA2014122301P", "wrong check character"],
    ]


def test_the_sample_has_the_first_rows_by_key_and_the_list_has_all(tmp_path: Path) -> None:
    findings, listed = checked(tmp_path, {"track": [(track, "x", "") for track in range(100, 0, -1)]})
    assert [row["track_id"] for row in findings[0].sample] == list(range(1, SAMPLE_ROWS + 1))
    assert findings[0].rows == 100
    assert [int(row[1]) for row in listed] == list(range(1, 101))


def test_only_the_day_s_rows_are_checked(tmp_path: Path) -> None:
    assert checked(tmp_path, {"track": [(1, "x", "x", OTHER_DAY)]}) == ([], [])


def test_the_engine_passes_over_good_values_alone(tmp_path: Path) -> None:
    """The engine's sums must not let a value pass that the scheme refuses."""
    dice = Random(1)
    good = [generated.isrc(7, 2024), generated.iswc(7), generated.gtin("88000000000"), generated.gtin("880000000000"), "73513537"]
    noise = (*DIGITS, *DIGITS, "A", "K", "T", "-", ".", " ", "é", "０", "")
    values = ["", "T", "T-034.524.680-1", *good]
    for _ in range(4_000):
        value = list(dice.choice(good))
        for _ in range(dice.randint(1, 2)):
            value[dice.randrange(len(value))] = dice.choice(noise)
        values.append("".join(value))
    with catalogue(tmp_path, {}) as session:
        session.con.execute(
            "INSERT INTO ods.track SELECT i, v, v, ? FROM (SELECT generate_subscripts(?, 1) AS i, unnest(?) AS v)",
            [DAY, values, values],
        )
        session.con.execute("INSERT INTO ods.album SELECT track_id, isrc, dt FROM ods.track")
        check_identifiers(session, DAY, tmp_path / "bad.csv")
    with (tmp_path / "bad.csv").open(encoding="utf-8", newline="") as lines:
        listed = [tuple(row) for row in csv.reader(lines)][1:]
    for column, scheme in (("isrc", ISRC), ("iswc", ISWC), ("upc", UPC)):
        bad = [(str(at), value) for at, value in enumerate(values, 1) if scheme.fault(value)]
        assert 100 < len(bad) < len(values)
        assert [(row[1], row[3]) for row in listed if row[2] == column] == bad
