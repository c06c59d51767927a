"""What somebody asks: measures, by which dimensions, of which time, filtered and ordered how."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from settlement.api.problems import BadQuestion
from settlement.pipeline import day_range, days_of, months
from settlement.warehouse import hash_json

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Order = Annotated[str, StringConstraints(pattern=r"^-?[a-z][a-z0-9_]{0,39}$")]
Format = Literal["json", "ndjson", "csv", "arrow", "parquet", "sql"]
_MOST_DAYS = 400
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_WHERE = re.compile(r"([a-z][a-z0-9_]{0,39})(!?):(.*)", re.DOTALL)


class Filter(BaseModel):
    """Rows whose dimension is (or is not) among values, or lies at or beyond one."""

    model_config = ConfigDict(extra="forbid")

    dimension: Name
    op: Literal["in", "not_in", "at_least", "at_most"] = "in"
    values: list[str | int] = Field(min_length=1, max_length=1_000)

    @field_validator("values")
    @classmethod
    def _are_plain(cls, values: list[str | int]) -> list[str | int]:
        if any(isinstance(value, str) and (len(value) > 500 or _CONTROL.search(value)) for value in values):
            raise ValueError("a value has at most 500 characters and no control character")
        return values

    @model_validator(mode="after")
    def _has_one_bound(self) -> Filter:
        if self.op in ("at_least", "at_most") and len(self.values) != 1:
            raise ValueError(f"{self.op} takes one value")
        return self


class Period(BaseModel):
    """Days (`YYYY-MM-DD`) or months (`YYYY-MM`), both ends included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: str = Field(alias="from", pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")
    last: str = Field(alias="to", pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")

    @model_validator(mode="after")
    def _is_real(self) -> Period:
        if len(self.first) != len(self.last):
            raise ValueError("from and to are both days or both months")
        try:
            start, end = (date.fromisoformat(text if len(text) == 10 else f"{text}-01") for text in (self.first, self.last))
        except ValueError:
            raise ValueError("there is no such day or month") from None
        if start.year < 1970 or not 0 <= (end - start).days < _MOST_DAYS:
            raise ValueError(f"to lies at or after from, and at most {_MOST_DAYS} days are asked for at once")
        return self

    @property
    def is_months(self) -> bool:
        return len(self.first) == 7

    def days(self) -> list[str]:
        """Every day of it."""
        first, last = (days_of(self.first)[0], days_of(self.last)[-1]) if self.is_months else (self.first, self.last)
        return list(day_range(first, last))

    def months(self) -> list[str]:
        """Every month of it.

        Raises:
            BadQuestion: it is days: what is kept by month has none.
        """
        if not self.is_months:
            raise BadQuestion("what is asked for is kept by month, the period is days", "say from and to as YYYY-MM")
        return months(f"{self.first}..{self.last}")


class Question(BaseModel):
    """One query; the same words in a link and in a body."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "measures": ["amount_uwon"],
                    "dimensions": ["album", "album_title"],
                    "period": {"from": "2026-02", "to": "2026-02"},
                    "filters": [{"dimension": "service", "op": "in", "values": ["sub_stream"]}],
                    "order": ["-amount_uwon"],
                    "limit": 100,
                }
            ]
        },
    )

    measures: list[Name] = Field(min_length=1, max_length=20)
    dimensions: list[Name] = Field(default_factory=list, max_length=24)
    period: Period
    filters: list[Filter] = Field(default_factory=list, max_length=20)
    order: list[Order] = Field(default_factory=list, max_length=24)
    limit: int | None = Field(None, ge=1, le=10_000_000, description="the first rows only, in the order that is asked for")
    as_of: int | None = Field(None, ge=1, description="record of the ledger: what was published then; default: now")

    @model_validator(mode="after")
    def _names_once(self) -> Question:
        names = [*self.measures, *self.dimensions]
        if len(set(names)) != len(names):
            raise ValueError("each measure and dimension is named once")
        ordered = [name.removeprefix("-") for name in self.order]
        if len(set(ordered)) != len(ordered) or not set(ordered) <= set(names):
            raise ValueError("order names measures and dimensions of the question, each once")
        return self

    def content(self) -> dict[str, Any]:
        """The question as it is logged and hashed, without what says when it is about."""
        return self.model_dump(mode="json", by_alias=True, exclude={"as_of"})

    @property
    def hash(self) -> str:
        return hash_json(self.content())


def filters_of(where: list[str]) -> list[dict[str, Any]]:
    """The filters of a link: `dimension:value` is kept, `dimension!:value` left out; of one dimension, any of its values.

    Raises:
        BadQuestion: one isn't of this form.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for text in where:
        match = _WHERE.fullmatch(text)
        if match is None:
            raise BadQuestion(f"where={text[:80]!r} is no filter", "say where=<dimension>:<value> or where=<dimension>!:<value>")
        found.setdefault((match[1], "not_in" if match[2] else "in"), []).append(match[3])
    return [{"dimension": name, "op": op, "values": values} for (name, op), values in found.items()]
