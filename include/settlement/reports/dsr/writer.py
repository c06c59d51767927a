"""Writes a report: blocks are spilled to disk as they come, then cut into files that know how many they are."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from settlement.reports.dsr.blocks import BlockCheck, SeenIds
from settlement.reports.dsr.errors import CellError, DsrError
from settlement.reports.dsr.names import FileName, element
from settlement.reports.dsr.profiles import Profile
from settlement.reports.dsr.sender import Sender
from settlement.reports.model import FileRecord

Row = tuple[str, Mapping[str, object]]
"""A record: its type and its cells by name; BlockId is the writer's."""
Block = Iterable[Row]
"""The records of one release, in the profile's order; taken once, and held whole in memory as text."""

MAX_FILE_BYTES: Final = 500_000_000
"""Size of a file before compression from which a new one is begun, unless the partner agrees to another."""
_COPY_BYTES: Final = 1 << 20
_LEVEL: Final = 6


@dataclass(frozen=True)
class Header:
    """What HEAD and the files' names say of a report.

    Attributes:
        service: service and profile, e.g. `Streaming-Usage`; an element of the name.
        recipient: element of the name: the DPID, or whatever else names the recipient.
        recipient_dpid: empty when the recipient has none.
        period: `yyyy-mm`; `first_day` and `last_day` are its dates.
        created: time of the report with offset, `2026-03-31T23:59:59+09:00`.
        message_id: unique among all reports of the sender.
    """

    sender: Sender
    service: str
    recipient: str
    recipient_dpid: str
    recipient_name: str
    period: str
    first_day: str
    last_day: str
    territory: str
    created: str
    message_id: str

    def file_name(self, number: int, total: int) -> str:
        """Name of file `number` of `total`."""
        created = datetime.fromisoformat(self.created).strftime("%Y%m%dT%H%M%S")
        named = (element(self.recipient), element(self.sender.dpid), element(self.service), self.period, self.territory)
        return str(FileName(*named, number, total, created))

    def cells(self, profile: Profile, number: int, total: int) -> dict[str, object]:
        """Cells of HEAD."""
        return {
            "MessageVersion": profile.message_version,
            "Profile": profile.name,
            "ProfileVersion": profile.version,
            "MessageId": self.message_id,
            "MessageCreatedDateTime": self.created,
            "FileNumber": number,
            "NumberOfFiles": total,
            "UsageStartDate": self.first_day,
            "UsageEndDate": self.last_day,
            "SenderPartyId": self.sender.dpid,
            "SenderName": self.sender.name,
            "ServiceDescription": element(self.service),
            "RecipientPartyId": self.recipient_dpid,
            "RecipientName": self.recipient_name,
        }


def write_report(
    profile: Profile,
    header: Header,
    summaries: Sequence[Row],
    blocks: Iterable[Block],
    out: Path,
    max_bytes: int = MAX_FILE_BYTES,
) -> list[FileRecord]:
    """Write one report into `out` as one or more `.tsv.gz`; existing files are never overwritten.

    `blocks` is taken one at a time; disk next to the files holds the report's text until they are done. A block is
    never torn: a file passes `max_bytes` only when a single block does. The same rows give the same bytes (per build
    of zlib).

    Returns:
        A record per file, in their order; `rows` counts the records of blocks.

    Raises:
        DsrError: a record, a cell or the order of records breaks the profile.
        OSError: a file exists, or can't be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    first_name = header.file_name(1, 1)
    try:
        opening = [profile.records[record].render(cells).encode() for record, cells in summaries]
    except CellError as error:
        raise DsrError(first_name, f"{error.reason} (summary record)", cell=error.cell) from error
    summary_ids = {str(cells["SummaryRecordId"]) for _, cells in summaries}
    with TemporaryDirectory(prefix=".dsr-", dir=out) as spill:
        limit = max_bytes - sum(map(len, opening)) - len(_head(profile, header, 1, 1)) - 100  # 100: FOOT and larger counts
        parts = _Spill(profile, summary_ids, Path(spill), limit, first_name)
        parts.take(blocks)
        return _Files(profile, header, opening, parts.parts, out).write()


@dataclass
class _Part:
    """The blocks of one file on disk."""

    path: Path
    size: int = 0
    lines: int = 0
    blocks: int = 0


class _Spill:
    """Blocks as text on disk, cut where a file is full; one block is in memory at a time."""

    def __init__(self, profile: Profile, summary_ids: set[str], folder: Path, limit: int, name: str) -> None:
        self.parts: list[_Part] = []
        self._profile = profile
        self._summary_ids = summary_ids
        self._folder = folder
        self._limit = limit
        self._name = name
        self._transactions = SeenIds()

    def take(self, blocks: Iterable[Block]) -> None:
        """Spill all blocks; there is at least one part."""
        with ExitStack() as stack:
            sink = self._begin(stack)
            for number, block in enumerate(blocks, start=1):
                lines = self._render(number, block)
                size = sum(map(len, lines))
                part = self.parts[-1]
                if part.blocks and part.size + size > self._limit:
                    sink = self._begin(stack)
                    part = self.parts[-1]
                sink.writelines(lines)
                part.size += size
                part.lines += len(lines)
                part.blocks += 1

    def _begin(self, stack: ExitStack) -> IO[bytes]:
        stack.close()
        part = _Part(self._folder / f"{len(self.parts) + 1}.tsv")
        self.parts.append(part)
        return stack.enter_context(part.path.open("xb"))

    def _render(self, number: int, block: Block) -> list[bytes]:
        check = BlockCheck(self._profile, self._summary_ids, self._transactions)
        lines: list[bytes] = []
        try:
            for record, cells in block:
                check.step(record, cells)
                lines.append(self._profile.records[record].render({"BlockId": number, **cells}).encode())
            check.end()
        except CellError as error:
            where = f"block {number}, record {len(lines) + 1}"
            raise DsrError(self._name, f"{error.reason} ({where})", cell=error.cell) from error
        return lines


@dataclass(frozen=True)
class _Files:
    """The files of a report, once it is known how many there are."""

    profile: Profile
    header: Header
    opening: list[bytes]
    parts: list[_Part]
    out: Path

    def write(self) -> list[FileRecord]:
        return [self._write(number, part) for number, part in enumerate(self.parts, start=1)]

    def _write(self, number: int, part: _Part) -> FileRecord:
        total = len(self.parts)
        name = self.header.file_name(number, total)
        path = self.out / name
        with path.open("xb") as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
            packed.write(_head(self.profile, self.header, number, total))
            packed.writelines(self.opening)
            with part.path.open("rb") as body:
                shutil.copyfileobj(body, packed, _COPY_BYTES)
            packed.write(self._foot(number, part))
        part.path.unlink()
        with path.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        return FileRecord(name, sha256, path.stat().st_size, part.lines)

    def _foot(self, number: int, part: _Part) -> bytes:
        """FOOT; what the whole report holds is said in the last file."""
        around = len(self.opening) + 2
        counts: list[object] = [part.lines + around, None, len(self.opening), part.blocks, None]
        if number == len(self.parts):
            counts[1] = sum(each.lines + around for each in self.parts)
            counts[4] = sum(each.blocks for each in self.parts)
        foot = self.profile.records["FOOT"]
        return foot.render({cell.name: count for cell, count in zip(foot.cells, counts, strict=True)}).encode()


def _head(profile: Profile, header: Header, number: int, total: int) -> bytes:
    try:
        return profile.records["HEAD"].render(header.cells(profile, number, total)).encode()
    except CellError as error:
        raise DsrError(header.file_name(number, total), error.reason, 1, error.cell) from error
