"""`/v1/jobs`: long answers, computed while nobody waits for them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from settlement.api.asking import Options, ask
from settlement.api.callers import BEARER, REFUSALS, EntryOf, ServiceOf, SignedIn
from settlement.api.job_store import DONE, Job
from settlement.api.jobs import Jobs
from settlement.api.question import Question
from settlement.api.sending import FILE, AsLink, sent
from settlement.api.shapes_of_jobs import JobShape, JobsShape

router = APIRouter(prefix="/v1", dependencies=BEARER)
JobFormat = Literal["ndjson", "csv", "arrow", "parquet"]
Number = Annotated[str, Path(max_length=64, examples=["0f8b6c1d2e3a4b5c6d7e8f9011121314"])]


async def jobs_of(request: Request) -> Jobs:
    jobs: Jobs = request.app.state.jobs
    jobs.sweep_soon()
    return jobs


JobsOf = Annotated[Jobs, Depends(jobs_of)]


@router.post("/jobs", status_code=202, response_model=JobShape, response_model_exclude_none=True, responses=REFUSALS)
async def begin(
    service: ServiceOf,
    jobs: JobsOf,
    entry: EntryOf,
    caller: SignedIn,
    response: Response,
    question: Question,
    form: Annotated[JobFormat, Query(alias="format", description="of the file")] = "csv",
    bom: Annotated[bool, Query(description="CSV with a byte order mark, for spreadsheets")] = False,
) -> dict[str, Any]:
    """Ask for a long answer; it is computed from what is published now, whenever it is computed."""
    entry.about(question=question.content(), format=form)
    asked = await asyncio.to_thread(ask, service, question, Options(form, bom=bom), caller)
    job = await jobs.take(asked, entry)
    entry.about(job=job.id, publication=job.publication, as_of=asked.publication.seq)
    await entry.allow()
    response.headers["Location"] = _url(job)
    return _told(job)


@router.get("/jobs", response_model=JobsShape, response_model_exclude_none=True, responses=REFUSALS)
async def listed(jobs: JobsOf, entry: EntryOf, caller: SignedIn) -> dict[str, Any]:
    """Your jobs, the newest first; operators and auditors see everybody's."""
    found = await jobs.all(caller)
    await entry.allow()
    return {"jobs": [_told(job) for job in found]}


@router.get("/jobs/{number}", response_model=JobShape, response_model_exclude_none=True, responses=REFUSALS)
async def state(jobs: JobsOf, entry: EntryOf, caller: SignedIn, number: Number) -> dict[str, Any]:
    """How far a job is, and how it ended."""
    job = await jobs.one(caller, number)
    await entry.allow()
    return _told(job)


@router.delete(
    "/jobs/{number}",
    response_class=Response,
    responses={
        202: {"model": JobShape, "description": "it is being cancelled: its query is ended"},
        204: {"description": "it was over; it and its file are removed"},
        **REFUSALS,
    },
    status_code=204,
)
async def end(jobs: JobsOf, entry: EntryOf, caller: SignedIn, number: Number) -> Response:
    """Cancel a job, or remove one that is over."""
    job = await jobs.end(caller, number)
    await entry.allow()
    if job is None:
        return Response(status_code=204)
    shape = JobShape.model_validate(_told(job))
    return Response(shape.model_dump_json(exclude_none=True), 202, media_type="application/json")


@router.get(
    "/jobs/{number}/file",
    response_class=Response,
    responses={
        **FILE,
        206: {"description": "the part that Range asks for"},
        304: {"description": "If-None-Match names it"},
        400: {"description": "Range can't be read"},
        416: {"description": "Range lies behind the end"},
        **REFUSALS,
    },
)
async def file(  # what a route is given, by name
    request: Request, service: ServiceOf, jobs: JobsOf, entry: EntryOf, caller: SignedIn, number: Number, as_link: AsLink = False
) -> Response:
    """The file of a job that is done, also in parts (Range); where files are in a bucket, a signed link to it."""
    job, place = await jobs.file(caller, number)
    entry.about(job=job.id, sha256=job.sha256)
    await entry.allow()
    etag = {"ETag": f'"{job.sha256}"', "Vary": "Authorization"}
    if etag["ETag"] in {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}:
        return Response(status_code=304, headers=etag)
    return await sent(service, place, job.file_name, as_link=as_link, media_type=job.media_type, headers=etag)


def _url(job: Job) -> str:
    return f"/v1/jobs/{job.id}"


def _told(job: Job) -> dict[str, Any]:
    """A job as JSON; what isn't known is left out."""
    found: dict[str, Any] = {
        "id": job.id,
        "state": job.state,
        "url": _url(job),
        "question": job.question,
        "format": job.format,
        "owner": job.owner,
        "scope": job.scope,
        "publication": job.publication,
        "rows": job.rows,
        "bytes": job.bytes,
        "progress": job.progress,
        "asked_at": _at(job.asked_at),
        "started_at": _at(job.started_at),
        "ended_at": _at(job.ended_at),
        "expires_at": _at(job.expires_at),
        "reason": job.reason or None,
    }
    if job.state == DONE:
        found |= {"file": f"{_url(job)}/file", "name": job.file_name, "sha256": job.sha256, "trailer": job.trailer}
    return found


def _at(seconds: float) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else None
