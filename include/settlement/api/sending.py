"""Gives a file: from this machine, or as a link to where it lies in a bucket."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from settlement.api import house
from settlement.api.service import Service
from settlement.api.shapes import LinkShape
from settlement.storage import Location

AsLink = Annotated[
    bool, Query(alias="link", description="of a file in a bucket: tell the link as JSON, for pages that may not follow it")
]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"model": LinkShape, "description": "the file, or its link", "content": {"application/octet-stream": {}}},
    307: {"description": "a link that is good for minutes"},
}


async def sent(  # what a file is, by name
    service: Service,
    place: Location,
    name: str,
    *,
    as_link: bool,
    media_type: str = "application/octet-stream",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A file as an answer; where it lies in a bucket: a signed link to it.

    Args:
        name: under which browsers keep it.
        as_link: tell the link rather than redirect to it.
    """
    signed = await asyncio.to_thread(house.link, place, service.settings.link_seconds, name)
    if signed is not None:
        return JSONResponse({"url": signed}) if as_link else RedirectResponse(signed, 307)
    assert isinstance(place, Path), "what has no link is on this machine"
    return FileResponse(place, filename=name, media_type=media_type, headers=headers)
