"""Listening history: cut into lines, parsed, and each line told whether it is well formed (rules §2.1).

A block of lines becomes columns at once. orjson decides for the common line; a line it refuses, or one with a `-0`, which
it can't tell from `0`, is decided by the slower, exact parser below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from settlement.landing import forms

MAX_LINE = 1 << 20
_BLOCK = 2 << 20
_FIELDS = (
    "play_id", "user_id", "subscription_id", "product_id", "track_id", "started_at", "ms_played",
    "device", "country", "offline", "flags",
)  # fmt: skip
_KNOWN = frozenset(_FIELDS)
_CACHE_LIMIT = 100_000
_ID = rf"\A{forms.ID}\z"
Mask = np.ndarray[Any, np.dtype[np.bool_]]

SCHEMA = pa.schema(
    [
        ("file", pa.string()), ("row_no", pa.int64()), ("line", pa.string()), ("well_formed", pa.bool_()),
        ("play_id", pa.string()), ("user_id", pa.string()), ("subscription_id", pa.string()), ("product_id", pa.string()),
        ("track_id", pa.string()), ("started_at", pa.string()), ("ms_played", pa.string()), ("device", pa.string()),
        ("country", pa.string()), ("offline", pa.bool_()), ("flagged", pa.bool_()), ("instant_us", pa.int64()),
        ("kst_day", pa.int64()), ("unknown_fields", pa.int64()),
    ]
)  # fmt: skip


def blocks(stream: BinaryIO) -> Iterator[list[bytes]]:
    """Lists of raw lines: a line ends at LF, one CR before it is dropped, a last line may lack its LF.

    Of a line over MAX_LINE bytes only the first MAX_LINE + 1 are kept, so that memory stays bounded.
    """
    rest = b""
    skipping = False
    while chunk := stream.read(_BLOCK):
        lines = (rest + chunk).split(b"\n")
        if skipping:  # the head of an over-long line has been given out already
            if len(lines) == 1:
                rest = b""
                continue
            lines, skipping = lines[1:], False
        rest = lines.pop()
        if lines:
            yield [_cut(line.removesuffix(b"\r")) for line in lines]
        if len(rest) > MAX_LINE + 1:
            yield [rest[: MAX_LINE + 1]]
            rest, skipping = b"", True
    if rest:
        yield [_cut(rest.removesuffix(b"\r"))]


def _cut(line: bytes) -> bytes:
    return line if len(line) <= MAX_LINE else line[: MAX_LINE + 1]


def parse(lines: list[bytes], file: str, first_row: int) -> pa.Table:
    """Parse raw lines into a table of SCHEMA; `first_row` is the row number of the first line (1 = first of the file)."""
    objects, is_object = _objects(lines)
    # An object that has just the fields of the contract, in its order, gives its values as they stand.
    plain = [tuple(o) == _FIELDS for o in objects]
    values = _values(objects, plain, lines)
    ids = {name: _ids(values[name]) for name in ("play_id", "product_id")}
    digits = {name: _digits(values[name]) for name in ("user_id", "subscription_id", "track_id", "ms_played")}
    instants, days = _instants(values["started_at"])
    well_formed = is_object & _fits(ids["play_id"], _ID) & _fits_few(ids["product_id"], forms.ID)
    well_formed &= _valid(digits["user_id"]) & _valid(digits["track_id"]) & _valid(instants) & _fits_play_ms(digits["ms_played"])
    keep = pa.array(well_formed)
    nothing = pa.scalar(None, pa.int64())
    columns = [
        pa.repeat(pa.scalar(file), len(lines)),
        pa.array(np.arange(first_row, first_row + len(lines), dtype=np.int64)),
        _line_texts(lines, is_object),
        keep,
        ids["play_id"],
        digits["user_id"],
        digits["subscription_id"],
        ids["product_id"],
        digits["track_id"],
        _only(values["started_at"], str, pa.string()),
        digits["ms_played"],
        _only(values["device"], str, pa.string()),
        _only(values["country"], str, pa.string()),
        _only(values["offline"], bool, pa.bool_()),
        pa.array([f is not None and f != [] for f in values["flags"]], pa.bool_()),
        pc.if_else(keep, instants, nothing),
        pc.if_else(keep, days, nothing),
        _unknown_fields(objects, plain),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _objects(lines: list[bytes]) -> tuple[list[dict[str, Any]], Mask]:
    """Each line's object, {} where it is none, and a mask of the lines that are one JSON object."""
    try:
        parsed = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        parsed = [_parse_one(line) for line in lines]
    mask = np.array([type(value) is dict for value in parsed], dtype=np.bool_)
    if max(map(len, lines)) > MAX_LINE:
        mask &= np.array([len(line) <= MAX_LINE for line in lines], dtype=np.bool_)
    for index in np.flatnonzero(~mask):
        parsed[index] = {}
    return parsed, mask


def _values(objects: list[dict[str, Any]], plain: list[bool], lines: list[bytes]) -> dict[str, list[Any]]:
    """Each field's values. A zero may have been written `-0`, which has no form: those few lines are parsed exactly."""
    rows = [o.values() if same else map(o.get, _FIELDS) for o, same in zip(objects, plain, strict=True)]
    values = {name: list(column) for name, column in zip(_FIELDS, zip(*rows, strict=True), strict=True)}
    for name in ("play_id", "user_id", "subscription_id", "product_id", "track_id", "ms_played"):
        column = values[name]
        if 0 in column:
            for index, value in enumerate(column):
                if value == 0 and b"-0" in lines[index]:
                    column[index] = _parse_exactly(lines[index])[name]
    return values


