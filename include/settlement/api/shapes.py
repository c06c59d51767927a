"""The shapes of the API's JSON, for its OpenAPI description."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Has the fields that it says, and no others."""

    model_config = ConfigDict(extra="forbid")


class ErrorPart(Shape):
    kind: str = Field(examples=["BadQuestion"])
    message: str = Field(examples=["there is no measure revenue"])
    hint: str = Field(examples=["GET /v1/meta lists what there is"])


class ErrorShape(Shape):
    """Why a request was refused, and what to do."""

    error: ErrorPart


class ColumnShape(Shape):
    name: str = Field(examples=["amount_uwon"])
    type: str = Field(examples=["decimal"], description="text, integer, or decimal: 38 digits, in JSON as text")
    unit: str | None = Field(None, examples=["uwon"])
    ko: str
    en: str
    is_measure: bool


class PublicationShape(Shape):
    """What an answer was computed from: builds that the ledger had published at one moment."""

    id: str = Field(description="the same for the same builds")
    as_of: int = Field(examples=[812], description="the ledger's last record at that moment")
    catalogue_day: str | None = Field(examples=["2026-02-28"], description="the day whose catalogue gives the names")
    missing: list[str] = Field(description="days or months that were asked for and aren't published; not in the figures")
    open_months: list[str] = Field(description="months whose figures may change: they aren't closed")
    is_provisional: bool = Field(description="figures that are never paid: what a day alone would come to")


class TrailerShape(Shape):
    """Without it an answer isn't complete."""

    complete: bool
    rows: int
    totals: dict[str, str] = Field(examples=[{"amount_uwon": "123456789012"}], description="sum of each additive measure")
    sha256: str = Field(description="hash over the rows, the same in every format")
    publication: str


class SqlShape(Shape):
    text: str
    values: list[str | int]


class PageShape(Shape):
    """A page of an answer."""

    columns: list[ColumnShape]
    source: str
    scope: str = Field(examples=["partner:3"])
    engine: str
    publication: PublicationShape
    sql: SqlShape | None = None
    rows: list[list[str | int | None]]
    trailer: TrailerShape
    next: str | None = Field(description="cursor of the next page; null on the last one")


class VersionShape(Shape):
    version: int
    stages: list[str]
    requested_by: str
    approved_by: str
    approved_at: str
    closed_at: str
    restates: int | None
    posted_month: str


class ApprovalStateShape(Shape):
    """Whether people are asked about a month in Airflow, and what they answered."""

    version: int
    state: str = Field(examples=["asked"], description="asked or answered")
    asked_at: str
    answer: str
    answered_by: str
    answered_at: str
    run: str


class MonthShape(Shape):
    month: str = Field(examples=["2026-02"])
    state: str = Field(examples=["closed"])
    closed_version: int | None
    days: int | None = None
    versions: list[VersionShape] | None = None
    approval: ApprovalStateShape | None = Field(None, description="left out where no Airflow is set or it doesn't answer")


class MonthsShape(Shape):
    as_of: int
    months: list[MonthShape]


class StatementShape(Shape):
    month: str
    version: int
    partner: int
    url: str


class StatementsShape(Shape):
    statements: list[StatementShape]


class FileShape(Shape):
    name: str = Field(examples=["usage.csv"])
    bytes: int
    sha256: str
    url: str


class FilesShape(StatementShape):
    files: list[FileShape]


class LinkShape(Shape):
    """Where a file lies in a bucket."""

    url: str = Field(examples=["https://bucket.s3.amazonaws.com/published/…?X-Amz-Signature=…"])


class MetaShape(Shape):
    """Who asks, and what they can ask for."""

    name: str = Field(examples=["kim"])
    roles: list[str] = Field(examples=[["operator", "approver"]])
    scope: str = Field(examples=["all"])
    airflow: Literal["unset", "own_token", "signed_in"] = Field(
        description="unset: no reports and approvals; own_token: answers need X-Airflow-Token; signed_in: you have it"
    )
    measures: dict[str, Any]
    dimensions: dict[str, Any]
    sources: dict[str, Any]
    formats: list[str]
    limits: dict[str, Any]


class HealthShape(Shape):
    status: str = Field(examples=["ok"])
