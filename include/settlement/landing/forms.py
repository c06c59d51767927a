"""Forms of landed values: what a field's text must look like, said once for reader and checks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

ID = r"[A-Za-z0-9._:-]{1,64}"
DIGITS = r"[0-9]{1,18}"
INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()
_DAY_US = 86_400_000_000
_KST_US = 9 * 3_600_000_000
MAX_PLAY_MS = 86_400_000


def epoch_day(text: str) -> int | None:
    """Days since 1970-01-01 of a `YYYY-MM-DD`; None when it is no real date of the years 0001–9999."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        return None


def instant(text: str) -> tuple[int, int] | None:
    """Microseconds since 1970-01-01T00:00:00Z and the Korean date (days since 1970-01-01) of an ISO 8601 text.

    None when the text is off its form (rules §2): hours to 23, minutes and seconds to 59, offsets to 18:00.
    """
    match = INSTANT.fullmatch(text)
    if match is None:
        return None
    day = epoch_day(match[1])
    hour, minute, second = int(match[2]), int(match[3]), int(match[4])
    offset_hour, offset_minute = int(match[7] or 0), int(match[8] or 0)
    if day is None or hour > 23 or minute > 59 or second > 59 or offset_minute > 59:
        return None
    offset = offset_hour * 60 + offset_minute
    if offset > 18 * 60:
        return None
    local = day * _DAY_US + ((hour * 60 + minute) * 60 + second) * 1_000_000 + int((match[5] or "").ljust(6, "0") or 0)
    utc = local - (-offset if match[6] == "-" else offset) * 60_000_000
    return utc, (utc + _KST_US) // _DAY_US


@dataclass(frozen=True)
class Form:
    """A form of a CSV column: a pattern for every value and, where that isn't enough, a test for distinct values."""

    says: str
    pattern: str
    test: Callable[[str], bool] | None = None

    def first_bad(self, values: pa.StringArray) -> int | None:
        """Index of the first value that is off the form, or None."""
        fits = pc.match_substring_regex(values, rf"\A(?:{self.pattern})\z")
        if not pc.all(fits).as_py():
            return int(pc.index(fits, pa.scalar(False)).as_py())
        if self.test is not None:
            wrong = [value for value in pc.unique(values).to_pylist() if not self.test(value)]
            if wrong:
                return int(pc.index(pc.is_in(values, value_set=pa.array(wrong, pa.string())), pa.scalar(True)).as_py())
        return None


def _between(low: int, high: int) -> Callable[[str], bool]:
    return lambda text: low <= int(text) <= high


def _is_day(text: str) -> bool:
    return epoch_day(text) is not None


def _is_day_or_empty(text: str) -> bool:
    return text == "" or _is_day(text)


def one_of(*names: str) -> Form:
    """A value out of a closed list."""
    return Form(f"one of {', '.join(names)}", "|".join(names))


ANY = Form("any text", r"(?s:.*)")
TEXT = Form("a text that isn't empty", r"(?s:.+)")
PRODUCT_ID = Form("an id of 1 to 64 of A-Z a-z 0-9 . _ : -", ID)
USER_ID = Form("1 to 18 digits", DIGITS)
SUBSCRIPTION_ID = Form("1 to 18 digits, or empty", rf"(?:{DIGITS})?")
KEY = Form("an integer above 0 that fits into 64 bits", "[0-9]{1,19}", _between(1, 2**63 - 1))
PPM = Form("an integer from 0 to 1000000", "[0-9]{1,7}", _between(0, 1_000_000))
PAID_KRW = Form("whole won from 0 to 1000000000", "[0-9]{1,10}", _between(0, 10**9))
KRW = Form("whole won from 0 to 10^15", "[0-9]{1,16}", _between(0, 10**15))
SIGNED_KRW = Form("whole won from -10^15 to 10^15", "-?[0-9]{1,16}", _between(-(10**15), 10**15))
DURATION = Form("milliseconds, 0 or more", "[0-9]{1,10}")
DAY = Form("a real date YYYY-MM-DD", "[0-9]{4}-[0-9]{2}-[0-9]{2}", _is_day)
DAY_OR_EMPTY = Form("a real date YYYY-MM-DD, or empty", "(?:[0-9]{4}-[0-9]{2}-[0-9]{2})?", _is_day_or_empty)
ANY_INSTANT = Form(
    "ISO 8601 with offset, YYYY-MM-DDThh:mm:ss[.ffffff](Z|±hh:mm)",
    r"[0-9TZ:.+-]{20,32}",
    lambda t: instant(t) is not None,
)
RIGHT_TYPE = one_of("producer", "author", "performer")
SERVICE = one_of("sub_stream", "ad_stream", "download", "promo")
REPORT_FORMATS = Form("csv, xlsx, dsr, pdf joined by |", r"(?:(?:csv|xlsx|dsr|pdf)(?:\|(?:csv|xlsx|dsr|pdf))*)?")
