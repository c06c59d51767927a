"""Reference data: the reviewed, effective-dated CSV files, checked row by row and turned into the `ref` tables."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from settlement.engines.files import arrow_schema
from settlement.errors import BadInput
from settlement.landing import forms
from settlement.landing.forms import Form
from settlement.tables import Catalog, Column

_COHORT = forms.one_of("all", "new", "legacy")
_COUNT_OR_EMPTY = Form("a whole number of up to 15 digits, or empty", "(?:[0-9]{1,15})?")
_FORMS: dict[str, Form] = {
    "service": forms.SERVICE,
    "cohort": _COHORT,
    "right_type": forms.RIGHT_TYPE,
    "valid_from": forms.DAY,
    "valid_to": forms.DAY_OR_EMPTY,
    "no_pool": Form("true, false or empty", "(?:true|false)?"),
    "min_play_ms": Form("a whole number of milliseconds", "[0-9]{1,8}"),
    "max_plays_per_user_track_day": _COUNT_OR_EMPTY,
    "unit_price_uwon": _COUNT_OR_EMPTY,
    "per_subscriber_krw": _COUNT_OR_EMPTY,
    "revenue_rate_ppm": Form("parts per million up to 1000000, or empty", "(?:[0-9]{1,6}|1000000)?"),
    "source": forms.TEXT,
}


@dataclass(frozen=True)
class Row:
    """One reference row with the place it stands in."""

    file: str
    number: int
    values: dict[str, str]

    def bad(self, reason: str) -> BadInput:
        return BadInput(self.file, reason, self.number)

    @property
    def start(self) -> date:
        return date.fromisoformat(self.values["valid_from"])

    @property
    def end(self) -> date:
        return date.fromisoformat(self.values["valid_to"]) if self.values["valid_to"] else date.max


def read(folder: Path, catalog: Catalog) -> dict[str, pa.Table]:
    """The `ref` tables of a reference folder, by table name.

    Raises:
        BadInput: names file, row and reason: a missing column, a value off its form, overlaps, gaps (in_app_rule may have
            gaps), a rate row without any leg.
    """
    tables: dict[str, pa.Table] = {}
    for name, table in catalog.tables.items():
        if table.definition.source == "reference":
            rows = _rows(folder / f"{name.split('.')[1]}.csv", table.columns)
            _RULES[name](rows)
            tables[name] = pa.Table.from_pylist([_typed(row, table.columns) for row in rows], schema=arrow_schema(table))
    return tables


def write(tables: dict[str, pa.Table], folder: Path) -> None:
    """Write each table as one Parquet file `<table>/part-00000.parquet`."""
    for name, table in tables.items():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target / "part-00000.parquet")


def _rows(path: Path, columns: Sequence[Column]) -> list[Row]:
    if not path.exists():
        raise BadInput(str(path), "missing: reference data is part of every run")
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(str(path), f"not UTF-8: {error.reason} at byte {error.start + 1}") from None
    try:
        header, *records = csv.reader(text.splitlines(keepends=True), strict=True)
    except (csv.Error, ValueError) as error:
        raise BadInput(str(path), f"broken CSV: {error}") from None
    for column in columns:
        if header.count(column.name) != 1:
            raise BadInput(str(path), f"column {column.name} is missing or there twice")
    rows = []
    for number, record in enumerate(records, 1):
        if len(record) != len(header):
            raise BadInput(str(path), f"{len(record)} fields where the header has {len(header)}", number)
        row = Row(str(path), number, dict(zip(header, record, strict=True)))
        for column in columns:
            form = _FORMS[column.name]
            if form.first_bad(pa.array([row.values[column.name]], pa.string())) is not None:
                raise row.bad(f"{column.name} is {row.values[column.name]!r}: must be {form.says}")
        if row.end < row.start:
            raise row.bad(f"valid_to {row.values['valid_to']} lies before valid_from {row.values['valid_from']}")
        rows.append(row)
    return rows


def _typed(row: Row, columns: Sequence[Column]) -> dict[str, Any]:
    return {column.name: _value(row.values[column.name], column.type) for column in columns}


def _value(text: str, kind: str) -> Any:
    if kind == "STRING":
        return text
    if kind == "BOOLEAN":
        return text == "true"
    return int(text) if text else None


def _check_validity(rows: Iterable[Row], what: str, *, gaps: bool) -> None:
    for before, after in pairwise(sorted(rows, key=lambda row: row.start)):
        if after.start <= before.end:
            raise after.bad(f"overlaps row {before.number}: {what} is valid twice from {after.values['valid_from']}")
        if not gaps and after.start > before.end + timedelta(days=1):
            raise after.bad(f"gap after row {before.number}: {what} has no row on {before.end + timedelta(days=1)}")


def _check_rate_card(rows: list[Row]) -> None:
    for row in rows:
        legs = [row.values[leg] for leg in ("unit_price_uwon", "per_subscriber_krw", "revenue_rate_ppm")]
        no_pool = row.values["no_pool"] == "true"
        if no_pool == any(legs):
            raise row.bad("a row either says no_pool or has at least one of the three legs")
    keys = sorted({(row.values["service"], row.values["right_type"]) for row in rows})
    for service, right_type in keys:
        for cohort in ("new", "legacy"):
            matching = [
                row
                for row in rows
                if (row.values["service"], row.values["right_type"]) == (service, right_type)
                and row.values["cohort"] in ("all", cohort)
            ]
            _check_validity(matching, f"{service}, {cohort}, {right_type}", gaps=False)


def _check_service_rule(rows: list[Row]) -> None:
    for service in sorted({row.values["service"] for row in rows}):
        _check_validity([row for row in rows if row.values["service"] == service], service, gaps=False)


def _check_in_app_rule(rows: list[Row]) -> None:
    _check_validity(rows, "the in-app rule", gaps=True)


_RULES: dict[str, Callable[[list[Row]], None]] = {
    "ref.rate_card": _check_rate_card,
    "ref.service_rule": _check_service_rule,
    "ref.in_app_rule": _check_in_app_rule,
}
