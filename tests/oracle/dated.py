"""Validity: what holds on a date (rules, "Inclusive ranges; an empty end is open")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from .faults import BadInputError
from .forms import date_of


@dataclass(frozen=True)
class Dated:
    """Something valid on the dates `valid_from … valid_to`, both in; None is open."""

    valid_from: date | None
    valid_to: date | None

    def covers(self, day: date) -> bool:
        """Whether the day is within the validity."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


AnyDated = TypeVar("AnyDated", bound=Dated)


def one_at_most(day: date, rows: Iterable[AnyDated], what: str) -> AnyDated | None:
    """The row valid on the day, None where there is none; several are bad input."""
    found = [row for row in rows if row.covers(day)]
    if len(found) > 1:
        raise BadInputError(f"{len(found)} rows of {what} on {day}")
    return found[0] if found else None


def the_one_on(day: date, rows: Iterable[AnyDated], what: str) -> AnyDated:
    """The single row valid on the day; none or several are bad input."""
    row = one_at_most(day, rows, what)
    if row is None:
        raise BadInputError(f"0 rows of {what} on {day}")
    return row


def validity(row: Mapping[str, str]) -> tuple[date | None, date | None]:
    """`valid_from` and `valid_to` of a row."""
    return optional_date(row["valid_from"]), optional_date(row["valid_to"])


def optional_date(text: str) -> date | None:
    """The date, None for an empty text."""
    return date_of(text) if text else None
