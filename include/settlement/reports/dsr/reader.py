"""Reads a report back and takes nothing on trust: names, order, counts, cells and references are all checked."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from settlement.errors import SettlementError
from settlement.reports.dsr.blocks import BlockCheck, SeenIds
from settlement.reports.dsr.errors import CellError, DsrError
from settlement.reports.dsr.lines import text_lines
from settlement.reports.dsr.names import FileName, element, first_day, last_day, parse_name, period
from settlement.reports.dsr.profiles import Profile, RecordType, Value, profiles
from settlement.reports.dsr.text import BadEscape, Raw, clean, split_line

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PER_FILE: Final = {"FileNumber"}


class Record(NamedTuple):
    """A record: its file and line (1 = HEAD), its type, and its cells by name without RecordType."""

    file: str
    line: int
    type: str
    cells: dict[str, Value]


def file_sets(paths: Iterable[Path]) -> list[list[Path]]:
    """Paths by report, each complete and in order of its files.

    Raises:
        DsrError: a name hasn't the form, a file of a report is missing or there twice.
    """
    reports: dict[FileName, dict[int, Path]] = defaultdict(dict)
    for path in sorted(paths):
        name = parse_name(path.name)
        if name.number in reports[name.report]:
            raise DsrError(path.name, f"file {name.number} of the report is there twice")
        reports[name.report][name.number] = path
    for name, files in reports.items():
        missing = next((n for n in range(1, name.total + 1) if n not in files), None)
        if missing is not None:
            raise DsrError(
                str(name._replace(number=missing)), f"missing: {len(files)} of {name.total} files of the report are there"
            )
    return [[files[number] for number in sorted(files)] for _, files in sorted(reports.items())]


def read_dsr(paths: Iterable[Path]) -> Iterator[Record]:
    """The records of one report (all of its files), HEAD, summaries and FOOT of each file among them.

    Records come as they are read: what is wrong further down, above all in the counts of FOOT, is raised when the
    reader gets there. Memory is bounded by a line and, for ids of blocks and transactions that aren't consecutive
    numbers, by their number.

    Raises:
        DsrError: whatever breaks the profile, with file, line, cell and reason.
        SettlementError: the paths are of no or of several reports.
    """
    sets = file_sets(paths)
    if len(sets) != 1:
        raise SettlementError(f"these are {len(sets)} DSR reports, not one", "files of one report differ in <x>of<y> only")
    report = _Report()
    for path in sets[0]:
        yield from _File(path.name, parse_name(path.name), report).records(text_lines(path))
    report.check_totals()


@dataclass
class _Report:
    """What is known of the report from the files read so far."""

    head: dict[str, Value] | None = None
    summaries: list[tuple[str, dict[str, Value]]] | None = None
    blocks: SeenIds = field(default_factory=SeenIds)
    transactions: SeenIds = field(default_factory=SeenIds)
    lines: int = 0
    block_count: int = 0
    claims: list[tuple[str, int, str, Value]] = field(default_factory=list)

    def check_totals(self) -> None:
        """Compare what FOOT records say of the whole report."""
        for file, line, cell, claimed in self.claims:
            found = self.lines if cell == "NumberOfLinesInReport" else self.block_count
            if claimed != found:
                raise DsrError(file, f"says {claimed}, the report has {found}", line, cell)


class _File:
    """One file under way: HEAD, summaries, blocks, FOOT."""

    def __init__(self, name: str, parsed: FileName, report: _Report) -> None:
        self._name = name
        self._parsed = parsed
        self._report = report
        self._line = 0
        self._profile: Profile | None = None
        self._summaries: list[tuple[str, dict[str, Value]]] = []
        self._block: BlockCheck | None = None
        self._block_id: Value = None
        self._blocks = 0
        self._ended = False

    def records(self, lines: Iterable[str]) -> Iterator[Record]:
        """Check the file's lines and give its records."""
        try:
            for self._line, line in enumerate(lines, start=1):
                if line.startswith("#") and self._line > 1 and not self._ended:
                    continue  # a comment: counted, not read
                record, cells = self._parse(line)
                self._take(record, cells)
                yield Record(self._name, self._line, record, cells)
        except CellError as error:
            raise DsrError(self._name, error.reason, self._line, error.cell) from None
        if not self._ended:
            raise DsrError(self._name, "cut short: there is no FOOT", self._line)

    def _parse(self, line: str) -> tuple[str, dict[str, Value]]:
        try:
            cells = split_line(line)
        except BadEscape as error:
            raise DsrError(self._name, str(error), self._line, f"cell {error.index + 1}") from None
        if control := _CONTROL.search(line):
            raise DsrError(self._name, f"has the control character U+{ord(control[0]):04X}", self._line)
        record = _one(cells[0])
        return record, self._record_type(record, cells).parse(cells)

    def _record_type(self, record: str, cells: list[Raw]) -> RecordType:
        if self._profile is None:
            if record != "HEAD" or len(cells) < 4:
                raise DsrError(self._name, f"begins with {record[:20]!r}: the first record has to be a HEAD", self._line)
            named = _one(cells[2]), _one(cells[3])
            found = [profile for profile in profiles().values() if (profile.name, profile.version) == named]
            if not found:
                known = ", ".join(f"{profile.name} {profile.version}" for profile in profiles().values())
                raise DsrError(self._name, f"{' '.join(named)!r} is not among {known}", self._line, "Profile")
            self._profile = found[0]
        if record not in self._profile.records:
            raise DsrError(self._name, f"{record[:20]!r} is no record of {self._profile.name}", self._line, "RecordType")
        return self._profile.records[record]

    def _take(self, record: str, cells: dict[str, Value]) -> None:
        profile = self._profile
        assert profile is not None
        if self._ended:
            raise CellError("RecordType", f"{record} stands after FOOT")
        if record == "HEAD":
            self._head(cells)
        elif record == "FOOT":
            self._foot(cells)
        elif record in profile.summaries:
            self._summary(record, cells)
        else:
            self._of_block(record, cells, profile)

    def _head(self, cells: dict[str, Value]) -> None:
        if self._line != 1:
            raise CellError("RecordType", "a second HEAD")
        _check_head(self._parsed, cells)
        first = self._report.head
        if first is None:
            self._report.head = cells
            return
        for name, value in cells.items():
            if name not in _PER_FILE and value != first[name]:
                raise CellError(name, f"{value!r} differs from {first[name]!r} of the report's first file")

    def _summary(self, record: str, cells: dict[str, Value]) -> None:
        if self._block is not None:
            raise CellError("RecordType", f"{record} stands after the first block: summaries come before")
        territory = self._parsed.territory
        if re.fullmatch("[A-Z]{2}", territory) and cells["Territory"] != territory:
            raise CellError("Territory", f"{cells['Territory']!r} is not {territory} of the file's name")
        if any(_summary_key(record, cells) == _summary_key(*other) for other in self._summaries):
            raise CellError("SummaryRecordId", f"{cells['SummaryRecordId']!r} stands twice")
        self._summaries.append((record, cells))

    def _end_summaries(self) -> None:
        if not self._summaries:
            raise CellError("RecordType", "there is no summary record behind HEAD")
        if self._report.summaries is None:
            self._report.summaries = self._summaries
        elif self._report.summaries != self._summaries:
            raise CellError("RecordType", "the summary records differ from those of the report's first file")

    def _of_block(self, record: str, cells: dict[str, Value], profile: Profile) -> None:
        if self._block is None or cells["BlockId"] != self._block_id:
            self._end_block()
            self._block_id = cells["BlockId"]
            if not self._report.blocks.add(str(self._block_id)):
                raise CellError("BlockId", f"block {self._block_id} was over before: blocks are never torn or mixed")
            ids = {str(summary["SummaryRecordId"]) for _, summary in self._summaries}
            self._block = BlockCheck(profile, ids, self._report.transactions)
            self._blocks += 1
        self._block.step(record, cells)

    def _end_block(self) -> None:
        if self._block is None:
            self._end_summaries()
        else:
            self._block.end()

    def _foot(self, cells: dict[str, Value]) -> None:
        self._end_block()
        self._ended = True
        lines, lines_in_report, summaries, blocks, blocks_in_report = cells
        found = {lines: self._line, summaries: len(self._summaries), blocks: self._blocks}
        for name, count in found.items():
            if cells[name] != count:
                raise CellError(name, f"says {cells[name]}, the file has {count}")
        self._report.lines += self._line
        self._report.block_count += self._blocks
        for name in (lines_in_report, blocks_in_report):
            if cells[name] is not None:
                self._report.claims.append((self._name, self._line, name, cells[name]))
            elif self._parsed.number == self._parsed.total:
                raise CellError(name, "is empty, but the report's last file has to have it")


