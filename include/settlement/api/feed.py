"""One query at work on a thread: the event loop takes a piece when it has sent the last one, and may end it at any time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, TypeVar

from settlement.api.engines.running import Running
from settlement.api.formats import Encoder
from settlement.api.problems import TooLarge
from settlement.api.trailer import Tally

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")
_INSIST_SECONDS = 1.0


class Feed:
    """Pieces of an encoded answer.

    Args:
        running: the query.
        encoder: the format.
        tally: takes up every row that is sent.
        most: rows; of a page the rest is left for the next one, of anything else it is too much.
        is_page: whether it is a page.
        threads: on which it is worked.

    Attributes:
        has_more: whether a page leaves rows for the next one.
        handed: rows of the pieces that were taken; the tally may be one piece ahead.
        reason: why the query was ended, if it was.
    """

    def __init__(self, running: Running, encoder: Encoder, tally: Tally, most: int, is_page: bool, threads: Executor) -> None:
        self.tally = tally
        self.has_more = False
        self.handed = 0
        self.reason = ""
        self._running = running
        self._encoder = encoder
        self._most = most
        self._is_page = is_page
        self._threads = threads
        self._batches: Iterator[pa.RecordBatch] | None = None
        self._pending: asyncio.Future[Any] | None = None
        self._ahead: asyncio.Future[tuple[bytes | None, int]] | None = None
        self._insisting: asyncio.Task[None] | None = None

    async def begin(self, header: Mapping[str, Any]) -> bytes:
        """The first piece, when the engine has given its first rows: what fails until then fails before anything is sent."""
        piece = await self._on_thread(lambda: self._begin(header))
        self.handed = self.tally.rows
        return piece

    def work_ahead(self) -> None:
        """Have the next piece made while the last one is still sent."""
        self._ahead = self._submitted(self._step)

    async def next(self) -> bytes | None:
        """The next piece; None behind the last row.

        Raises:
            EngineError: the query failed.
            Cancelled: it was ended.
            TooLarge: there are more rows than one may have.
        """
        ahead, self._ahead = self._ahead, None
        piece, self.handed = await asyncio.shield(ahead or self._submitted(self._step))
        return piece

    async def end(self, trailer: Mapping[str, Any]) -> bytes:
        """The last piece of an answer that is whole."""
        return await self._on_thread(lambda: self._encoder.end(trailer))

    async def broken(self, reason: str) -> bytes:
        """The last piece of one that isn't."""
        return await self._on_thread(lambda: self._encoder.broken(reason))

    def progress(self) -> float | None:
        """How much of the query is done, 0 to 1; None where the engine doesn't say."""
        return self._running.progress()

    def cancel(self, reason: str) -> None:
        """End the query; `next` raises soon."""
        self.reason = self.reason or reason
        if self._insisting is None:
            self._insisting = asyncio.get_running_loop().create_task(self._insist())

    async def _insist(self) -> None:
        """Tell the engine again until it is done: a query that was just about to begin doesn't hear the first time."""
        while True:
            # On another thread: the engine may have to be told over a network.
            await asyncio.to_thread(self._running.cancel)
            await asyncio.sleep(_INSIST_SECONDS)

    async def close(self) -> None:
        """Wait until the engine has really let go of the query."""
        if self._pending is not None and not self._pending.done():
            await asyncio.wait({self._pending})
        if self._ahead is not None and not self._ahead.cancelled():
            self._ahead.exception()  # of a piece that nobody wants any more
        await self._on_thread(self._close)
        if self._insisting is not None:
            self._insisting.cancel()

    async def _on_thread(self, work: Callable[[], T]) -> T:
        # A thread can't be left: whoever stops waiting for it closes the feed, which waits.
        return await asyncio.shield(self._submitted(work))

    def _submitted(self, work: Callable[[], T]) -> asyncio.Future[T]:
        self._pending = future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        return future

    def _begin(self, header: Mapping[str, Any]) -> bytes:
        self._batches = self._running.batches()
        first = self._pulled()
        begun = self._encoder.begin(header)
        return begun if first is None else begun + self._encoder.rows(first)

    def _step(self) -> tuple[bytes | None, int]:
        """A piece, and the rows until its end."""
        batch = self._pulled()
        return None if batch is None else self._encoder.rows(batch), self.tally.rows

    def _pulled(self) -> pa.RecordBatch | None:
        assert self._batches is not None, "it has begun"
        batch = next(self._batches, None)
        if batch is None:
            return None
        room = self._most - self.tally.rows
        if batch.num_rows > room:
            if not self._is_page:
                raise TooLarge(f"the answer has more than {self._most} rows", "narrow it, or ask for the first rows by limit")
            batch, self.has_more = batch.slice(0, room), True
            deque(self._batches, maxlen=0)  # the one row more that was asked for: a query ends as one that was read to its end
        self.tally.add(batch)
        return batch

    def _close(self) -> None:
        if self._batches is not None:
            self._batches.close()  # type: ignore[attr-defined]  # it is a generator
