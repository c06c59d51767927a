"""Errors that say what went wrong, where, and what to do: the only text an operator gets to see."""

from __future__ import annotations

from shutil import Error
from typing import Any


class SettlementError(Exception):
    """Base of every error that is meant for people: one sentence, and what to do about it.

    Args:
        message: what is wrong and where (file, row, table, partition).
        hint: what to do next; printed on a line of its own.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  → {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # An error of a reading process reaches the main one by pickle.
        return type(self), (self.message, self.hint)


class BadInput(SettlementError):
    """Landed or reference data breaks the contract: names the file, the row (1 = the first data row) and the reason."""

    def __init__(self, file: str, reason: str, row: int | None = None, hint: str = "") -> None:
        where = file if row is None else f"{file}, row {row}"
        super().__init__(f"{where}: {reason}", hint)
        self.file = file
        self.row = row
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.reason, self.row, self.hint)


class NotArrived(SettlementError):
    """A landing folder that is needed has no `_SUCCESS` yet: wait, never settle it as empty."""


class LandingChanged(SettlementError):
    """Content under a `_SUCCESS` marker is not what the first ingest recorded."""


class TableError(SettlementError):
    """A table's definition (query.sql, table.yaml, checks.sql) is not sound: names file and line."""


class EngineError(SettlementError):
    """An engine could not compute a table: disk full, out of memory, overflow, a failing query."""


class StorageError(SettlementError):
    """The object store lacks a bucket or object, or refuses: it stays so until somebody changes something."""


class StorageUnavailable(StorageError):
    """The object store doesn't answer, is too busy, or has lost a connection: it may pass."""


class LedgerUnavailable(SettlementError):
    """The ledger's database could not be opened, read or written: locked, its disk is full, or its server is gone."""


class AuditFailed(SettlementError):
    """A candidate did not pass its audit: publish is refused."""


class PublishRefused(SettlementError):
    """The ledger's compare-and-set refused a publication, or published content would change."""


class NotAllowed(SettlementError):
    """A rule of approval or closing forbids it (month closed, previous month open, approver is a requester)."""


class ApproverIsRequester(NotAllowed):
    """Whoever answered is among those who asked for the settlement: somebody else has to answer."""


class WrongRelease(SettlementError):
    """A run began with another version of the package than the one that is to go on with it."""


class NothingToDo(SettlementError):
    """Another run does this already, or it is done for good: no failure, the run ends here and says why."""


def of_system(error: OSError) -> SettlementError:
    """What the operating system refused (disk full, not writable), as an error for people."""
    first: Any = error
    while isinstance(first, Error) and first.args and isinstance(first.args[0], list):
        first = first.args[0][0][2]  # of the files that a copy could not write, the first: (source, target, reason)
    reason = getattr(first, "strerror", None) or str(first)
    where = f"{error.filename}: " if error.filename else ""
    return SettlementError(f"{where}{reason}", "free space or make it writable, then run again; what was published before stays")
