"""How much anybody may ask: queries at work at once, in all and of one user, and requests of one user in a minute."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from settlement.api.problems import Busy, TooMany

_MINUTE = 60.0
_REMEMBERED = 10_000  # users; the ones that were quiet for longest are forgotten first
_SOON = 2


class Limits:
    """Counts what users do. Used by one event loop, never by two threads."""

    def __init__(self, queries: int, user_queries: int, user_requests: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._queries = queries
        self._user_queries = user_queries
        self._user_requests = user_requests
        self._clock = clock
        self._at_work: Counter[str] = Counter()
        self._allowances: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def request(self, user: str) -> None:
        """Count a request.

        Raises:
            TooMany: there were too many in the last minute.
        """
        now, rate = self._clock(), self._user_requests / _MINUTE
        left, since = self._allowances.pop(user, (float(self._user_requests), now))
        left = min(float(self._user_requests), left + (now - since) * rate)
        is_allowed = left >= 1
        self._allowances[user] = (left - 1 if is_allowed else left, now)
        if len(self._allowances) > _REMEMBERED:
            self._allowances.popitem(last=False)
        if not is_allowed:
            wait = max(1, round((1 - left) / rate + 0.5))
            raise TooMany(f"more than {self._user_requests} requests in a minute", f"wait {wait} s", wait)

    def begin(self, user: str) -> None:
        """Take a place for a query; `end` gives it back, when the engine has really ended it.

        Raises:
            TooMany: the user has as many at work as one may.
            Busy: all have.
        """
        if self._at_work[user] >= self._user_queries:
            raise TooMany(f"{self._user_queries} of your queries are at work", "wait until one is done, or leave it", _SOON)
        if self._at_work.total() >= self._queries:
            raise Busy(f"{self._queries} queries are at work, which is as many as there may be", "try again soon", _SOON)
        self._at_work[user] += 1

    def end(self, user: str) -> None:
        self._at_work[user] -= 1
        if self._at_work[user] <= 0:
            del self._at_work[user]

    @property
    def at_work(self) -> int:
        """How many queries are at work."""
        return self._at_work.total()
