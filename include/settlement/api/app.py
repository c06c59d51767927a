"""The application: routes, refusals, and what every request goes through. `uvicorn --factory settlement.api.app:create_app`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from settlement import __version__
from settlement.api import routes_airflow, routes_house, routes_jobs, routes_query
from settlement.api.answering import refusal
from settlement.api.auditing import Audited
from settlement.api.jobs import Jobs
from settlement.api.page import add_page
from settlement.api.problems import status_of
from settlement.api.protection import Protected
from settlement.api.routes_query import of_validation
from settlement.api.service import Service, open_service
from settlement.errors import SettlementError

_log = logging.getLogger(__name__)
_SUMMARY = "Settlement and usage at the grain that is asked for: complete, or refused."


def create_app(service: Service | None = None) -> FastAPI:
    """The API; without a service: the one that the settings describe.

    Raises:
        SettlementError: a setting is missing or off.
    """
    app = FastAPI(title="settlement", version=__version__, summary=_SUMMARY, docs_url=None, redoc_url=None, lifespan=_life)
    app.state.service = service or open_service()
    app.state.jobs = Jobs(app.state.service)
    app.include_router(routes_query.router)
    app.include_router(routes_jobs.router)
    app.include_router(routes_airflow.router)
    app.include_router(routes_house.router)
    app.include_router(routes_house.probes)
    add_page(app)
    app.add_exception_handler(SettlementError, _refused)
    app.add_exception_handler(RequestValidationError, _misformed)
    app.add_exception_handler(HTTPException, _unknown)
    app.add_middleware(Protected, most=app.state.service.settings.body_bytes)
    app.add_middleware(Audited, log=app.state.service.audit)  # the last that is added is the first to see a request
    return app


@asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.jobs.stop()


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SettlementError)
    _note(request, error.message)
    if status_of(error)[0] >= 500:
        _log.warning("%s %s: %s", request.method, request.url.path, error)
    return refusal(error)


async def _misformed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    problem = of_validation(error.errors())
    _note(request, problem.message)
    return refusal(problem)


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    """A path or method that there isn't."""
    assert isinstance(error, HTTPException)
    _note(request, str(error.detail))
    told = {
        "kind": "NotFound" if error.status_code == 404 else "Refused",
        "message": str(error.detail),
        "hint": "see /openapi.json",
    }
    return JSONResponse({"error": told}, error.status_code, dict(error.headers or {}))


def _note(request: Request, reason: str) -> None:
    if hasattr(request.state, "audit"):
        request.state.audit.refusal = reason[:500]
