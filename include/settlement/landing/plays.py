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
_BLOCK = 8 << 20
_FIELDS = (
    "play_id", "user_id", "subscription_id", "product_id", "track_id", "started_at", "ms_played",
    "device", "country", "offline", "flags",
)  # fmt: skip
_KNOWN = frozenset(_FIELDS)
_CACHE_LIMIT = 100_000
_ID = rf"\A{forms.ID}\z"
_DIGITS = re.compile(forms.DIGITS, re.ASCII)

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
    values = _values(objects, lines)
    texts = {name: _texts(values[name]) for name in ("play_id", "user_id", "product_id", "track_id", "ms_played", "started_at")}
    instants, days = _instants(values["started_at"])
    well_formed = is_object & _fits(texts["play_id"], _ID) & _fits_few(texts["product_id"], forms.ID)
    for name in ("user_id", "track_id"):
        well_formed &= _fits(texts[name], rf"\A{forms.DIGITS}\z")
    well_formed &= _fits_play_ms(texts["ms_played"])
    known_instant = pc.is_valid(instants).to_numpy(zero_copy_only=False)
    well_formed &= known_instant
    keep = pa.array(well_formed)
    nothing = pa.scalar(None, pa.int64())
    columns = [
        pa.repeat(pa.scalar(file), len(lines)),
        pa.array(np.arange(first_row, first_row + len(lines), dtype=np.int64)),
        _line_texts(lines, is_object),
        keep,
        texts["play_id"],
        texts["user_id"],
        _subscriptions(values["subscription_id"]),
        texts["product_id"],
        texts["track_id"],
        texts["started_at"],
        texts["ms_played"],
        _only(values["device"], str, pa.string()),
        _only(values["country"], str, pa.string()),
        _only(values["offline"], bool, pa.bool_()),
        pa.array([f is not None and f != [] for f in values["flags"]], pa.bool_()),
        pc.if_else(keep, instants, nothing),
        pc.if_else(keep, days, nothing),
        _unknown_fields(objects),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _objects(lines: list[bytes]) -> tuple[list[dict[str, Any]], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Each line's object, {} where it is none, and a mask of the lines that are one JSON object."""
    try:
        parsed = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        parsed = [_parse_one(line) for line in lines]
    mask = np.fromiter(
        (type(v) is dict and len(line) <= MAX_LINE for v, line in zip(parsed, lines, strict=True)), np.bool_, len(lines)
    )
    if not mask.all():
        parsed = [value if good else {} for value, good in zip(parsed, mask, strict=True)]
    return parsed, mask


def _values(objects: list[dict[str, Any]], lines: list[bytes]) -> dict[str, list[Any]]:
    """Each field's values. A zero may have been written `-0`, which has no form: those few lines are parsed exactly."""
    # An object that has just the fields of the contract, in its order, gives its values as they stand.
    rows = [o.values() if tuple(o) == _FIELDS else map(o.get, _FIELDS) for o in objects]
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


def _texts(values: list[Any]) -> pa.StringArray:
    """Text of each value: a text as it is, an integer literal of up to 18 digits as its digits, anything else null."""
    if set(map(type, values)) == {str}:
        return pa.array(values, pa.string())
    texts: list[str | None] = list(map(str, values))
    for index, value in enumerate(values):
        if type(value) is not str and (type(value) is not int or not 0 <= value < 10**18):
            texts[index] = None
    return pa.array(texts, pa.string())


def _mask(array: pa.BooleanArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.asarray(pc.fill_null(array, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _fits(texts: pa.StringArray, pattern: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return _mask(pc.match_substring_regex(texts, pattern))


def _fits_few(texts: pa.StringArray, pattern: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Like _fits, for a column of few distinct values."""
    good = [v for v in pc.unique(texts).to_pylist() if v is not None and re.fullmatch(pattern, v, re.ASCII)]
    return _mask(pc.is_in(texts, value_set=pa.array(good, pa.string())))


def _fits_play_ms(texts: pa.StringArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    fits = _fits(texts, r"\A[0-9]{1,8}\z")
    numbers = pc.if_else(pa.array(fits), texts, pa.scalar("0")).cast(pa.int64())
    return np.asarray(fits & (numbers.to_numpy(zero_copy_only=False) <= forms.MAX_PLAY_MS), dtype=np.bool_)


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


# An instant is the sum of two parts with few distinct texts each. Each part is checked with the other replaced by one that
# is in form, so that the grammar in forms.instant stays the only one.
_SECOND_US = _Cache(lambda text: forms.instant(f"{text}Z"))
_ZONE_US = _Cache(lambda text: forms.instant(f"1970-01-01T00:00:00{text}"))


def _instants(values: list[Any]) -> tuple[pa.Int64Array, pa.Int64Array]:
    """Instants in µs and Korean dates in epoch days, null where a value is off its form."""
    found: list[int | None] = []
    for value in values:
        if type(value) is str:
            second, zone = _SECOND_US[value[:19]], _ZONE_US[value[19:]]
            found.append(second[0] + zone[0] if second and zone else None)
        else:
            found.append(None)
    instants = pa.array(found, pa.int64())
    numbers = np.asarray(pc.fill_null(instants, 0).to_numpy(zero_copy_only=False))
    days = pa.array((numbers + 9 * 3_600_000_000) // 86_400_000_000)
    return instants, pc.if_else(pc.is_valid(instants), days, pa.scalar(None, pa.int64()))


def _subscriptions(values: list[Any]) -> pa.StringArray:
    texts = _texts(values)
    fits = _fits(texts, rf"\A{forms.DIGITS}\z")
    return pc.if_else(pa.array(fits), texts, pa.scalar(None, pa.string()))


def _only(values: list[Any], kind: type, to: pa.DataType) -> pa.Array:
    """Values of one type; any other is ignored, that is null."""
    if set(map(type, values)) <= {kind, type(None)}:
        return pa.array(values, to)
    return pa.array([value if type(value) is kind else None for value in values], to)


def _unknown_fields(objects: list[dict[str, Any]]) -> pa.Int64Array:
    counts = (0 if tuple(o) == _FIELDS else sum(key not in _KNOWN for key in o) for o in objects)
    return pa.array(np.fromiter(counts, np.int64, len(objects)))


def _line_texts(lines: list[bytes], is_object: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.StringArray:
    """Lines as text; what is no UTF-8 is written as backslash escapes, so that nothing that landed is lost."""
    kept = list(lines)
    for index in np.flatnonzero(~is_object):  # what was parsed is UTF-8
        kept[index] = lines[index][:MAX_LINE].decode("utf-8", "backslashreplace").encode("utf-8")
    return pa.array(kept, pa.binary()).cast(pa.string())
