"""Whole months as the generator and the importers see them: days are dates of Korea or their ordinals."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from settlement.errors import SettlementError

_MONTH = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Span:
    """A run of whole months: `first` is the first day of one, `last` the last day of the same or a later one."""

    first: date
    last: date

    @cached_property
    def days(self) -> tuple[date, ...]:
        """Every day, in order."""
        return tuple(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))

    @cached_property
    def months(self) -> tuple[date, ...]:
        """The first day of every month, in order."""
        return tuple(day for day in self.days if day.day == 1)

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def parse_months(text: str) -> Span:
    """Read `YYYY-MM` or `YYYY-MM..YYYY-MM` (years 2000–2999); raises SettlementError on anything else."""
    first, dots, last = text.partition("..")
    months = [_MONTH.fullmatch(part) for part in (first, last if dots else first)]
    if months[0] is None or months[1] is None:
        raise SettlementError(f"'{text}' is not a range of months", "write YYYY-MM or YYYY-MM..YYYY-MM, from 2000 on")
    start, end = (date(int(m[1]), int(m[2]), 1) for m in months if m is not None)
    if end < start:
        raise SettlementError(f"'{text}' ends before it begins", "write the earlier month first")
    return Span(start, month_end(end))


def month_days(day: date) -> int:
    """Number of days of the month that holds `day`."""
    return calendar.monthrange(day.year, day.month)[1]


def month_end(day: date) -> date:
    """Last day of the month that holds `day`."""
    return day.replace(day=month_days(day))
