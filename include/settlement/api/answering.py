"""Sends an answer as its rows come: whole with its trailer, or told as incomplete; whoever leaves has the query cancelled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from settlement.api.auditing import Entry
from settlement.api.feed import Feed
from settlement.api.problems import Cancelled, status_of, told
from settlement.errors import EngineError, SettlementError

_log = logging.getLogger(__name__)
GONE = "whoever asked has gone"


def refusal(error: SettlementError) -> JSONResponse:
    """The answer that says why there is none."""
    status, retry_after = status_of(error)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(told(error), status, headers)


def shown(error: SettlementError, feed: Feed, entry: Entry) -> SettlementError:
    """What people are told of an error of a query; of an engine's error the log has the request."""
    if isinstance(error, Cancelled) and feed.reason:
        return Cancelled(f"the query was cancelled: {feed.reason}", "ask for less: fewer days, dimensions or rows")
    if isinstance(error, EngineError):
        _log.warning("%s: %s", entry.id, error)
    return error


class Answer(Response):
    """An answer that is computed while it is sent.

    Nothing is sent before the engine gave its first rows, so what fails until then has a status of its own. What fails later
    leaves an answer without a trailer and cuts the connection. The audit log has rows and hash before the trailer is sent.

    Args:
        feed: the query.
        entry: of the request in the audit log; it is allowed.
        header: what the answer begins with.
        trailer: makes the trailer of the tally, when all rows are sent.
        headers: of HTTP.
        media_type: of the format.
        seconds: after which the query is cancelled.
        is_page: sent in one piece, so that it fails as a whole.
        release: gives the query's place back; called when the engine is done with it, however it ended.
    """

    def __init__(
        self,
        feed: Feed,
        entry: Entry,
        header: Mapping[str, Any],
        trailer: Callable[[Feed], dict[str, Any]],
        headers: Mapping[str, str],
        media_type: str,
        seconds: float,
        is_page: bool,
        release: Callable[[], None],
    ) -> None:
        self.status_code = 200
        self.background = None
        self.media_type = media_type
        self.init_headers(headers)
        self._feed = feed
        self._entry = entry
        self._header = header
        self._trailer = trailer
        self._seconds = seconds
        self._is_page = is_page
        self._release = release

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Headers without a length, which nobody knows yet."""
        given = {**(headers or {}), "content-type": self.media_type or "application/octet-stream"}
        self.raw_headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watch = asyncio.create_task(self._watch(receive))
        late = f"it took longer than {self._seconds:g} s"
        timer = asyncio.get_running_loop().call_later(self._seconds, self._feed.cancel, late)
        try:
            await self._send(scope, receive, send)
        finally:
            watch.cancel()
            timer.cancel()
            await asyncio.shield(self._close())

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            first = await self._feed.begin(self._header)
            pieces = [first, *await self._rest()] if self._is_page else None
        except SettlementError as error:
            problem = shown(error, self._feed, self._entry)
            await self._entry.finish("failed", reason=self._feed.reason or problem.message)
            await refusal(problem)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            if pieces is not None:
                await send({"type": "http.response.body", "body": b"".join(pieces), "more_body": False})
            else:
                await self._stream(send, first)
        except SettlementError as error:
            await self._break(send, shown(error, self._feed, self._entry))

    async def _rest(self) -> list[bytes]:
        pieces = []
        while (piece := await self._feed.next()) is not None:
            pieces.append(piece)
        return [*pieces, await self._end()]

    async def _stream(self, send: Send, piece: bytes | None) -> None:
        while piece is not None:
            self._feed.work_ahead()
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await self._feed.next()
        await send({"type": "http.response.body", "body": await self._end(), "more_body": False})

    async def _end(self) -> bytes:
        tally = self._feed.tally
        await self._entry.finish("complete", rows=tally.rows, totals=dict(tally.totals), sha256=tally.sha256)
        return await self._feed.end(self._trailer(self._feed))

    async def _break(self, send: Send, error: SettlementError) -> None:
        """Say that it isn't whole, then return without the end of the body: the server cuts the connection."""
        await self._entry.finish("incomplete", reason=self._feed.reason or error.message, rows=self._feed.handed)
        last = await self._feed.broken(error.message)
        if last:
            await send({"type": "http.response.body", "body": last, "more_body": True})

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._feed.cancel(GONE)

    async def _close(self) -> None:
        try:
            await self._feed.close()
            await self._entry.finish("incomplete", reason=self._feed.reason or "it was left", rows=self._feed.handed)
        except SettlementError as error:
            _log.error("%s: %s", self._entry.id, error)
        finally:
            self._release()
