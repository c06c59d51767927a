"""What every route begins with: the service, the request's entry in the audit log, and who asks."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPBearer

from settlement.api.auditing import Entry
from settlement.api.identity import Caller
from settlement.api.service import Service
from settlement.api.shapes import ErrorShape

# For the description alone: `signed_in` reads the header itself and says what is wrong with it.
_bearer = HTTPBearer(auto_error=False, description="a token of the house's issuer")

REFUSALS: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorShape, "description": text}
    for status, text in {
        401: "no token, or one that isn't valid",
        403: "whoever asks may not see this",
        404: "nothing of it is published",
        413: "the body is too large",
        422: "what is asked for doesn't exist or doesn't go together",
        429: "asked too much at once or too often; see Retry-After",
        503: "busy, too slow, or something that is needed is down; see Retry-After",
    }.items()
}


CONFLICT: dict[int | str, dict[str, object]] = {
    409: {"model": ErrorShape, "description": "something else has happened meanwhile"}
}


def service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def entry_of(request: Request) -> Entry:
    entry: Entry = request.state.audit
    return entry


async def signed_in(
    request: Request, service: Annotated[Service, Depends(service_of)], entry: Annotated[Entry, Depends(entry_of)]
) -> Caller:
    """Who asks; raises NotSignedIn, Forbidden, TooMany."""
    # On a thread: keys of the issuer may have to be fetched.
    caller = await asyncio.to_thread(service.tokens.caller, request.headers.get("authorization"))
    entry.of(caller)
    service.limits.request(caller.name)
    return caller


ServiceOf = Annotated[Service, Depends(service_of)]
EntryOf = Annotated[Entry, Depends(entry_of)]
SignedIn = Annotated[Caller, Depends(signed_in)]
AirflowToken = Annotated[
    str, Header(alias="X-Airflow-Token", max_length=8_000, description="your own token of Airflow: who answers is recorded")
]
BEARER = [Depends(_bearer)]
