"""Processes of the package: the pool that parses landing files, and children that don't outlive who started them."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be


@contextmanager
def reader_pool(processes: int) -> Iterator[Callable[[], Executor]]:
    """Gives a function that starts the pool when it is first needed; the pool ends with the block."""
    pool: ProcessPoolExecutor | None = None

    def started() -> Executor:
        nonlocal pool
        if pool is None:  # spawned, since a fork would copy the engine's threads
            pool = ProcessPoolExecutor(
                processes, mp_context=get_context("spawn"), initializer=die_with_parent, initargs=(os.getpid(),)
            )
        return pool

    try:
        yield started
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def die_with_parent(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel end this process when its parent ends, however it ends: a killed worker leaves nothing at work."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:  # it ended before the call
        os._exit(1)
