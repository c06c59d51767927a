"""What the API knows of an engine: it runs a statement, gives batches of rows, and stops when it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from settlement.api.identity import Scope
from settlement.api.problems import TooLarge
from settlement.api.statement import Statement
from settlement.api.tree import Tree
from settlement.engines.places import Pin
from settlement.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 16_384


@dataclass(frozen=True)
class Bounds:
    """What one statement may take: seconds, and bytes of files that it reads."""

    seconds: float
    scan_bytes: int


class Running(Protocol):
    """One statement at work."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, in the statement's schema. One thread at a time asks for the next batch; it is closed at the end.

        Raises:
            EngineError: the statement failed, or a build that it reads isn't there.
            Cancelled: it was ended by `cancel`.
            TooLarge: it reads more bytes than it may.
        """

    def progress(self) -> float | None:
        """How much of it is done, 0 to 1, from any thread; None where the engine doesn't say."""

    def cancel(self) -> None:
        """End it, from any thread and as often as one likes; returns at once. `batches` raises soon."""


class Engine(Protocol):
    """Computes answers."""

    @property
    def name(self) -> str:
        """What people call it."""

    def statement(self, tree: Tree, schema: pa.Schema, pins: Mapping[Table, Sequence[Pin]]) -> Statement:
        """The statement for a tree over pinned builds."""

    def start(self, statement: Statement, scope: Scope, tag: str, bounds: Bounds) -> Running:
        """A statement, ready to give batches.

        Args:
            scope: whose rows it is about; an engine that knows users asks as one who has no others.
            tag: names the request in what the engine lists.
            bounds: which an engine on a server keeps by itself, also when nobody is left to cancel it.
        """

    def check(self) -> None:
        """Raises EngineError: it doesn't answer."""


def too_much(what: str, bounds: Bounds) -> TooLarge:
    """The refusal of a query that reads more than it may."""
    return TooLarge(f"{what}, more than {bounds.scan_bytes:,}", "ask for fewer days or months, or have it computed as a job")
