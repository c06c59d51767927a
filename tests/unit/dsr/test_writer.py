"""The writer: round trips, files that split between blocks, equal bytes, and one block in memory at a time."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.reports.dsr import DsrError, Record, read_dsr
from settlement.reports.dsr.profiles import profiles
from settlement.reports.dsr.text import clean
from settlement.reports.dsr.writer import write_report
from tests.unit.dsr import made
from tests.unit.dsr.test_text import HOSTILE

TITLES = HOSTILE.filter(clean)


def of_type(records: list[Record], record: str) -> list[Record]:
    return [one for one in records if one.type == record]


@settings(made.PLAIN, max_examples=60)
@given(
    blocks=st.lists(st.lists(st.tuples(TITLES, st.integers(0, 10**12)), min_size=1, max_size=4), max_size=6),
    max_bytes=st.integers(300, 3_000),
)
def test_whatever_is_written_is_read_back_however_it_is_split(blocks: list[list[tuple[str, int]]], max_bytes: int) -> None:
    number = iter(range(1, 1_000))
    rows = [
        [
            made.release(tracks[0][0]),
            *(made.sound(reference=f"A{i}", title=title) for i, (title, _) in enumerate(tracks)),
            *(made.streams(next(number), f"A{i}", plays) for i, (_, plays) in enumerate(tracks)),
        ]
        for tracks in blocks
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = made.write(Path(folder), rows, max_bytes=max_bytes)
        records = list(read_dsr(files))
    flat = [track for tracks in blocks for track in tracks]
    assert [record.cells["Title"] for record in of_type(records, "AS02.02")] == [clean(title) for title, _ in flat]
    assert [record.cells["NumberOfStreams"] for record in of_type(records, "SU02")] == [plays for _, plays in flat]
    assert [record.cells["Title"] for record in of_type(records, "RE01")] == [clean(tracks[0][0]) for tracks in blocks]
    assert len(of_type(records, "HEAD")) == len(of_type(records, "SY01.01")) == len(of_type(records, "FOOT")) == len(files)


def test_cells_stand_where_the_profile_has_them(tmp_path: Path) -> None:
    (path,) = made.write(tmp_path, [[made.release("a|b"), made.sound(title="c\td\\"), made.streams(1)]])
    created = "2026-02-28T23:59:59+09:00"
    party = "PADPIDAUNASSIGNEDC\tUnregistered sender (placeholder)\tStreaming-Usage\tPADPIDA2014999999Z\t협회"
    assert made.lines_of(path) == [
        f"HEAD\tdsrf/1.2/1.2/1.1\tBasicAudioProfile\t1.2\tm-usage\t{created}\t1\t1\t2026-02-01\t2026-02-28\t{party}\t\n",
        "SY01.01\tp1\t\t\tSubscriptionModel\tOnDemandStream\tKR\t\t3\t\tKRW\t5000.000000\t\t\t\n",
        "RE01\t1\tR1\t11\t\t\t\tx\t\ta\\|b\t\t\t\t\t\n",
        "AS02.02\t1\tA1\t21\t\tc\\\td\\\\\t\tx\t\tPT3M\tSoundRecording" + "\t" * 11 + "\n",
        "SU02\t1\tp1\t1\t\tA1\ttrue\t3\t\t\n",
        "FOOT\t6\t6\t1\t1\t1\n",
    ]


def test_a_list_of_values_is_joined_by_pipes_and_its_own_pipes_are_escaped(tmp_path: Path) -> None:
    writers = ("Kim|Lee", "", "박")
    (path,) = made.write(tmp_path, [[made.sound(ComposerAuthor=writers), made.streams(1)]])
    assert "\tKim\\|Lee||박\t" in made.lines_of(path)[2]
    (track,) = of_type(list(read_dsr([path])), "AS02.02")
    assert track.cells["ComposerAuthor"] == writers


def test_files_split_between_blocks_and_each_is_whole(tmp_path: Path) -> None:
    blocks = [made.usage_block(n) for n in range(1, 8)]
    limit = 400 + 2 * sum(map(len, made.lines_of(made.write(tmp_path / "one", [made.usage_block(1)])[0])[2:5]))
    files = made.write(tmp_path, blocks, max_bytes=limit)
    assert len(files) > 2
    assert [path.name.split("_")[6] for path in files] == [f"{n}of{len(files)}" for n in range(1, len(files) + 1)]
    for path in files:
        lines = made.lines_of(path)
        assert [line.split("\t")[0] for line in lines[:2]] == ["HEAD", "SY01.01"]
        assert [line.split("\t")[0] for line in lines[2:-1]] == ["RE01", "AS02.02", "SU02"] * ((len(lines) - 3) // 3)
        assert sum(len(line.encode()) for line in lines) <= limit
        assert lines[-1].split("\t")[1] == str(len(lines))
    total = sum(len(made.lines_of(path)) for path in files)
    assert made.lines_of(files[-1])[-1] == f"FOOT\t{len(made.lines_of(files[-1]))}\t{total}\t1\t1\t7\n"
    assert made.lines_of(files[0])[-1].split("\t")[2::3] == ["", "\n"]
    assert len(of_type(list(read_dsr(reversed(files))), "SU02")) == 7


def test_a_report_without_blocks_is_one_file_of_three_lines(tmp_path: Path) -> None:
    (path,) = made.write(tmp_path, [])
    assert [line.split("\t")[0] for line in made.lines_of(path)] == ["HEAD", "SY01.01", "FOOT"]
    assert len(list(read_dsr([path]))) == 3


def test_the_same_rows_give_the_same_bytes_without_name_or_time(tmp_path: Path) -> None:
    first, second = (made.write(tmp_path / name, [made.usage_block(n) for n in (1, 2)])[0] for name in "ab")
    data = first.read_bytes()
    assert data == second.read_bytes()
    assert data[3] == 0  # no name, comment or extra field
    assert data[4:8] == b"\0\0\0\0"


def test_a_file_s_record_says_its_hash_size_and_rows(tmp_path: Path) -> None:
    (record,) = write_report(
        profiles()["royalty"], made.header("royalty"), [made.royalty_summary()], [made.royalty_rows()], tmp_path
    )
    data = (tmp_path / record.name).read_bytes()
    assert (record.sha256, record.size, record.rows) == (hashlib.sha256(data).hexdigest(), len(data), 3)


def test_blocks_are_taken_one_at_a_time_and_none_is_held(tmp_path: Path) -> None:
    taken: list[int] = []
    spilled: list[int] = []

    def watched() -> object:
        for block in islice(made.endless(taken), 200):
            spilled.append(sum(path.stat().st_size for path in tmp_path.glob(".dsr-*/*.tsv")))
            yield block
            assert taken[-1] == block[-1][1]["SalesTransactionId"]  # nobody asked further meanwhile

    files = made.write(tmp_path, watched(), max_bytes=2_000)  # type: ignore[arg-type]
    assert len(taken) == 200
    written = sum(len(gzip.decompress(path.read_bytes())) for path in files)
    assert spilled[-1] > written // 2  # what came before is on disk, not in memory
    assert not list(tmp_path.glob(".dsr-*"))


def test_a_fault_in_the_middle_leaves_neither_files_nor_spill(tmp_path: Path) -> None:
    with pytest.raises(DsrError, match="DspResourceId"):
        made.write(tmp_path, [made.usage_block(1), [made.sound(DspResourceId=None), made.streams(2)]])
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (path,) = made.write(tmp_path, [made.usage_block(1)])
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        made.write(tmp_path, [made.usage_block(2)])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ([made.release(), made.streams(1)], "SU02 can't stand after RE01"),
        ([made.sound()], "the block ends with AS02.02"),
        ([made.sound(), made.streams(1, "A9")], "no record has the id 'A9'"),
        ([made.sound(), made.streams(1, SummaryRecordId="p9")], "no record has the id 'p9'"),
        ([made.sound(), made.streams(1), made.streams(1)], "'1' stands twice"),
        ([made.sound(title="\r\n"), made.streams(1)], "is empty"),
        ([made.sound(ISRC="KR-1"), made.streams(1)], "is not of the form"),
        ([made.sound(Artist="x"), made.streams(1)], "is no cell of AS02.02"),
        ([made.sound(ResourceType="Song"), made.streams(1)], "is not an allowed value"),
        ([made.sound(Title=("a", "b")), made.streams(1)], "takes one value"),
    ],
)
def test_what_the_profile_forbids_is_never_written(tmp_path: Path, block: list[made.Row], said: str) -> None:
    with pytest.raises(DsrError, match=said):
        made.write(tmp_path, [block])
