"""Rows of a fixture: short in the yaml, whole and typed when they reach a table, and refused when a table has no such column.

Days and instants are written as text and stored as numbers: a column of `days since 1970-01-01` takes `2024-03-10`, one of
`µs since 1970-01-01T00:00:00Z` takes `2024-03-10T09:00:00+09:00`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from settlement.tables import LANDING_MANIFEST, Catalog

Value = str | int | bool | None
Row = dict[str, Value]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = "days since 1970-01-01"
_MICROSECONDS = "µs since 1970-01-01T00:00:00Z"
_PYTHON: dict[str, type[str] | type[int] | type[bool]] = {"STRING": str, "BIGINT": int, "DECIMAL(38,0)": int, "BOOLEAN": bool}


class FixtureError(Exception):
    """A fixture is not sound: names the yaml and what is wrong in it."""


@dataclass(frozen=True)
class Field:
    """A column as a fixture sees it."""

    name: str
    type: str
    unit: str = "key"
    nullable: bool = False


_LANDED = (Field("file", "STRING"), Field("table_name", "STRING"), Field("rows", "BIGINT"))


def fields_of(catalog: Catalog, name: str) -> tuple[Field, ...]:
    """Columns of a table in the order of its files, then those of its partition."""
    if name == LANDING_MANIFEST:
        return _LANDED
    table = catalog[name]
    columns = [Field(c.name, c.type, c.unit, c.nullable) for c in table.columns]
    return (*columns, *(Field(key, kind) for key, kind in table.partition_types.items()))


def whole(
    fields: Sequence[Field],
    rows: Iterable[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    where: str,
    *,
    null_allowed: bool = False,
) -> Iterator[Row]:
    """Rows with every column, typed: what a row leaves out is its default, else null where the column may be.

    Raises:
        FixtureError: an unknown column, a column with neither value nor default, or a value of another type.
    """
    for number, row in enumerate(rows, 1):
        place = f"{where}, row {number}"
        require_known(fields, row, place)
        given = {**defaults, **row}
        missing = [f.name for f in fields if f.name not in given and not f.nullable]
        if missing:
            raise FixtureError(f"{place}: no value and no default for {', '.join(missing)}")
        yield {f.name: typed(f, given.get(f.name), place, null_allowed=null_allowed) for f in fields}


def require_known(fields: Sequence[Field], names: Iterable[str], place: str) -> None:
    """Refuse names that are no columns."""
    known = [f.name for f in fields]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise FixtureError(f"{place}: no column {', '.join(unknown)}; there are {', '.join(known)}")


def typed(field: Field, value: Any, place: str, *, null_allowed: bool = False) -> Value:
    """The value as its column holds it.

    Raises:
        FixtureError: it is of another type, or null in a column that is never null.
    """
    if value is None:
        if field.nullable or null_allowed:
            return None
        raise FixtureError(f"{place}: {field.name} is null and may not be")
    if isinstance(value, str) and field.unit in (_DAYS, _MICROSECONDS):
        return _number(field, value, place)
    wanted = _PYTHON[field.type]
    if type(value) is not wanted:
        raise FixtureError(f"{place}: {field.name} is {value!r}, a {type(value).__name__}: must be {wanted.__name__}")
    return value


def _number(field: Field, text: str, place: str) -> int:
    try:
        if field.unit == _DAYS:
            return (date.fromisoformat(text) - _EPOCH.date()).days
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError):
        form = "YYYY-MM-DD" if field.unit == _DAYS else "YYYY-MM-DDThh:mm:ss+hh:mm"
        raise FixtureError(f"{place}: {field.name} is {text!r}: must be {form}") from None
