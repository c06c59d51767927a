"""The reader: a sound report is read whole, and every kind of damage is refused by file, line, cell and reason."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from settlement.errors import SettlementError
from settlement.reports.dsr import DsrError, read_dsr
from tests.unit.dsr import made

Edit = Callable[[list[str]], list[str] | None]


def usage(folder: Path) -> Path:
    blocks = [
        [made.release("a\\|b"), made.sound(), made.sound(reference="A2"), made.streams(1), made.streams(2, "A2")],
        made.usage_block(3),
    ]
    return made.write(folder, blocks)[0]


def royalty(folder: Path) -> Path:
    return made.write(folder, [[made.release(), *made.royalty_rows(1), *made.royalty_rows(2)]], "royalty")[0]


def swap(old: str, new: str, line: int) -> Edit:
    """Replace text in a line (1 = HEAD); it has to be there."""

    def edit(lines: list[str]) -> None:
        assert old in lines[line - 1], lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)

    return edit


def without(line: int) -> Edit:
    return lambda lines: lines[: line - 1] + lines[line:]


def moved(line: int, to: int) -> Edit:
    def edit(lines: list[str]) -> None:
        lines.insert(to - 1, lines.pop(line - 1))

    return edit


def again(line: int) -> Edit:
    return lambda lines: [*lines[:line], lines[line - 1], *lines[line:]]


# The usage report: 1 HEAD, 2 SY01.01, 3 RE01, 4-5 AS02.02, 6-7 SU02 | 8 RE01, 9 AS02.02, 10 SU02 | 11 FOOT.
USAGE_DAMAGE: dict[str, tuple[Edit, int, str, str]] = {
    "wrong line count": (swap("FOOT\t11", "FOOT\t12", 11), 11, "NumberOfLinesInFile", "says 12, the file has 11"),
    "wrong count of the report": (swap("11\t11", "11\t12", 11), 11, "NumberOfLinesInReport", "says 12, the report has 11"),
    "wrong count of summaries": (swap("\t1\t2\t2", "\t2\t2\t2", 11), 11, "NumberOfSummaryRecords", "says 2, the file has 1"),
    "wrong count of blocks": (swap("\t1\t2\t2", "\t1\t3\t2", 11), 11, "NumberOfBlocksInFile", "says 3, the file has 2"),
    "wrong blocks of the report": (swap("\t2\n", "\t3\n", 11), 11, "NumberOfBlocksInReport", "says 3, the report has 2"),
    "no count of the report": (swap("11\t11", "11\t", 11), 11, "NumberOfLinesInReport", "the report's last file has to have it"),
    "a record too few": (without(7), 10, "NumberOfLinesInFile", "says 11, the file has 10"),
    "no FOOT": (without(11), 10, "", "there is no FOOT"),
    "a record after FOOT": (moved(10, 11), 10, "RecordType", "the block ends with AS02.02"),
    "FOOT twice": (again(11), 12, "RecordType", "stands after FOOT"),
    "no HEAD": (without(1), 1, "", "the first record has to be a HEAD"),
    "HEAD twice": (again(1), 2, "RecordType", "a second HEAD"),
    "no summary": (without(2), 2, "RecordType", "no summary record behind HEAD"),
    "a summary twice": (again(2), 3, "SummaryRecordId", "'p1' stands twice"),
    "a summary after a block": (
        lambda lines: [*lines[:3], lines[1].replace("p1", "p2"), *lines[3:]], 4, "RecordType", "SY01.01 stands after the first block"),
    "swapped order": (moved(6, 5), 6, "RecordType", "AS02.02 can't stand after SU02"),
    "usage before its resource": (moved(6, 4), 4, "RecordType", "SU02 can't stand after RE01"),
    "torn block": (moved(7, 10), 10, "BlockId", "block 1 was over before"),
    "a block cut short": (lambda lines: lines[:5] + lines[7:], 6, "RecordType", "the block ends with AS02.02: it is torn"),
    "unknown record": (swap("AS02.02", "AS09.09", 4), 4, "RecordType", "'AS09.09' is no record of BasicAudioProfile"),
    "record of another profile": (swap("SU02", "SU03.01", 6), 6, "RecordType", "'SU03.01' is no record of BasicAudioProfile"),
    "unknown profile": (swap("BasicAudioProfile", "UGCProfile", 1), 1, "Profile", "is not among BasicAudioProfile 1.2"),
    "unknown version": (swap("\t1.2\t", "\t1.3\t", 1), 1, "Profile", "'BasicAudioProfile 1.3' is not among"),
    "a cell too few": (swap("\t\n", "\n", 4), 4, "AS02.02", "has 21 cells, the record has 22"),
    "a cell too many": (swap("\n", "\t\n", 4), 4, "AS02.02", "has 23 cells, the record has 22"),
    "mandatory cell empty": (swap("\t곡\t", "\t\t", 4), 4, "Title", "is empty"),
    "bad pattern": (swap("PADPIDAUNASSIGNEDC", "PADPIDA-1", 1), 1, "SenderPartyId", "is not of the form"),
    "bad integer": (swap("\t3\t", "\t3.0\t", 6), 6, "NumberOfStreams", "'3.0' is no integer"),
    "bad decimal": (swap("5000.000000", "5,000", 2), 2, "NetRevenue", "'5,000' is no decimal number"),
    "bad boolean": (swap("true", "True", 6), 6, "IsRoyaltyBearing", "is neither true nor false"),
    "bad duration": (swap("PT3M", "3:00", 4), 4, "Duration", "'3:00' is no duration"),
    "bad date": (swap("2026-02-28\t", "2026-02-30\t", 1), 1, "UsageEndDate", "'2026-02-30' is no date"),
    "bad time": (swap("T23:59:59+09:00", "T25:59:59+09:00", 1), 1, "MessageCreatedDateTime", "is no time with an offset"),
    "no offset": (swap("+09:00", "", 1), 1, "MessageCreatedDateTime", "is no time with an offset"),
    "unknown value of a full set": (swap("OnDemandStream", "OnDemand", 2), 2, "UseType", "not an allowed value of UseType"),
    "bad form in a partial set": (swap("\tKRW\t", "\twon\t", 2), 2, "CurrencyOfReporting", "not an allowed value of Currency"),
    "pipe without backslash": (swap("\\|", "|", 3), 3, "Title", "takes one value"),
    "bad escape": (swap("\\\\\\|b", "\\b", 3), 3, "cell 10", "a backslash stands before none of"),
    "control character": (swap("곡", "\x07곡", 4), 4, "", "control character U+0007"),
    "resource reference twice": (swap("A2", "A1", 5), 5, "ResourceReference", "'A1' stands twice in the block"),
    "unknown resource": (swap("A2", "A3", 7), 7, "TransactedResource", "no record has the id 'A3'"),
    "unknown summary": (swap("\tp1\t", "\tp2\t", 7), 7, "SummaryRecordId", "no record has the id 'p2'"),
    "transaction twice": (swap("\tp1\t3\t", "\tp1\t1\t", 10), 10, "SalesTransactionId", "'1' stands twice in the report"),
    "resource and release": (swap("\t\tA1", "\tR1\tA1", 6), 6, "TransactedResource", "not both or none"),
    "nothing transacted": (swap("A1", "", 6), 6, "TransactedResource", "not both or none"),
    "another file number": (swap("\t1\t1\t2026", "\t2\t1\t2026", 1), 1, "FileNumber", "2 is not 1 of the file's name"),
    "another number of files": (swap("\t1\t1\t2026", "\t1\t2\t2026", 1), 1, "NumberOfFiles", "2 is not 1 of the file's name"),
    "another service": (swap("Streaming-Usage", "Streaming", 1), 1, "ServiceDescription", "of the file's name"),
    "another sender": (swap("PADPIDAUNASSIGNEDC", "PADPIDA9", 1), 1, "SenderPartyId", "of the file's name"),
    "another recipient": (swap("PADPIDA2014999999Z", "PADPIDA9", 1), 1, "RecipientPartyId", "of the file's name"),
    "another time": (swap("23:59:59", "23:59:58", 1), 1, "MessageCreatedDateTime", "of the file's name"),
    "another period": (swap("2026-02-01", "2026-02-02", 1), 1, "UsageStartDate", "2026-02-02 is not 2026-02-01"),
    "another territory": (swap("\tKR\t", "\tJP\t", 2), 2, "Territory", "'JP' is not KR of the file's name"),
    "empty line": (lambda lines: [*lines[:3], "\n", *lines[3:]], 4, "", "the line is empty"),
    "no end of line": (swap("\n", "", 11), 11, "", "the last line has no end"),
}  # fmt: skip


@pytest.mark.parametrize("damage", USAGE_DAMAGE)
def test_damage_is_refused_with_file_line_cell_and_reason(tmp_path: Path, damage: str) -> None:
    edit, line, cell, reason = USAGE_DAMAGE[damage]
    path = made.rewrite(usage(tmp_path), edit)
    with pytest.raises(DsrError) as caught:
        list(read_dsr([path]))
    error = caught.value
    assert (error.file, error.line, error.cell) == (path.name, line, cell)
    assert reason in error.reason
    assert path.name in str(error)


# The royalty report: 1 HEAD, 2 SY07, 3 RE01, 4 AS02.01, 5 SU03.01, 6 LI01.01, 7-9 likewise, 10 FOOT.
ROYALTY_DAMAGE: dict[str, tuple[Edit, int, str, str]] = {
    "usage without amounts": (without(6), 6, "RecordType", "AS02.01 can't stand after SU03.01"),
    "ends without amounts": (without(9), 9, "RecordType", "the block ends with SU03.01"),
    "work below a resource with its own": (
        lambda lines: [*lines[:6], "MW01.01\t1\t5\t\tx" + "\t" * 11 + "\n", *lines[6:]], 7, "RecordType", "MW01.01 belongs to AS01"),
    "amount of another summary": (swap("\tp1\t", "\tp2\t", 6), 6, "SummaryRecordId", "no record has the id 'p2'"),
    "use of another release": (swap("\tp1\t11\t", "\tp1\t12\t", 5), 5, "DspReleaseId", "'12' is not the block's release '11'"),
    "use twice": (swap("\t2\tp1", "\t1\tp1", 8), 8, "SalesTransactionId", "'1' stands twice in the report"),
    "unknown right": (swap("MakeAvailableRight", "StreamingRight", 2), 2, "RightsType", "not an allowed value of RightsType"),
    "amount with an exponent": (swap("1.500000\n", "1.5e0\n", 6), 6, "AllocatedAmount", "'1.5e0' is no decimal number"),
}  # fmt: skip


@pytest.mark.parametrize("damage", ROYALTY_DAMAGE)
def test_damaged_amounts_are_refused_likewise(tmp_path: Path, damage: str) -> None:
    edit, line, cell, reason = ROYALTY_DAMAGE[damage]
    path = made.rewrite(royalty(tmp_path), edit)
    with pytest.raises(DsrError) as caught:
        list(read_dsr([path]))
    assert (caught.value.line, caught.value.cell) == (line, cell)
    assert reason in caught.value.reason


def split(folder: Path) -> list[Path]:
    files = made.write(folder, [made.usage_block(n) for n in (1, 2, 3)], max_bytes=1)
    assert len(files) == 3
    return files


SET_DAMAGE: dict[str, tuple[int, Edit, str]] = {
    "another message": (1, swap("m-usage", "m-other", 1), "MessageId: 'm-other' differs from 'm-usage'"),
    "other summaries": (2, swap("5000.000000", "5001.000000", 2), "the summary records differ"),
    "block id of an earlier file": (2, lambda lines: [line.replace("\t3\t", "\t1\t", 1) if line[:2] in {"RE", "AS", "SU"} else line for line in lines], "block 1 was over before"),
    "transaction of an earlier file": (1, swap("\tp1\t2\t", "\tp1\t1\t", 5), "'1' stands twice in the report"),
    "total in the last file": (2, swap("\t18\t", "\t17\t", 6), "NumberOfLinesInReport: says 17, the report has 18"),
    "a wrong total in the first file": (0, swap("FOOT\t6\t", "FOOT\t6\t6", 6), "NumberOfLinesInReport: says 6, the report has 18"),
}  # fmt: skip


@pytest.mark.parametrize("damage", SET_DAMAGE)
def test_files_of_one_report_have_to_agree(tmp_path: Path, damage: str) -> None:
    files = split(tmp_path)
    number, edit, reason = SET_DAMAGE[damage]
    made.rewrite(files[number], edit)
    with pytest.raises(DsrError) as caught:
        list(read_dsr(files))
    assert caught.value.file == files[number].name
    assert reason in str(caught.value)


def test_a_missing_file_of_the_report_is_named(tmp_path: Path) -> None:
    files = split(tmp_path)
    with pytest.raises(DsrError, match=r"_2of3_.*: missing: 2 of 3 files of the report are there"):
        list(read_dsr([files[0], files[2]]))


def test_a_renamed_file_is_refused(tmp_path: Path) -> None:
    path = usage(tmp_path)
    renamed = path.rename(path.with_name(path.name.replace("2026-02_", "2026-03_")))
    with pytest.raises(DsrError, match="2026-02-01 is not 2026-03-01 of the file's name"):
        list(read_dsr([renamed]))


def test_files_of_two_reports_are_not_read_as_one(tmp_path: Path) -> None:
    with pytest.raises(SettlementError, match="2 DSR reports"):
        list(read_dsr([usage(tmp_path), royalty(tmp_path)]))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:40] + b"\0" + data[41:], lambda _: b"", lambda _: b"HEAD"]
)
def test_a_damaged_gzip_is_refused_by_name(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = usage(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DsrError) as caught:
        list(read_dsr([path]))
    assert caught.value.file == path.name


def test_bytes_that_are_no_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    path = usage(tmp_path)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace("곡".encode(), b"\xff", 1)))
    with pytest.raises(DsrError, match=r"line 4: is not UTF-8"):
        list(read_dsr([path]))


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = usage(tmp_path)
    path.write_bytes(gzip.compress(b"HEAD\t" + b"x" * (9 << 20)))
    with pytest.raises(DsrError, match="longer than"):
        list(read_dsr([path]))


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    path = usage(tmp_path)
    path.unlink()
    with pytest.raises(SettlementError, match="can't be read: No such file"):
        list(read_dsr([path]))


def test_plain_tsv_windows_ends_of_line_and_comments_are_read(tmp_path: Path) -> None:
    path = usage(tmp_path)
    lines = made.lines_of(path)
    lines.insert(2, "#RE01\tBlockId\tan escape \\of no kind\n")
    lines[-1] = lines[-1].replace("11\t11", "12\t12")
    plain = path.with_suffix("")
    plain.write_bytes("".join(lines).replace("\n", "\r\n").encode())
    assert [record.line for record in read_dsr([plain])] == [1, 2, *range(4, 13)]


def test_values_are_typed_and_empty_cells_are_none(tmp_path: Path) -> None:
    records = list(read_dsr([royalty(tmp_path)]))
    use, paid = records[4].cells, records[5].cells
    assert (records[4].type, records[4].line) == ("SU03.01", 5)
    assert (use["Usages"], use["NetRevenue"], use["ValidityPeriodStart"]) == (3, Decimal("1.500000"), None)
    assert (paid["RightsController"], paid["RightSharePercentage"], paid["RightsType"]) == ("협회", Decimal(50), None)
    assert records[0].cells["RepresentedRepertoire"] == ()


def test_unlisted_values_of_a_partial_set_are_taken_by_their_form(tmp_path: Path) -> None:
    path = made.rewrite(usage(tmp_path), swap("\tKRW\t", "\tJPY\t", 2))
    assert list(read_dsr([path]))[1].cells["CurrencyOfReporting"] == "JPY"


def test_records_with_works_sub_releases_and_downloads_are_read(tmp_path: Path) -> None:
    block = [
        made.release(),
        made.sound("AS01.01"),
        ("MW01.01", {"DspWorkId": "w1", "Title": "작품", "ComposerAuthor": ("Kim", "Lee")}),
        ("RE02", {"ReleaseReference": "R2", "DspSubReleaseId": "s", "UsedResources": ("A1",)}),
        ("SU01", {"SummaryRecordId": "p1", "SalesTransactionId": "t", "TransactedRelease": "R2", "IsRoyaltyBearing": True, "SalesUpgrade": False, "Usages": 2, "Returns": 0}),
    ]  # fmt: skip
    types = [record.type for record in read_dsr(made.write(tmp_path, [block]))]
    assert types == ["HEAD", "SY01.01", "RE01", "AS01.01", "MW01.01", "RE02", "SU01", "FOOT"]
