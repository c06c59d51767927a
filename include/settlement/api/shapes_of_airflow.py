"""The shapes of what Airflow tells, for the OpenAPI description."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from settlement.api.shapes import FileShape, Shape


class ReportShape(Shape):
    """A report that Airflow writes, or has written."""

    run: str
    state: str = Field(examples=["success"], description="queued, running, success or failed, as Airflow says it")
    url: str
    partner: int | None = None
    first_month: str | None = None
    last_month: str | None = None
    format: str | None = None
    asked_at: str | None = None
    ended_at: str | None = None
    files: str | None = Field(None, description="where its files are listed, when it is done")


class ReportsShape(Shape):
    reports: list[ReportShape]


class ReportFileShape(FileShape):
    """A file of a report, and of which month's version."""

    month: str = Field(examples=["2026-02"])
    version: int


class ReportFilesShape(Shape):
    run: str
    files: list[ReportFileShape]


class ApprovalShape(Shape):
    """What people are asked about a month, and what they answered."""

    month: str
    version: int
    state: Literal["asked", "answered"]
    run: str
    task_state: str = Field(description="of the task `approve`; its success says that the ledger has the answer")
    subject: str
    body: str
    asked_at: str
    answer: str | None = None
    answered_by: str | None = None
    answered_at: str | None = None


class AnswerShape(Shape):
    """An answer that Airflow has taken, in whose name."""

    month: str
    version: int
    run: str
    answer: Literal["approve", "reject"]
    answered_by: str
