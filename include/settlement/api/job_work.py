"""One job at work: its answer goes into a file by the way that a streamed answer takes, whole with its trailer or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from settlement.api.answering import shown
from settlement.api.asking import Asked, encoder_of, feed_of, header, trailer_of
from settlement.api.auditing import Entry
from settlement.api.engines.running import Bounds
from settlement.api.feed import Feed
from settlement.api.job_store import CANCELLED, DONE, FAILED, RUNNING, Job, JobStore
from settlement.api.service import Service
from settlement.errors import SettlementError, StorageError, of_system
from settlement.storage import Location, atomic_file, sha256_of

STOPPED = "the service was stopped"
_BEATS = 5  # in the time after which a silent job counts as lost


@dataclass
class _Written:
    """Counts what goes into a file."""

    stream: BinaryIO
    size: int = 0

    def __post_init__(self) -> None:
        self._digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self.stream.write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class JobWork:
    """Works on a job until it is over. Used by one event loop.

    Args:
        service: answers.
        store: of jobs.
        job: as it was asked for; `job` tells how far it is.
        asked: the question, bound to its builds.
        entry: of the job in the audit log; it is allowed.
    """

    def __init__(self, service: Service, store: JobStore, job: Job, asked: Asked, entry: Entry) -> None:
        self.job = job
        self._service = service
        self._store = store
        self._asked = asked
        self._entry = entry
        self._feed: Feed | None = None
        self._is_left = False
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()  # of two states the later one is kept
        self._reason = ""

    async def run(self, places: asyncio.Semaphore) -> None:
        """Wait for a place, then compute; the job is over when it returns, whatever happened."""
        self._task = asyncio.current_task()
        beating = asyncio.create_task(self._beat())
        try:
            async with places:
                await self._compute()
        except asyncio.CancelledError:
            await self._over(CANCELLED if self._reason else FAILED, reason=self._reason or STOPPED)
            if not self._reason:
                raise
        except SettlementError as error:
            await self._fail(error)
        except OSError as error:
            await self._fail(of_system(error))
        finally:
            beating.cancel()

    def cancel(self, reason: str) -> None:
        """End it soon; the engine's query as well."""
        if self.job.is_over or self._is_left:
            return
        self._reason = self._reason or reason
        if self._feed is not None:
            self._feed.cancel(reason)
        elif self._task is not None:
            self._task.cancel()  # it waits for a place

    def now(self) -> Job:
        """The job with what is known of its progress at this moment."""
        if self._feed is not None and not self.job.is_over:
            self.job = self.job.with_(rows=self._feed.tally.rows, progress=self._progress(self._feed))
        return self.job

    async def _compute(self) -> None:
        seconds = self._service.settings.job_seconds
        encoder = encoder_of(self._asked)
        bounds = Bounds(seconds, self._service.settings.job_scan_bytes)
        feed = feed_of(self._service, self._asked, encoder, self._entry, self._service.settings.job_rows, bounds)
        self._feed = feed
        self.job = self.job.with_(state=RUNNING, started_at=time.time())
        timer = asyncio.get_running_loop().call_later(seconds, feed.cancel, f"it took longer than {seconds:g} s")
        try:
            await self._write(feed)
        except asyncio.CancelledError:
            feed.cancel(STOPPED)
            raise
        finally:
            timer.cancel()
            await asyncio.shield(self._leave(feed))

    async def _leave(self, feed: Feed) -> None:
        """Wait until the engine has let go of the query."""
        self._is_left = True
        with suppress(SettlementError):
            await feed.close()

    async def _write(self, feed: Feed) -> None:
        target = self._store.file(self.job)
        with ExitStack() as undone:
            written = await asyncio.to_thread(_open, undone, target)
            piece: bytes | None = await feed.begin(header(self._service, self._asked))
            while piece is not None:
                await asyncio.to_thread(written.write, piece)
                self.job = self.job.with_(bytes=written.size)
                piece = await feed.next()
            trailer = trailer_of(self._service, self._asked, feed)["trailer"]
            await asyncio.to_thread(written.write, await feed.end({"trailer": trailer}))
            kept = undone.pop_all()
        await asyncio.to_thread(kept.close)  # in a bucket it is put only now
        await asyncio.to_thread(_require_same, target, written)
        tally = feed.tally
        await self._entry.finish("complete", rows=tally.rows, totals=dict(tally.totals), sha256=tally.sha256, file=written.sha256)
        await self._over(DONE, progress=1.0, bytes=written.size, sha256=written.sha256, trailer=dict(trailer))

    async def _fail(self, error: SettlementError) -> None:
        if self._reason:
            await self._over(CANCELLED, reason=self._reason)
            return
        told = error if self._feed is None else shown(error, self._feed, self._entry)
        await self._over(FAILED, reason=told.message)

    async def _over(self, state: str, **facts: Any) -> None:
        """Say how it ended: first to the audit log, then to whoever asks."""
        now, kept_seconds = time.time(), self._service.settings.job_hours * 3_600
        over = self.now().with_(state=state, ended_at=now, expires_at=now + kept_seconds, **facts)
        try:
            await self._entry.finish("incomplete", reason=over.reason, rows=over.rows)  # unless it is finished
        except SettlementError as error:
            over = over.with_(state=FAILED, reason=error.message)
        async with self._writing:
            self.job = over
            await self._keep()

    async def _beat(self) -> None:
        """Tell everybody that the job's server lives, and hear whether another server was asked to cancel it."""
        while True:
            async with self._writing:
                if self.job.is_over:
                    return
                await self._keep()
            await asyncio.sleep(self._service.settings.job_lost_seconds / _BEATS)
            with suppress(OSError, StorageError):
                if await asyncio.to_thread(self._store.is_to_cancel, self.job):
                    self.cancel("cancelled through another server")

    async def _keep(self) -> None:
        self.job = self.now().with_(beaten_at=time.time())
        with suppress(OSError, StorageError):  # a state that can't be written grows old, which tells as much
            await asyncio.to_thread(self._store.write, self.job)

    def _progress(self, feed: Feed) -> float | None:
        limit = self._asked.plan.limit
        return feed.progress() if limit is None else min(feed.tally.rows / limit, 1.0)


def _open(stack: ExitStack, target: Location) -> _Written:
    path: Path = stack.enter_context(atomic_file(target))
    return _Written(stack.enter_context(path.open("wb")))


def _require_same(target: Location, written: _Written) -> None:
    """Read a file again: what is kept is what was written.

    Raises:
        StorageError: it isn't.
    """
    if sha256_of(target) != written.sha256:
        raise StorageError("the file isn't what was written", "see that the disk is sound, then ask again")
