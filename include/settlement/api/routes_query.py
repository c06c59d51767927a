"""`/v1/meta` and `/v1/query`: what can be asked, and asking it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from settlement.api.answering import Answer
from settlement.api.asking import Asked, Options, ask, encoder_of, feed_of, header, page_rows, told_statement, trailer_of
from settlement.api.auditing import Entry
from settlement.api.callers import BEARER, REFUSALS, AirflowToken, EntryOf, ServiceOf, SignedIn
from settlement.api.engines.running import Bounds
from settlement.api.identity import Caller
from settlement.api.problems import BadQuestion
from settlement.api.question import Format, Question, filters_of
from settlement.api.service import Service
from settlement.api.shapes import MetaShape, PageShape

router = APIRouter(prefix="/v1", dependencies=BEARER)
_FORMATS = ("json", "ndjson", "csv", "arrow", "parquet", "sql")
_TYPES = ("application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": PageShape,
        "description": "a page of JSON, or all rows in another format",
        "content": {kind: {} for kind in _TYPES},
    },
    304: {"description": "the answer is the one that If-None-Match names"},
    **REFUSALS,
}


def _options(
    form: Annotated[
        Format, Query(alias="format", description="json: a page; sql: the statement alone; the others: all rows, streamed")
    ] = "json",
    rows: Annotated[int | None, Query(ge=1, le=10_000, description="rows of a page of JSON")] = None,
    cursor: Annotated[str, Query(max_length=2_000, description="`next` of the page before")] = "",
    bom: Annotated[bool, Query(description="CSV with a byte order mark, for spreadsheets")] = False,
    sql: Annotated[bool, Query(description="tell the statement in the header")] = False,
) -> Options:
    return Options(form, rows, cursor, bom, sql)


OptionsOf = Annotated[Options, Depends(_options)]


@router.get("/meta", response_model=MetaShape, responses=REFUSALS)
async def meta(service: ServiceOf, entry: EntryOf, caller: SignedIn, airflow_token: AirflowToken = "") -> dict[str, Any]:
    """Who you are here, and measures, dimensions and sources with units and labels: what goes together."""
    await entry.allow()
    model, limits = service.model, service.settings
    seen = [name for name in model.sources if caller.scope.is_all or model.is_scoped(name)]
    measures = {
        name: {
            "unit": measure.unit,
            "ko": measure.ko,
            "en": measure.en,
            "sources": {
                source: {"is_additive": way.is_additive, "not_over": list(way.not_over), "is_distinct": way.distinct is not None}
                for source, way in measure.ways.items()
                if source in seen
            },
        }
        for name, measure in model.measures.items()
        if any(source in seen for source in measure.ways)
    }
    return {
        "name": caller.name,
        "roles": list(caller.roles),
        "scope": str(caller.scope),
        "airflow": ("signed_in" if airflow_token else "own_token") if service.scheduler.is_set else "unset",
        "measures": measures,
        "dimensions": {n: d.model_dump(include={"type", "ko", "en", "note"}) for n, d in model.dimensions.items()},
        "sources": {
            n: {"ko": s.ko, "en": s.en, "time": s.time, "dimensions": list(model.dimensions_of(n))}
            for n, s in model.sources.items()
            if n in seen
        },
        "formats": list(_FORMATS),
        "limits": {"rows": limits.max_rows, "seconds": limits.query_seconds, "queries": limits.user_queries},
    }


def _of_link(
    measures: Annotated[str, Query(examples=["amount_uwon"], description="names, joined by commas")],
    first: Annotated[str, Query(alias="from", examples=["2026-02"], description="first day or month")],
    last: Annotated[str, Query(alias="to", examples=["2026-02"], description="last day or month")],
    by: Annotated[str, Query(examples=["album,album_title"], description="dimensions, joined by commas")] = "",
    where: Annotated[
        list[str] | None,
        Query(examples=[["service:sub_stream"]], description="dimension:value, or dimension!:value to leave out"),
    ] = None,
    order: Annotated[str, Query(examples=["-amount_uwon"], description="names, joined by commas; -: largest first")] = "",
    limit: Annotated[int | None, Query(ge=1, le=10_000_000, description="the first rows only")] = None,
    as_of: Annotated[int | None, Query(ge=1, description="record of the ledger: what was published then")] = None,
) -> Question:
    asked = {
        "measures": _names(measures),
        "dimensions": _names(by),
        "period": {"from": first, "to": last},
        "filters": filters_of(where or []),
        "order": _names(order),
        "limit": limit,
        "as_of": as_of,
    }
    try:
        return Question.model_validate(asked)
    except ValidationError as error:
        raise of_validation(error.errors()) from None


@router.get("/query", responses=_ANSWERS)
async def query_by_link(
    request: Request,
    service: ServiceOf,
    entry: EntryOf,
    caller: SignedIn,
    options: OptionsOf,
    question: Annotated[Question, Depends(_of_link)],
) -> Response:
    """An answer to a question that fits into a link."""
    return await _answer(request, service, entry, caller, question, options)


@router.post("/query", responses=_ANSWERS)
async def query_by_body(
    request: Request, service: ServiceOf, entry: EntryOf, caller: SignedIn, options: OptionsOf, question: Question
) -> Response:
    """An answer to a question of any size."""
    return await _answer(request, service, entry, caller, question, options)


def of_validation(errors: Any) -> BadQuestion:
    """The first thing that is wrong with the form of a request."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
    return BadQuestion(f"{where or 'the question'}: {first['msg']}"[:500], "see /openapi.json for the form")


def _names(text: str) -> list[str]:
    return text.split(",") if text else []


async def _answer(
    request: Request, service: Service, entry: Entry, caller: Caller, question: Question, options: Options
) -> Response:
    entry.about(question=question.content(), format=options.format)
    asked = await asyncio.to_thread(ask, service, question, options, caller)
    entry.about(publication=asked.publication.id, as_of=asked.publication.seq, skipped=asked.skipped)
    etag = {"ETag": asked.etag, "Vary": "Authorization"}
    if options.format == "sql":
        await entry.allow()
        return JSONResponse({**header(service, asked), "sql": told_statement(asked)}, headers=etag)
    if asked.etag in {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}:
        await entry.allow()
        await entry.finish("unchanged")
        return Response(status_code=304, headers=etag)
    return await _computed(service, entry, asked, etag)


async def _computed(service: Service, entry: Entry, asked: Asked, etag: dict[str, str]) -> Response:
    user = asked.caller.name
    is_page = asked.options.format == "json"
    service.limits.begin(user)
    try:
        await entry.allow()
        encoder = encoder_of(asked)
        most = page_rows(service, asked.options) if is_page else service.settings.max_rows
        bounds = Bounds(service.settings.query_seconds, service.settings.scan_bytes)
        feed = feed_of(service, asked, encoder, entry, most, bounds)
    except BaseException:
        service.limits.end(user)
        raise
    name = f"settlement-{asked.publication.id[:12]}.{encoder.extension}"
    headers = etag if is_page else {**etag, "Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(
        feed=feed,
        entry=entry,
        header=header(service, asked),
        trailer=lambda done: dict(trailer_of(service, asked, done)),
        headers=headers,
        media_type=encoder.media_type,
        seconds=service.settings.query_seconds,
        is_page=is_page,
        release=lambda: service.limits.end(user),
    )
