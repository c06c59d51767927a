"""A partner's two reports of a settled month: they add up to the statement, and hostile catalogues don't break them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from settlement.errors import SettlementError
from settlement.reports.dsr import Record, Sender, file_sets, read_dsr, rows, write_dsr
from settlement.reports.dsr.records import code, duration, percentage, won
from tests.unit.dsr import made

HOSTILE = "=cmd|' /C calc'!A0\t\\ \"곡\"\r\n\u202e🌙"


def month() -> made.Month:
    """Two products; track 3 lacks an album, track 4 is unknown to the catalogue, another partner has lines too."""
    found = made.Month().product("p1").product("d_1", "download").album(1, HOSTILE).album(2, "", "", "12")
    found.track(1, title=HOSTILE, artist="a|b").track(
        2, 2, title="\n", artist="", isrc="kr-a40-11-00001", iswc="T-1", ms=3_723_000
    )
    found.track(3, 9, title="x" * 40_000)
    found.line("p1", 1, "author", 40, 400_123_456).line("p1", 2, "author", 3, 0, share=333_333)
    found.line("p1", 3, "author", 5, 7).line("p1", 4, "author", 1, 1_000_000).line("p1", 1, "producer", 38, 12_500_000)
    found.line("d_1", 1, "author", 2, 77_000_000, share=1_000_000)
    return found.line("p1", 1, "author", 40, 5, partner=8)


def reports(folder: Path, found: made.Month, **options: object) -> tuple[list[Record], list[Record]]:
    """Usage and royalty, as they are read back."""
    files = write_dsr(found.con, made.CONTEXT, found.partner(), folder, **options)  # type: ignore[arg-type]
    sets = file_sets(folder / "partner=7" / file.name for file in files)
    assert sorted(path.name for path in (folder / "partner=7").iterdir()) == sorted(file.name for file in files)
    royalty, usage = (list(read_dsr(paths)) for paths in sets)
    return usage, royalty


def column(records: list[Record], record: str, cell: str) -> list[object]:
    return [one.cells[cell] for one in records if one.type == record]


def test_amounts_of_lines_and_rounding_come_to_the_statement(tmp_path: Path) -> None:
    found = month()
    _, royalty = reports(tmp_path, found)
    summaries = {one.cells["SummaryRecordId"]: one.cells for one in royalty if one.type == "SY07"}
    assert list(summaries) == ["d_1:author", "p1:author", "p1:producer"]
    for name, cells in summaries.items():
        lines = [one.cells for one in royalty if one.type == "LI01.01" and one.cells["SummaryRecordId"] == name]
        assert sum(Decimal(str(line["AllocatedAmount"])) for line in lines) == cells["AllocatedRevenue"]
        assert all(line["AllocatedNetRevenue"] == line["AllocatedAmount"] for line in lines)
        assert abs(Decimal(str(cells["AllocatedRevenue"])) - Decimal(str(cells["AllocatedNetRevenue"]))) < 1
    assert [(c["AllocatedRevenue"], c["AllocatedNetRevenue"]) for c in summaries.values()] == [
        (Decimal("77.000000"), 77),
        (Decimal("401.123463"), 401),
        (Decimal("12.500000"), 13),
    ]
    assert sum(int(str(c["AllocatedNetRevenue"])) for c in summaries.values()) == found.partner().royalty_krw


def test_the_royalty_report_says_who_is_paid_for_what(tmp_path: Path) -> None:
    _, royalty = reports(tmp_path, month())
    summary = next(one.cells for one in royalty if one.cells.get("SummaryRecordId") == "p1:producer")
    assert {name: value for name, value in summary.items() if value is not None and value != ()} == {
        "SummaryRecordId": "p1:producer",
        "CommercialModel": "SubscriptionModel",
        "UseType": "OnDemandStream",
        "Territory": "KR",
        "RightsType": "MakeAvailableRight",
        "ServiceDescription": "p1",
        "Usages": 38,
        "Currency": "KRW",
        "NetRevenue": Decimal("9000.000001"),
        "RightsController": "협회",
        "RightsControllerPartyId": f"DPID::{made.DPID}",
        "AllocatedRevenue": Decimal("12.500000"),
        "AllocatedNetRevenue": 13,
    }
    assert column(royalty, "LI01.01", "RightSharePercentage") == [100, 50, Decimal("33.3333"), 50, 50, 50]
    assert column(royalty, "SU03.01", "DspReleaseId") == ["1", "1", "2", "9", "0", "1"]
    assert column(royalty, "SU03.01", "SalesTransactionId") == [str(n) for n in range(1, 7)]
    assert column(royalty, "SU03.01", "Usages") == [2, 40, 3, 5, 1, 38]


def test_usage_counts_a_track_once_whatever_rights_the_partner_holds(tmp_path: Path) -> None:
    usage, _ = reports(tmp_path, month())
    assert column(usage, "SY01.01", "SummaryRecordId") == ["d_1", "p1"]
    assert column(usage, "SY01.01", "ServiceDescription") == ["d-1", "p1"]
    assert column(usage, "SY01.01", "Usages") == [2, 49]
    assert column(usage, "SY01.01", "Subscribers") == [None, 70]
    assert column(usage, "SU02", "NumberOfStreams") == [40, 3, 5, 1]
    (download,) = (one.cells for one in usage if one.type == "SU01")
    assert (download["Usages"], download["Returns"], download["SalesUpgrade"]) == (2, 0, False)
    assert download["PriceConsumerPaidExcSalesTax"] == 10_000
    assert [one.cells["CommercialModel"] for one in usage if one.type == "SY01.01"] == ["PayAsYouGoModel", "SubscriptionModel"]


def test_hostile_and_missing_catalogue_text_fills_every_mandatory_cell(tmp_path: Path) -> None:
    usage, royalty = reports(tmp_path, month())
    plain = "=cmd|' /C calc'!A0\t\\ \"곡\" \u202e🌙"
    assert column(usage, "AS02.02", "Title") == [plain, plain, "#2", "x" * 40_000, "#4"]
    assert column(usage, "AS02.02", "DisplayArtistName") == ["a|b", "a|b", "[unknown]", "가수", "[unknown]"]
    assert column(usage, "AS02.02", "ISWC") == ["T0345246801", "T0345246801", None, "T0345246801", None]
    assert column(usage, "AS02.02", "ISRC")[2:4] == [("KRA401100001",), ("KRA401100001",)]
    assert column(royalty, "AS02.01", "Duration") == ["PT3M20.5S", "PT3M20.5S", "PT1H2M3S", "PT3M20.5S", "PT0S", "PT3M20.5S"]
    assert column(usage, "RE01", "Title") == [plain, plain, "#2", "#9"]
    assert column(usage, "RE01", "DisplayArtistName") == ["가수", "가수", "[unknown]", "[unknown]"]
    assert column(usage, "RE01", "ICPN") == ["0012345678905", "0012345678905", None, None]
    assert column(usage, "RE01", "Label")[0] == "라벨, (주)"


def test_head_and_names_come_from_the_month_never_from_the_clock(tmp_path: Path) -> None:
    found = month()
    files = write_dsr(found.con, made.CONTEXT, found.partner(), tmp_path)
    assert [file.name for file in files] == [
        f"DSR_{made.DPID}_PADPIDAUNASSIGNEDC_Streaming-{kind}_2026-02_KR_1of1_20260228T235959.tsv.gz"
        for kind in ("Usage", "Royalty")
    ]
    assert [file.rows for file in files] == [4 + 5 + 5, 5 + 3 * 6]
    head = next(read_dsr([tmp_path / "partner=7" / files[1].name])).cells
    assert (head["MessageId"], head["MessageCreatedDateTime"]) == ("2026-02-v3-7-royalty", "2026-02-28T23:59:59+09:00")
    again = write_dsr(found.con, made.CONTEXT, found.partner(), tmp_path / "again")
    assert again == files


def test_split_reports_hold_the_same_records(tmp_path: Path) -> None:
    usage, royalty = reports(tmp_path / "whole", month())
    parts = reports(tmp_path / "parts", month(), max_bytes=1)
    for whole, part in zip((usage, royalty), parts, strict=True):
        around = {"HEAD", "FOOT", "SY01.01", "SY07"}
        assert [one[2:] for one in part if one.type not in around] == [one[2:] for one in whole if one.type not in around]
        assert len([one for one in part if one.type == "HEAD"]) > 1


def test_a_release_with_very_many_tracks_takes_several_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_TRACKS", 2)
    found = made.Month().product("p1").album()
    for track in range(1, 6):
        found.track(track).line("p1", track, "author", track, track)
    usage, royalty = reports(tmp_path, found)
    for records, transactions in ((usage, "SU02"), (royalty, "SU03.01")):
        assert column(records, "RE01", "BlockId") == ["1", "2", "3"]
        assert column(records, transactions, "SalesTransactionId") == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("dpid", "party"), [("", ""), ("PADPIDA", ""), ("PADPIDA2014 999999Z!", ""), ("P" * 300, ""), ("PADPIDA" + "1" * 300, ""), ("PA-DPIDA-2014999999-Z", made.DPID)]
)  # fmt: skip
def test_without_a_dpid_the_file_is_named_by_the_partner_s_id(tmp_path: Path, dpid: str, party: str) -> None:
    found = month()
    files = write_dsr(found.con, made.CONTEXT, found.partner("\t", dpid), tmp_path)
    assert files[0].name.startswith(f"DSR_{party or '7'}_PADPIDAUNASSIGNEDC_")
    head = next(read_dsr([tmp_path / "partner=7" / files[0].name])).cells
    assert (head["RecipientPartyId"], head["RecipientName"]) == (party or None, "#7")


def test_a_sender_of_our_own_stands_in_head_and_names(tmp_path: Path) -> None:
    found = month()
    files = write_dsr(found.con, made.CONTEXT, found.partner(), tmp_path, Sender("PADPIDA2026000001A", "뮤직(주)", "Hi Fi_Music"))
    assert f"_{made.DPID}_PADPIDA2026000001A_Hi-Fi-Music-Usage_" in files[0].name
    head = next(read_dsr([tmp_path / "partner=7" / files[0].name])).cells
    assert (head["SenderPartyId"], head["SenderName"]) == ("PADPIDA2026000001A", "뮤직(주)")


def test_a_partner_without_royalties_gets_no_file(tmp_path: Path) -> None:
    assert write_dsr(made.Month().con, made.CONTEXT, made.Month().partner(), tmp_path) == []
    assert not list(tmp_path.iterdir())


def test_a_track_that_stands_twice_in_the_catalogue_stops_the_report(tmp_path: Path) -> None:
    found = month().track(1)
    with pytest.raises(SettlementError, match="stands twice in the catalogue"):
        write_dsr(found.con, made.CONTEXT, found.partner(), tmp_path)


def test_lines_that_changed_since_the_statement_stop_the_report(tmp_path: Path) -> None:
    found = month()
    partner = found.partner()
    found.con.execute("UPDATE mart.settlement_line SET amount_uwon = amount_uwon + 1 WHERE track_id = 3")
    with pytest.raises(
        SettlementError, match=r"product p1, author: 4 lines, 49 plays, 401\.123464 won were written, .* 401\.123463 won"
    ):
        write_dsr(found.con, made.CONTEXT, partner, tmp_path)


def test_lines_without_a_pool_or_of_an_unknown_service_stop_the_report(tmp_path: Path) -> None:
    with pytest.raises(SettlementError, match="which has no pool"):
        write_dsr((lost := month().line("p9", 1, "author", 1, 1)).con, made.CONTEXT, lost.partner(), tmp_path / "a")
    with pytest.raises(SettlementError, match="service 'radio' has no commercial model"):
        write_dsr(
            (odd := month().product("p9", "radio").line("p9", 1, "author", 1, 1)).con, made.CONTEXT, odd.partner(), tmp_path / "b"
        )


def test_amounts_durations_shares_and_codes_are_exact() -> None:
    assert [won(uwon) for uwon in (0, 1, -1, 10**24 + 1)] == ["0", "0.000001", "-0.000001", "1000000000000000000.000001"]
    assert [duration(ms) for ms in (0, 1, 59_999, 60_000, 3_600_000)] == ["PT0S", "PT0.001S", "PT59.999S", "PT1M0S", "PT1H0M0S"]
    assert [percentage(w, p) for w, p in ((0, 5), (5, 0), (3_000_000, 3), (1_000_001, 3), (1, 10**9))] == [
        "0",
        "0",
        "100",
        "33.333367",
        "0",
    ]
    assert [code("iswc", text) for text in ("t-034.524.680-1", "T034524680", " T0345246801\n")] == [
        "T0345246801",
        "",
        "T0345246801",
    ]
