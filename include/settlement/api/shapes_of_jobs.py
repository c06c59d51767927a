"""The shapes of jobs, for the OpenAPI description."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from settlement.api.shapes import Shape, TrailerShape


class JobShape(Shape):
    """A long answer: how far it is, and how it ended."""

    id: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    url: str
    question: dict[str, Any]
    format: str
    owner: str
    scope: str
    publication: str
    rows: int = Field(description="so far")
    bytes: int = Field(description="so far")
    progress: float | None = Field(None, description="0 to 1; left out where the engine doesn't say")
    asked_at: str = Field(examples=["2026-03-04T00:12:07+00:00"])
    started_at: str | None = None
    ended_at: str | None = None
    expires_at: str | None = Field(None, description="when the job and its file are removed")
    reason: str | None = Field(None, description="why there is no file")
    file: str | None = Field(None, description="where the file is, when the job is done")
    name: str | None = None
    sha256: str | None = Field(None, description="of the file")
    trailer: TrailerShape | None = None


class JobsShape(Shape):
    jobs: list[JobShape]
