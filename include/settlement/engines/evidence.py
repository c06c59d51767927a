"""What an engine answers for: its version and the ids under which it knows what it was asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evidence:
    """Who computed something.

    Attributes:
        engine: name and version, such as `hive 4.0.1`.
        query_ids: the engine's own ids, in order; for its logs and pages.
    """

    engine: str
    query_ids: tuple[str, ...]
