"""What the API refuses, and how HTTP says it."""

from __future__ import annotations

from typing import Any

from settlement.errors import EngineError, LedgerUnavailable, NotArrived, SettlementError

_LATER = 30  # seconds after which something that was down is worth another try


class Problem(SettlementError):
    """A request that is refused: its HTTP status, and after how many seconds it may be made again, if it may."""

    status = 500
    retry_after: int | None = None


class BadQuestion(Problem):
    """What is asked for doesn't exist, doesn't go together, or would be a wrong sum."""

    status = 422


class NotSignedIn(Problem):
    """No token, or one that isn't valid."""

    status = 401


class Forbidden(Problem):
    """Whoever asks may not see this."""

    status = 403


class NotFound(Problem):
    """There is no such thing, or none that whoever asks may see."""

    status = 404


class Conflict(Problem):
    """Something else has happened meanwhile."""

    status = 409


class NotSetUp(Problem):
    """What is needed isn't set: says which settings."""

    status = 503


class TooLarge(Problem):
    """The body of the request is larger than allowed."""

    status = 413


class TooMany(Problem):
    """Whoever asks has asked too much at once or too often."""

    status = 429

    def __init__(self, message: str, hint: str, retry_after: int) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.message, self.hint, self.retry_after)


class Busy(TooMany):
    """The service has as much to do as it may, or took longer than it may."""

    status = 503


class Cancelled(Problem):
    """A query was ended before it was done: whoever asked has gone, or its time was up."""

    status = 503


def status_of(error: SettlementError) -> tuple[int, int | None]:
    """HTTP status of an error, and the seconds of Retry-After, if any."""
    if isinstance(error, Problem):
        return error.status, error.retry_after
    if isinstance(error, NotArrived):
        return 404, None
    if isinstance(error, EngineError | LedgerUnavailable):
        return 503, _LATER
    return 500, None


def told(error: SettlementError) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}
