"""Jobs: answers that are too long to wait for. Taken, worked on by this server, kept as files, told to whoever may see them."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from settlement.api.asking import Asked, encoder_of
from settlement.api.auditing import Entry
from settlement.api.identity import Caller, Scope
from settlement.api.job_store import DONE, FAILED, Job, JobStore
from settlement.api.job_work import JobWork
from settlement.api.problems import Busy, Forbidden, NotFound, TooMany
from settlement.api.service import Service
from settlement.errors import SettlementError, StorageError
from settlement.storage import Location, location

T = TypeVar("T")
_log = logging.getLogger(__name__)
_SWEEP_SECONDS = 60
_SOON = 10
_LOST = "its server was ended while it was at work"


class Jobs:
    """The jobs of one place. Used by one event loop; several servers may share the place.

    Args:
        service: answers.
        place: folder or bucket; default: what the settings name.
    """

    def __init__(self, service: Service, place: Location | None = None) -> None:
        said = service.settings.jobs_place
        default = location(said) if said else service.warehouse.local / "api-jobs"
        self._service = service
        self._store = JobStore(place or default)
        self._places = asyncio.Semaphore(service.settings.jobs)
        self._works: dict[str, JobWork] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._swept_at = 0.0
        self._losing = asyncio.Lock()  # a lost job is told as failed once
        self._taken: Counter[str] = Counter()  # by user: taken by this server and not in the store yet

    async def take(self, asked: Asked, request: Entry) -> Job:
        """Take a job; it is worked on when there is a place.

        Raises:
            TooMany: the user has as many as one may.
            Busy: jobs can't be kept, or the audit log can't be written.
        """
        caller = asked.caller
        self._taken[caller.name] += 1
        try:
            await self._require_room(caller)
            job = _new(asked, request)
            entry = Entry(self._service.audit, "JOB", f"/v1/jobs/{job.id}")
            entry.of(caller)
            entry.about(question=job.question, format=job.format, publication=job.publication, asked_by=request.id)
            await entry.allow()
            job = job.with_(request=entry.id, beaten_at=time.time())
            await self._kept(self._store.write, job)
        finally:
            self._taken[caller.name] -= 1
        self._works[job.id] = JobWork(self._service, self._store, job, asked, entry)
        self._spawn(self._work(self._works[job.id]))
        return job

    async def all(self, caller: Caller) -> list[Job]:
        """The jobs that somebody may see, the newest first."""
        found = await self._kept(self._store.all)
        seen = [await self._told(job) for job in found if _may_see(caller, job) and not _is_expired(job)]
        return sorted(seen, key=lambda job: (job.asked_at, job.id), reverse=True)

    async def one(self, caller: Caller, number: str) -> Job:
        """A job as it is now.

        Raises:
            NotFound: there is none, or it is somebody else's, or it has expired.
        """
        job = await self._kept(self._store.read, number)
        if job is None or not _may_see(caller, job) or _is_expired(job):
            raise NotFound(f"there is no job {number[:40]!r}", "GET /v1/jobs lists yours; they are kept for some hours")
        return await self._told(job)

    async def file(self, caller: Caller, number: str) -> tuple[Job, Location]:
        """A job that is done, and its file.

        Raises:
            NotFound: likewise, or the job has no file.
        """
        job = await self.one(caller, number)
        if job.state != DONE:
            raise NotFound(f"the job is {job.state}: it has no file", "ask for its state until it is done")
        return job, self._store.file(job)

    async def end(self, caller: Caller, number: str) -> Job | None:
        """Cancel a job that waits or is at work; remove one that is over (None).

        Raises:
            NotFound: as `one`.
            Forbidden: it is somebody else's, and the caller is no operator.
        """
        job = await self.one(caller, number)
        if job.owner != caller.name and "operator" not in caller.roles:
            raise Forbidden("the job is somebody else's", "who asked for it may end it, or an operator")
        if job.is_over:
            await self._kept(self._store.remove, job)
            return None
        if (work := self._works.get(number)) is not None:
            work.cancel(f"cancelled by {caller.name}")
        else:
            await self._kept(self._store.ask_to_cancel, job)
        return await self.one(caller, number)

    async def stop(self) -> None:
        """End every job of this server, and say so: it is about to be stopped."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def sweep_soon(self) -> None:
        """Remove what has expired, without anybody waiting for it; at most once in a while."""
        if time.monotonic() - self._swept_at > _SWEEP_SECONDS or not self._swept_at:
            self._swept_at = time.monotonic()
            self._spawn(self._sweep())

    async def _work(self, work: JobWork) -> None:
        try:
            await work.run(self._places)
        finally:
            del self._works[work.job.id]

    async def _require_room(self, caller: Caller) -> None:
        settings = self._service.settings
        found = await self._kept(self._store.all)
        own = [await self._told(job) for job in found if job.owner == caller.name and not _is_expired(job)]
        others = self._taken[caller.name] - 1
        if sum(not job.is_over for job in own) + others >= settings.user_jobs:
            raise TooMany(f"{settings.user_jobs} of your jobs wait or are at work", "wait until one is done, or cancel it", _SOON)
        if len(own) + others >= settings.user_kept_jobs:
            raise TooMany(f"{settings.user_kept_jobs} of your jobs are kept", "DELETE those that you have fetched", _SOON)

    async def _told(self, job: Job) -> Job:
        """A job as it is known best: this server's own from memory, one that lost its server as failed."""
        if (work := self._works.get(job.id)) is not None:
            return work.now()
        if job.is_over or time.time() - job.beaten_at < self._service.settings.job_lost_seconds:
            return job
        return await self._lost(job)

    async def _lost(self, job: Job) -> Job:
        async with self._losing:
            now = await self._kept(self._store.read, job.id)
            return now if now is not None and now.is_over else await self._failed(job)

    async def _failed(self, job: Job) -> Job:
        now = time.time()
        lost = job.with_(state=FAILED, reason=_LOST, ended_at=now, expires_at=now + self._service.settings.job_hours * 3_600)
        facts = {"request": job.request, "who": job.owner, "scope": job.scope, "outcome": "incomplete", "reason": _LOST}
        await asyncio.to_thread(self._service.audit.append, "finished", facts)
        await self._kept(self._store.write, lost)
        return lost

    async def _sweep(self) -> None:
        try:
            for job in await self._kept(self._store.all):
                if _is_expired(await self._told(job)):
                    await self._kept(self._store.remove, job)
        except SettlementError as error:
            _log.warning("expired jobs can't be removed: %s", error)

    async def _kept(self, work: Callable[..., T], *given: Any) -> T:
        """Do something with the store on a thread; raises Busy: it can't be read or written."""
        try:
            return await asyncio.to_thread(work, *given)
        except (OSError, StorageError) as error:
            reason = error.message if isinstance(error, StorageError) else error.strerror or str(error)
            _log.warning("jobs: %s", error)
            raise Busy(f"jobs can't be kept: {reason}", "free space or make SETTLEMENT_API_JOBS_PLACE writable", _SOON) from None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself would forget it
        task.add_done_callback(self._tasks.discard)


def _new(asked: Asked, request: Entry) -> Job:
    encoder = encoder_of(asked)
    return Job(
        id=secrets.token_hex(16),
        owner=asked.caller.name,
        scope=str(asked.caller.scope),
        question=asked.question.content(),
        format=asked.options.format,
        request=request.id,
        publication=asked.publication.id,
        asked_at=time.time(),
        extension=encoder.extension,
        media_type=encoder.media_type,
    )


def _may_see(caller: Caller, job: Job) -> bool:
    """Who asked, as long as they may see its rows; operators and auditors see everybody's."""
    if {"operator", "auditor"} & set(caller.roles):
        return True
    return job.owner == caller.name and _is_within(job.scope, caller.scope)


def _is_within(scope: str, other: Scope) -> bool:
    return other.is_all or (scope != "all" and set(scope.split(",")) <= set(str(other).split(",")))


def _is_expired(job: Job) -> bool:
    return job.is_over and job.expires_at <= time.time()
