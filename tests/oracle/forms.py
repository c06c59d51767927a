"""The forms of landing text (rules §2): strict JSON lines, the text of a value, instants and dates.

Open choices:
- A signed integer literal (`-5`, `-0`) has no form: only digits can be "alike the same digits in quotes". So a bare
  `-5` is no `play_id`, while `"-5"` in quotes is one.
- RFC 8259 §9 lets a parser limit nesting: a line nested deeper than Python's parser goes (about a thousand levels)
  counts as malformed.
- A byte order mark is no JSON whitespace: a line that begins with one is malformed.
- A surrogate is lone wherever in the line it stands, in a key or a value of an unknown field as well.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from .faults import BadInputError

MICROSECONDS_PER_DAY = 86_400_000_000
KST_AHEAD = 9 * 3_600_000_000

ID_FORM = re.compile(r"[A-Za-z0-9._:-]{1,64}")
NUMBER_FORM = re.compile(r"[0-9]{1,18}")
MS_PLAYED_FORM = re.compile(r"[0-9]{1,8}")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)


@dataclass(frozen=True)
class Literal:
    """A JSON number as it is written; the oracle never turns one into a float."""

    text: str


def json_object(line: bytes) -> dict[str, object] | None:
    """The one JSON object that the line is, numbers as `Literal`; None where it is anything else."""
    try:
        value = json.loads(line.decode("utf-8"), parse_int=Literal, parse_float=Literal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or any(_has_surrogate(text) for text in _strings(value)):
        return None
    return value


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _has_surrogate(text: str) -> bool:
    """True for a surrogate that stands alone: the parser joined the paired ones."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def text_of(value: object) -> str | None:
    """The text whose form counts: a string's own, or the digits of an integer literal of up to 18; else None."""
    if isinstance(value, str):
        return value
    if isinstance(value, Literal) and NUMBER_FORM.fullmatch(value.text):
        return value.text
    return None


def in_form(value: object, form: re.Pattern[str]) -> str | None:
    """The value's text if all of it is in the form, else None."""
    text = text_of(value)
    return text if text is not None and form.fullmatch(text) else None


def instant_of(text: str) -> int | None:
    """Microseconds since 1970-01-01T00:00Z of a `started_at` or `paid_at`; None where the form is not met."""
    match = _INSTANT.fullmatch(text)
    day = _real_date(match[1]) if match else None
    if match is None or day is None:
        return None
    hours, minutes, seconds = int(match[2]), int(match[3]), int(match[4])
    offset_hours, offset_minutes = int(match[7] or 0), int(match[8] or 0)
    offset = offset_hours * 60 + offset_minutes
    if hours > 23 or max(minutes, seconds, offset_minutes) > 59 or offset > 18 * 60:
        return None
    whole = hours * 3600 + minutes * 60 + seconds + (offset if match[6] == "-" else -offset) * 60
    return epoch_day(day) * MICROSECONDS_PER_DAY + whole * 1_000_000 + int((match[5] or "").ljust(6, "0"))


def kst_day(instant: int) -> int:
    """The Korean date of an instant, in days since 1970-01-01."""
    return (instant + KST_AHEAD) // MICROSECONDS_PER_DAY


def epoch_day(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def date_of(text: str) -> date:
    """The date `YYYY-MM-DD`; anything else is bad input."""
    day = _real_date(text)
    if day is None:
        raise BadInputError(f"{text!r} is no date")
    return day


def _real_date(text: str) -> date | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
