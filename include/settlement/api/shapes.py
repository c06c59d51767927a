"""The shapes of the API's JSON, for its OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorPart(_Shape):
    kind: str = Field(examples=["BadQuestion"])
    message: str = Field(examples=["there is no measure revenue"])
    hint: str = Field(examples=["GET /v1/meta lists what there is"])


class ErrorShape(_Shape):
    """Why a request was refused, and what to do."""

    error: ErrorPart


class ColumnShape(_Shape):
    name: str = Field(examples=["amount_uwon"])
    type: str = Field(examples=["decimal"], description="text, integer, or decimal: 38 digits, in JSON as text")
    unit: str | None = Field(None, examples=["uwon"])
    ko: str
    en: str
    is_measure: bool


class PublicationShape(_Shape):
    """What an answer was computed from: builds that the ledger had published at one moment."""

    id: str = Field(description="the same for the same builds")
    as_of: int = Field(examples=[812], description="the ledger's last record at that moment")
    catalogue_day: str | None = Field(examples=["2026-02-28"], description="the day whose catalogue gives the names")
    missing: list[str] = Field(description="days or months that were asked for and aren't published; not in the figures")
    open_months: list[str] = Field(description="months whose figures may change: they aren't closed")
    is_provisional: bool = Field(description="figures that are never paid: what a day alone would come to")


class TrailerShape(_Shape):
    """Without it an answer isn't complete."""

    complete: bool
    rows: int
    totals: dict[str, str] = Field(examples=[{"amount_uwon": "123456789012"}], description="sum of each additive measure")
    sha256: str = Field(description="hash over the rows, the same in every format")
    publication: str


class SqlShape(_Shape):
    text: str
    values: list[str | int]


class PageShape(_Shape):
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


class VersionShape(_Shape):
    version: int
    stages: list[str]
    requested_by: str
    approved_by: str
    approved_at: str
    closed_at: str
    restates: int | None
    posted_month: str


class MonthShape(_Shape):
    month: str = Field(examples=["2026-02"])
    state: str = Field(examples=["closed"])
    closed_version: int | None
    days: int | None = None
    versions: list[VersionShape] | None = None


class MonthsShape(_Shape):
    as_of: int
    months: list[MonthShape]


class StatementShape(_Shape):
    month: str
    version: int
    partner: int
    url: str


class StatementsShape(_Shape):
    statements: list[StatementShape]


class FileShape(_Shape):
    name: str = Field(examples=["usage.csv"])
    bytes: int
    sha256: str
    url: str


class FilesShape(StatementShape):
    files: list[FileShape]


class MetaShape(_Shape):
    """What can be asked for, by whom it is asked."""

    scope: str
    measures: dict[str, Any]
    dimensions: dict[str, Any]
    sources: dict[str, Any]
    formats: list[str]
    limits: dict[str, Any]


class HealthShape(_Shape):
    status: str = Field(examples=["ok"])
