"""The feed of a query that works one piece ahead: nothing is counted as handed on before it is, nothing is lost when it is left."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest

from settlement.api.feed import Feed
from settlement.api.trailer import Tally
from settlement.errors import EngineError

_ROWS = 10


class PlayedQuery:
    """Gives so many batches, then fails if it is to."""

    def __init__(self, batches: int, *, fails: bool = False) -> None:
        self.is_closed = False
        self._batches = batches
        self._fails = fails

    def batches(self) -> Iterator[pa.RecordBatch]:
        try:
            for number in range(self._batches):
                yield pa.record_batch({"plays": [number] * _ROWS})
            if self._fails:
                raise EngineError("the engine died", "")
        finally:
            self.is_closed = True

    def progress(self) -> float | None:
        return None

    def cancel(self) -> None:
        """It ends by itself."""


class Numbers:
    """A format: the number in each batch."""

    media_type, extension = "text/plain", "txt"

    def begin(self, header: Mapping[str, Any]) -> bytes:  # noqa: ARG002
        return b""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        return str(batch.column("plays")[0]).encode()

    def end(self, trailer: Mapping[str, Any]) -> bytes:  # noqa: ARG002
        return b""

    def broken(self, reason: str) -> bytes:  # noqa: ARG002
        return b""


def with_feed(query: PlayedQuery, use: Callable[[Feed], Coroutine[Any, Any, None]]) -> None:
    """Use a feed of a query that has begun, then close it."""

    async def main() -> None:
        with ThreadPoolExecutor(1) as threads:
            feed = Feed(query, Numbers(), Tally(["plays"]), 1_000, False, threads)
            assert await feed.begin({}) == b"0"
            await use(feed)
            await feed.close()

    asyncio.run(main())
    assert query.is_closed


def test_a_piece_that_was_made_ahead_is_handed_on_when_it_is_taken() -> None:
    async def use(feed: Feed) -> None:
        feed.work_ahead()
        while feed.tally.rows < 2 * _ROWS:
            await asyncio.sleep(0.001)
        assert feed.handed == _ROWS
        assert (await feed.next(), feed.handed) == (b"1", 2 * _ROWS)
        assert await feed.next() == b"2"
        feed.work_ahead()
        assert await feed.next() is None
        assert (feed.handed, feed.tally.totals) == (3 * _ROWS, {"plays": 3 * _ROWS})

    with_feed(PlayedQuery(3), use)


def test_what_fails_ahead_is_told_to_who_asks_for_it() -> None:
    async def use(feed: Feed) -> None:
        feed.work_ahead()
        with pytest.raises(EngineError, match="the engine died"):
            await feed.next()
        assert feed.handed == _ROWS

    with_feed(PlayedQuery(1, fails=True), use)


def test_what_fails_ahead_of_who_has_left_is_told_to_nobody() -> None:
    told: list[dict[str, Any]] = []

    async def use(feed: Feed) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        feed.work_ahead()

    with_feed(PlayedQuery(1, fails=True), use)
    gc.collect()
    assert told == []
