"""`/v1/months`, `/v1/statements` and the probes: what the house has published."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from settlement.api import house
from settlement.api.airflow_api import Approval
from settlement.api.callers import BEARER, REFUSALS, EntryOf, ServiceOf, SignedIn
from settlement.api.identity import Scope
from settlement.api.problems import Problem
from settlement.api.sending import FILE, AsLink, sent
from settlement.api.service import Service
from settlement.api.shapes import FilesShape, HealthShape, MonthsShape, StatementsShape

router = APIRouter(prefix="/v1", dependencies=BEARER)
probes = APIRouter()
_MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
Month = Annotated[str, Path(pattern=_MONTH, examples=["2026-02"])]
Partner = Annotated[int, Path(ge=0, le=10**18 - 1, examples=[3])]
FileName = Annotated[str, Path(max_length=200, examples=["manifest.json"])]


@router.get("/months", response_model=MonthsShape, response_model_exclude_none=True, responses=REFUSALS)
async def months(service: ServiceOf, entry: EntryOf, caller: SignedIn) -> dict[str, Any]:
    """Every month with its state; for the house also its versions and who approved them."""
    published = await asyncio.to_thread(service.publications.at)
    told = await asyncio.to_thread(service.publications.told, published.seq)
    approvals = await asyncio.to_thread(_approvals, service) if caller.scope.is_all else []
    await entry.allow()
    return {"as_of": published.seq, "months": house.with_approvals(house.months(published, told, caller.scope), approvals)}


@router.get("/statements", response_model=StatementsShape, responses=REFUSALS)
async def statements(
    service: ServiceOf, entry: EntryOf, caller: SignedIn, month: Annotated[str, Query(pattern=_MONTH, examples=["2026-02"])]
) -> dict[str, Any]:
    """The published statements of a closed month."""
    entry.about(month=month)
    published = await asyncio.to_thread(service.publications.at)
    found = await asyncio.to_thread(house.statements, service.warehouse, published, month, caller.scope)
    await entry.allow()
    return {"statements": [_told(statement) for statement in found]}


@router.get("/statements/{month}/{partner}", response_model=FilesShape, responses=REFUSALS)
async def files(service: ServiceOf, entry: EntryOf, caller: SignedIn, month: Month, partner: Partner) -> dict[str, Any]:
    """The files of a partner's statement, with their hashes."""
    statement = await asyncio.to_thread(_statement, service, month, partner, caller.scope)
    listed = await asyncio.to_thread(statement.files)
    await entry.allow()
    told = _told(statement)
    return {**told, "files": [{**entry_, "url": f"{told['url']}/{entry_['name']}"} for entry_ in listed]}


@router.get("/statements/{month}/{partner}/{name}", response_class=Response, responses={**FILE, **REFUSALS})
async def file(
    service: ServiceOf,
    entry: EntryOf,
    caller: SignedIn,
    month: Month,
    partner: Partner,
    name: FileName,
    as_link: AsLink = False,
) -> Response:
    """A file of a statement; where files are in a bucket, a signed link to it."""
    statement = await asyncio.to_thread(_statement, service, month, partner, caller.scope)
    place = await asyncio.to_thread(statement.file, name)
    entry.about(version=statement.version)
    await entry.allow()
    return await sent(service, place, name, as_link=as_link)


@probes.get("/health", response_model=HealthShape)
async def health() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@probes.get("/ready", response_model=HealthShape, responses={503: REFUSALS[503]})
async def ready(service: ServiceOf) -> dict[str, str]:
    """The ledger can be read, and the engine answers."""
    await asyncio.to_thread(service.publications.at)
    await asyncio.to_thread(service.engine.check)
    return {"status": "ok"}


def _approvals(service: Service) -> list[Approval]:
    """What people are asked in Airflow; nothing where it can't be told: months are listed without it."""
    try:
        return service.scheduler.approvals()
    except Problem:
        return []


def _statement(service: Service, month: str, partner: int, scope: Scope) -> house.Statement:
    return house.statement(service.warehouse, service.publications.at(), month, partner, scope)


def _told(statement: house.Statement) -> dict[str, Any]:
    url = f"/v1/statements/{statement.month}/{statement.partner_id}"
    return {"month": statement.month, "version": statement.version, "partner": statement.partner_id, "url": url}
