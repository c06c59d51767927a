"""Names of DSR files: their elements, what they say, and which files belong to one report."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final, NamedTuple

from settlement.errors import SettlementError
from settlement.reports.dsr.errors import DsrError

_NAME: Final = re.compile(
    r"DSR_(?P<recipient>[^_\s]+)_(?P<sender>[^_\s]+)_(?P<service>[^_\s]+)_(?P<period>[^_\s]+)_(?P<territory>[^_\s]+)"
    r"_(?P<number>[1-9][0-9]{0,5})of(?P<total>[1-9][0-9]{0,5})_(?P<created>[0-9]{8}T[0-9]{6})\.tsv(?P<packed>\.gz)?"
)
_FORM: Final = "DSR_<recipient>_<sender>_<service>_<period>_<territory>_<x>of<y>_<yyyymmddThhmmss>.tsv.gz"
_LONGEST: Final = 60


class FileName(NamedTuple):
    """The elements of a file's name; `created` is local time, `yyyymmddThhmmss`."""

    recipient: str
    sender: str
    service: str
    period: str
    territory: str
    number: int
    total: int
    created: str

    def __str__(self) -> str:
        elements = [self.recipient, self.sender, self.service, self.period, self.territory]
        return f"DSR_{'_'.join(elements)}_{self.number}of{self.total}_{self.created}.tsv.gz"

    @property
    def report(self) -> FileName:
        """The same for every file of one report."""
        return self._replace(number=0)


def parse_name(name: str) -> FileName:
    """The elements of a file's name.

    Raises:
        DsrError: it hasn't the form, or x is larger than y.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise DsrError(name, "not the name of a DSR file", hint=f"the form is {_FORM}, no space or underscore inside an element")
    found = match.groupdict()
    found.pop("packed")
    number, total = int(found.pop("number")), int(found.pop("total"))
    if number > total:
        raise DsrError(name, f"{number}of{total} counts past the number of files")
    period(name, found["period"])
    return FileName(number=number, total=total, **found)


def element(text: str) -> str:
    """Text as an element of a file name: letters and digits of ASCII, anything else between them is a dash.

    Raises:
        SettlementError: nothing is left.
    """
    found = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:_LONGEST].rstrip("-")
    if not found:
        raise SettlementError(
            f"DSR file name: nothing of {text!r} can stand in it", "give a name with letters or digits of ASCII"
        )
    return found


def period(name: str, text: str) -> tuple[date, date]:
    """First and last day of a name's period: `yyyy`, `yyyy-mm`, `yyyy-mm-dd`, `yyyy-Qq`, `yyyy-Www`, or two days with `--`.

    Raises:
        DsrError: none of these, or no such day.
    """
    try:
        if "--" in text:
            first, last = (date.fromisoformat(day) for day in text.split("--"))
            if first <= last:
                return first, last
        elif match := re.fullmatch(r"([0-9]{4})-Q([1-4])", text):
            year, quarter = int(match[1]), int(match[2])
            return date(year, 3 * quarter - 2, 1), date(year, 3 * quarter, monthrange(year, 3 * quarter)[1])
        elif match := re.fullmatch(r"([0-9]{4})-W([0-9]{2})", text):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return monday, monday + timedelta(days=6)
        elif re.fullmatch(r"[0-9]{4}(-[0-9]{2}){0,2}", text):
            return first_day(text), last_day(text)
    except ValueError:
        pass
    raise DsrError(
        name, f"{text!r} is no period", hint="a year, month, day, quarter (2026-Q1), week (2026-W05) or two days with --"
    )


def first_day(text: str) -> date:
    """First day of a `yyyy[-mm[-dd]]`."""
    return date.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)


def last_day(text: str) -> date:
    """Last day of a `yyyy[-mm[-dd]]`."""
    if len(text) == 10:
        return date.fromisoformat(text)
    first = first_day(text)
    month = first.month if len(text) == 7 else 12
    return date(first.year, month, monthrange(first.year, month)[1])
