"""Jobs as files: one folder each, with its state and, when it is done, its answer. On a disk, or in a bucket for several servers.

A job's server writes its state again every few seconds. A job at work whose state is older than that has lost its server.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import orjson

from settlement.storage import Location, atomic_file, remove_folder

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
_ID = re.compile(r"[0-9a-f]{32}")
_STATE, _CANCEL = "job.json", "cancel"


@dataclass(frozen=True)
class Job:
    """A long answer that was asked for.

    Attributes:
        id: 32 hexadecimal digits.
        owner, scope: who asked, and whose rows there are.
        question, format: what was asked.
        request: its id in the audit log.
        publication: the builds that it is read from.
        asked_at, started_at, ended_at, expires_at: seconds of the epoch; 0: not yet.
        beaten_at: when its server wrote this.
        rows, bytes, progress: so far; progress is None where nobody knows.
        sha256: of the file.
        trailer: of the answer.
        reason: why there is none.
    """

    id: str
    owner: str
    scope: str
    question: dict[str, Any]
    format: str
    request: str
    publication: str
    asked_at: float
    extension: str
    media_type: str
    state: str = WAITING
    started_at: float = 0
    ended_at: float = 0
    expires_at: float = 0
    beaten_at: float = 0
    rows: int = 0
    bytes: int = 0
    progress: float | None = None
    sha256: str = ""
    trailer: dict[str, Any] = field(default_factory=dict)
    reason: str = ""

    @property
    def is_over(self) -> bool:
        return self.state not in (WAITING, RUNNING)

    @property
    def file_name(self) -> str:
        """What people keep the answer under."""
        return f"settlement-{self.publication[:12]}-{self.id[:8]}.{self.extension}"

    def with_(self, **changes: Any) -> Job:
        return replace(self, **changes)


class JobStore:
    """Writes and reads jobs below a place.

    Every method may raise OSError or StorageError: the place can't be read or written.
    """

    def __init__(self, place: Location) -> None:
        self._place = place

    def write(self, job: Job) -> None:
        """Keep a job's state, as a whole."""
        with atomic_file(self._folder(job.id) / _STATE) as path:
            path.write_bytes(orjson.dumps(asdict(job)))

    def read(self, number: str) -> Job | None:
        """A job by its id; None when there is none."""
        if not _ID.fullmatch(number):
            return None
        try:
            told = orjson.loads(_content(self._folder(number) / _STATE))
        except FileNotFoundError:
            return None
        return Job(**{name: told[name] for name in _NAMES if name in told})

    def all(self) -> list[Job]:
        """Every job, in no order."""
        folders = self._place.iterdir() if self._place.exists() else ()
        return [job for folder in folders if (job := self.read(folder.name)) is not None]

    def file(self, job: Job) -> Location:
        """Where the answer is, or will be."""
        return self._folder(job.id) / f"answer.{job.extension}"

    def remove(self, job: Job) -> None:
        """Remove a job with its file."""
        remove_folder(self._folder(job.id))

    def ask_to_cancel(self, job: Job) -> None:
        """Leave word for the job's server, which may be another one."""
        with atomic_file(self._folder(job.id) / _CANCEL) as path:
            path.write_bytes(b"")

    def is_to_cancel(self, job: Job) -> bool:
        return bool((self._folder(job.id) / _CANCEL).exists())

    def _folder(self, number: str) -> Location:
        return self._place / number


def _content(place: Location) -> bytes:
    """What a file holds that is written again and again: by one request, or its size would be that of another moment."""
    if isinstance(place, Path):
        return place.read_bytes()
    content: bytes = place.fs.cat_file(place.path)
    return content


_NAMES = [f.name for f in fields(Job)]