def _one(raw: Raw) -> str:
    return raw if isinstance(raw, str) else "|".join(raw)


def _check_head(name: FileName, cells: dict[str, Value]) -> None:
    """Whether HEAD says what the file's name says."""
    created = datetime.fromisoformat(str(cells["MessageCreatedDateTime"])).strftime("%Y%m%dT%H%M%S")
    expected: dict[str, Value] = {"FileNumber": name.number, "NumberOfFiles": name.total}
    for cell, value in expected.items():
        if cells[cell] != value:
            raise CellError(cell, f"{cells[cell]} is not {value} of the file's name")
    if created != name.created:
        raise CellError("MessageCreatedDateTime", f"{created} is not {name.created} of the file's name")
    service = cells["ServiceDescription"]
    if service is not None and service != name.service:
        raise CellError("ServiceDescription", f"{service!r} is not {name.service!r} of the file's name")
    _check_party("Sender", name.sender, cells)
    if cells["RecipientPartyId"]:
        _check_party("Recipient", name.recipient, cells)
    first, last = period("", name.period)
    for cell, day, found in (
        ("UsageStartDate", first, first_day(str(cells["UsageStartDate"]))),
        ("UsageEndDate", last, last_day(str(cells["UsageEndDate"]))),
    ):
        if day != found:
            raise CellError(cell, f"{found} is not {day} of the file's name")


def _check_party(role: str, named: str, cells: dict[str, Value]) -> None:
    party_id, party_name = str(cells[f"{role}PartyId"]), clean(str(cells[f"{role}Name"] or ""))
    if named == party_id:
        return
    try:
        if named == element(party_name):
            return
    except SettlementError:
        pass
    raise CellError(f"{role}PartyId", f"neither {party_id} nor the name is {named!r} of the file's name")


def _summary_key(record: str, cells: dict[str, Value]) -> tuple[object, ...]:
    """What may stand once: some summaries repeat an id for each rights controller, right or kind of subscriber."""
    optional = ("RightsController", "RightsControllerPartyId", "RightsType", "SubscriberType", "SubPeriodStartDate")
    return record, cells["SummaryRecordId"], *(cells.get(name) for name in optional)