def _parse_one(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return _parse_exactly(line)


def _integer(text: str) -> int | float:
    # Neither -0 nor an integer of more than 18 digits is a form of any field: a float stands for "some other number".
    return float("inf") if text == "-0" or len(text) > 19 else int(text)


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def _parse_exactly(line: bytes) -> Any:
    """The value of one RFC 8259 text; None when it is none (or is null). Slow: for the few lines in doubt."""
    if len(line) > MAX_LINE:
        return None
    try:
        value = json.loads(line.decode("utf-8"), parse_int=_integer, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate has no UTF-8
    except (ValueError, RecursionError):
        return None
    return value


def _ids(values: list[Any]) -> pa.StringArray:
    """Text of each value: a text as it is, an integer literal of up to 18 digits as its digits, anything else null."""
    return pa.array([value if type(value) is str else _digits_of(value) for value in values], pa.string())


def _digits_of(value: Any) -> str | None:
    return str(value) if type(value) is int and 0 <= value < 10**18 else None


def _digits(values: list[Any]) -> pa.StringArray:
    """Up to 18 digits, from a text or an integer literal; anything else null: no other value is written so by `str`."""
    texts = pa.array(list(map(str, values)), pa.string())
    return pc.if_else(pc.match_substring_regex(texts, rf"\A{forms.DIGITS}\z"), texts, pa.scalar(None, pa.string()))


def _mask(array: pa.BooleanArray) -> Mask:
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _valid(array: pa.Array) -> Mask:
    return _mask(pc.is_valid(array))


def _fits(texts: pa.StringArray, pattern: str) -> Mask:
    return _mask(pc.match_substring_regex(texts, pattern))


def _fits_few(texts: pa.StringArray, pattern: str) -> Mask:
    """Like _fits, for a column of few distinct values."""
    good = [v for v in pc.unique(texts).to_pylist() if v is not None and re.fullmatch(pattern, v, re.ASCII)]
    return _mask(pc.is_in(texts, value_set=pa.array(good, pa.string())))


def _fits_play_ms(digits: pa.StringArray) -> Mask:
    short = _mask(pc.less_equal(pc.binary_length(digits), 8))
    return short & _mask(pc.less_equal(digits.cast(pa.int64()), forms.MAX_PLAY_MS))


class _Cache(dict[str, Any]):
    """Results of a pure function by text, bounded."""

    def __init__(self, function: Callable[[str], Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: str) -> Any:
        result = self._function(key)
        if len(self) >= _CACHE_LIMIT:
            self.clear()
        self[key] = result
        return result


# An instant is the sum of three parts with few distinct texts each. Each part is checked with the others replaced by what
# is in form, so that the grammar in forms.instant stays the only one.
_MINUTE_US = _Cache(lambda text: forms.instant(f"{text}:00Z"))
_SECOND_US = _Cache(lambda text: forms.instant(f"1970-01-01T00:00{text}Z"))
_ZONE_US = _Cache(lambda text: forms.instant(f"1970-01-01T00:00:00{text}"))


def _instants(values: list[Any]) -> tuple[pa.Int64Array, pa.Int64Array]:
    """Instants in µs and Korean dates in epoch days, null where a value is off its form."""
    found: list[int | None] = []
    for value in values:
        if type(value) is str:
            minute, second, zone = _MINUTE_US[value[:16]], _SECOND_US[value[16:19]], _ZONE_US[value[19:]]
            found.append(minute[0] + second[0] + zone[0] if minute and second and zone else None)
        else:
            found.append(None)
    instants = pa.array(found, pa.int64())
    numbers = np.asarray(pc.fill_null(instants, 0).to_numpy(zero_copy_only=False))
    days = pa.array((numbers + 9 * 3_600_000_000) // 86_400_000_000)
    return instants, pc.if_else(pc.is_valid(instants), days, pa.scalar(None, pa.int64()))


def _only(values: list[Any], kind: type, to: pa.DataType) -> pa.Array:
    """Values of one type; any other is ignored, that is null."""
    if set(map(type, values)) <= {kind, type(None)}:
        return pa.array(values, to)
    return pa.array([value if type(value) is kind else None for value in values], to)


def _unknown_fields(objects: list[dict[str, Any]], plain: list[bool]) -> pa.Int64Array:
    counts = [0 if same else sum(key not in _KNOWN for key in o) for o, same in zip(objects, plain, strict=True)]
    return pa.array(counts, pa.int64())


def _line_texts(lines: list[bytes], is_object: Mask) -> pa.StringArray:
    """Lines as text; what is no UTF-8 is written as backslash escapes, so that nothing that landed is lost."""
    kept = list(lines)
    for index in np.flatnonzero(~is_object):  # what was parsed is UTF-8
        kept[index] = lines[index][:MAX_LINE].decode("utf-8", "backslashreplace").encode("utf-8")
    return pa.array(kept, pa.binary()).cast(pa.string())
