"""Bad identifiers in a day's catalogue: the day is settled, a warning names the rows, a list has them all (data.md)."""

from __future__ import annotations

import csv
import json

from settlement.audit.checks import SAMPLE_ROWS, Finding
from tests.integration.bad import HouseIn, snapshot_rows, with_fields
from tests.integration.example import LAST
from tests.integration.house import House
from tests.integration.shelf import settle_days

BAD_PARTNERS = 12  # more than a finding shows
LISTED = [
    ["ods.track", "1", "isrc", "no ISRC", "not the form of an ISRC"],
    ["ods.track", "1", "iswc", "T0345246802", "wrong check digit"],
    ["ods.track", "2", "iswc", "T-034.524.680-7", "wrong check digit"],
    ["ods.album", "1", "upc", "036000291453", "wrong check digit"],
    *(["ods.partner", str(90 + n), "dpid", f"PADPIDA{n}", "not the form of a DPID"] for n in range(BAD_PARTNERS)),
]


def spoiled(house: House, day: str) -> None:
    """Bad identifiers beside good ones in the day's snapshot."""
    first, second, third = snapshot_rows("tracks")[:3]
    house.write_snapshot(
        "tracks",
        day,
        [
            with_fields("tracks", first, {"isrc": "no ISRC", "iswc": "T0345246802"}),
            with_fields("tracks", second, {"isrc": "KRA382000001", "iswc": "T-034.524.680-7"}),
            with_fields("tracks", third, {"isrc": "KR-A38-20-00002", "iswc": "T-034.524.680-1"}),
        ],
    )
    house.write_snapshot("albums", day, [with_fields("albums", snapshot_rows("albums")[0], {"upc": "036000291453"})])
    partners = snapshot_rows("partners")
    bad = [with_fields("partners", partners[0], {"partner_id": str(90 + n), "dpid": f"PADPIDA{n}"}) for n in range(BAD_PARTNERS)]
    house.write_snapshot(
        "partners", day, [with_fields("partners", partners[0], {"dpid": "PADPIDA2014122301Q"}), *partners[1:], *bad]
    )


def lists(house: House) -> list[str]:
    return [path.name for path in (house.warehouse / "verdicts").glob("*-identifiers.csv")]


def test_a_day_with_bad_identifiers_is_settled_and_the_warnings_name_a_list_of_all_rows(house_in: HouseIn) -> None:
    house = house_in("almost")
    spoiled(house, LAST)
    answer = house.run()
    assert answer.code == 0, answer.err
    build_id = house.heads()["ods", LAST, 0]
    place = f"(every row: verdicts/{build_id}-identifiers.csv)"
    for warning in (
        f"warning: ods.track isrc_form: an ISRC has the form of one {place}: 1 rows ({LAST})",
        f"warning: ods.track iswc_check: the check digit of an ISWC is right {place}: 2 rows ({LAST})",
        f"warning: ods.album upc_check: the check digit of a UPC or EAN is right {place}: 1 rows ({LAST})",
        f"warning: ods.partner dpid_check: the check character of a DPID is right {place}: {BAD_PARTNERS} rows ({LAST})",
    ):
        assert warning in answer.said
    assert lists(house) == [f"{build_id}-identifiers.csv"]
    with (house.warehouse / "verdicts" / f"{build_id}-identifiers.csv").open(encoding="utf-8", newline="") as lines:
        assert list(csv.reader(lines)) == [["table", "key", "column", "value", "reason"], *LISTED]
    assert house.exports() == house.expected()


def audited(house: House) -> list[Finding]:
    """The findings in the verdict on the last day's snapshot."""
    settle_days(house, [LAST], ("raw", "ods"))
    verdict = json.loads((house.warehouse / "verdicts" / f"{house.heads()['ods', LAST, 0]}.json").read_text("utf-8"))
    assert verdict["passed"] is True
    return [Finding(**finding) for finding in verdict["findings"]]


def test_the_verdict_shows_the_first_rows_and_their_number(house_in: HouseIn) -> None:
    house = house_in("almost")
    spoiled(house, LAST)
    found = {finding.check: finding for finding in audited(house)}
    assert [(check, finding.level, finding.rows) for check, finding in found.items()] == [
        ("isrc_form", "warn", 1), ("iswc_check", "warn", 2), ("upc_check", "warn", 1), ("dpid_check", "warn", BAD_PARTNERS),
    ]  # fmt: skip
    assert found["iswc_check"].sample == [{"track_id": 1, "iswc": "T0345246802"}, {"track_id": 2, "iswc": "T-034.524.680-7"}]
    shown = [{"partner_id": 90 + n, "dpid": f"PADPIDA{n}"} for n in range(SAMPLE_ROWS)]
    assert found["dpid_check"].sample == shown


def test_good_identifiers_are_no_finding_and_leave_no_list(house_in: HouseIn) -> None:
    house = house_in("almost")
    good = {"isrc": "KRA382000001", "iswc": "T-034.524.680-1"}
    house.write_snapshot("tracks", LAST, [with_fields("tracks", row, good) for row in snapshot_rows("tracks")])
    assert audited(house) == []
    assert lists(house) == []
