"""Work that is begun before it is asked for: several statements of several tests run on a server at once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Jobs by key, done in the order in which they were begun, `at_once` at a time."""

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once)
        self._jobs: dict[Hashable, Future[T]] = {}

    def begin(self, key: Hashable, job: Callable[[], T]) -> None:
        """Do a job as soon as there is room."""
        self._jobs[key] = self._pool.submit(job)

    def result(self, key: Hashable) -> T:
        """What a job gave, or raised; waits for it."""
        return self._jobs[key].result()

    def close(self) -> None:
        """Forget what hasn't begun, wait for what has."""
        self._pool.shutdown(cancel_futures=True)
