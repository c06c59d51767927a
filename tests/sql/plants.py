"""Reads the fixture of a check: a sound small candidate, and the wrong row that is planted into it.

`tests/sql/<schema>/<table>/checks/<check>.yaml` holds
- `what`: one sentence
- `params`, `defaults`, `given`: as in a fixture of a query; `given` has the table itself, what its checks read beside it, and
  `landing.file` for a raw table. `base: <file>` takes them from a file of the folder; what is said here goes before it
- `plant`: `add` rows, `set` columns of the one row that matches, `delete` the one row that matches; or a list of such plants,
  each planted by itself
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from settlement.tables import LANDING_MANIFEST, Table
from tests.sql.harness import HERE, Given, RowsByTable, catalog, parameters, read_yaml, row_defaults, rows_by_table
from tests.sql.rows import FixtureError, Row, fields_of, require_known, typed, whole


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    where: dict[str, Any] = Field(min_length=1)
    to: dict[str, Any] = Field(min_length=1)


class _Plant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    add: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    set: dict[str, list[_Change]] = Field(default_factory=dict)
    delete: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)


class _CheckFile(Given):
    what: str = Field(min_length=8)
    base: str | None = None
    plant: _Plant | list[_Plant]


@dataclass(frozen=True)
class Planted:
    """A sound candidate and its variants, each with one wrong row."""

    params: Mapping[str, str | int]
    sound: RowsByTable
    wrong: Sequence[RowsByTable]


def plant_paths(table: Table) -> list[Path]:
    """The fixtures of a table's checks; a file whose name begins with an underscore is a base."""
    schema, name = table.name.split(".")
    return sorted(path for path in (HERE / schema / name / "checks").glob("*.yaml") if not path.name.startswith("_"))


def checked_inputs(table: Table) -> list[str]:
    """What the checks of a table may read, the table itself first."""
    landing = [LANDING_MANIFEST] if table.definition.source == "landing" else []
    return [table.name, *landing, *table.check_inputs]


def read_planted(table: Table, path: Path) -> Planted:
    """One fixture of a check; raises FixtureError that names the yaml."""
    try:
        file = _CheckFile.model_validate(read_yaml(path))
        given = _on_base(file, path)
    except ValidationError as error:
        first = error.errors()[0]
        raise FixtureError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    params = parameters(table, given.params, path)
    sound = rows_by_table(given, params, checked_inputs(table), path)
    plants = file.plant if isinstance(file.plant, list) else [file.plant]
    return Planted(params, sound, [_planted(sound, plant, given, params, path) for plant in plants])


def _on_base(file: _CheckFile, path: Path) -> Given:
    base = Given.model_validate(read_yaml(path.with_name(file.base))) if file.base else Given()
    return Given(
        params=base.params | file.params,
        defaults=base.defaults | file.defaults,
        given=base.given | file.given,
    )


def _planted(sound: RowsByTable, plant: _Plant, given: Given, params: Mapping[str, str | int], path: Path) -> RowsByTable:
    unread = {*plant.add, *plant.set, *plant.delete} - set(sound)
    if unread:
        raise FixtureError(f"{path}: plant: {', '.join(sorted(unread))} is not read")
    rows = {name: [dict(row) for row in kept] for name, kept in sound.items()}
    for name, changes in plant.set.items():
        for change in changes:
            _the_row(rows[name], name, change.where, path).update(_typed(name, change.to, path))
    for name, wheres in plant.delete.items():
        for where in wheres:
            gone = _the_row(rows[name], name, where, path)
            rows[name] = [row for row in rows[name] if row is not gone]
    for name, added in plant.add.items():
        defaults = row_defaults(name, given, params)
        rows[name] += whole(fields_of(catalog(), name), added, defaults, f"{path}: plant: {name}", null_allowed=True)
    return rows


def _the_row(rows: Sequence[Row], name: str, where: Mapping[str, Any], path: Path) -> Row:
    wanted = _typed(name, where, path)
    found = [row for row in rows if wanted.items() <= row.items()]
    if len(found) != 1:
        raise FixtureError(f"{path}: plant: {len(found)} rows of {name} match {dict(where)}: must be one")
    return found[0]


def _typed(name: str, values: Mapping[str, Any], path: Path) -> Row:
    fields = fields_of(catalog(), name)
    require_known(fields, values, f"{path}: plant: {name}")
    by_name = {field.name: field for field in fields}
    return {key: typed(by_name[key], value, f"{path}: plant", null_allowed=True) for key, value in values.items()}
