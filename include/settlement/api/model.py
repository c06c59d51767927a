"""The semantic model: what can be asked for, read from one reviewed file and held against the tables' own definitions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from settlement.errors import TableError
from settlement.settings import sql_dir
from settlement.tables import Catalog, Column, Table, read

_PATH = Path(__file__).with_name("model.yaml")
_NAME = r"^[a-z][a-z0-9_]{0,39}$"
PARTNER = "partner"  # the dimension by which a partner's rows are its own
VERSION = "version"
TIMES = {"day": ("day", "month"), "month": ("month", "version")}  # the dimensions of time that a source of each kind has


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Lookup(_Part):
    """A table of the catalogue, and the dimension's column that leads to a row of it."""

    table: str
    key: str
    through: str | None = None


class Source(_Part):
    """A table that gives figures."""

    table: str
    time: Literal["day", "month"]
    ko: str
    en: str
    columns: Mapping[str, str]
    only: Mapping[str, str] = Field(default_factory=dict)
    is_provisional: bool = False


class Dimension(_Part):
    """What figures are grouped and filtered by: text, or the number of something."""

    type: Literal["text", "id"]
    ko: str
    en: str
    note: str = ""
    time: Literal["day", "month", "version"] | None = None
    of: str | None = None
    column: str | None = None


class Way(_Part):
    """How a source gives a measure: one of sum, count, distinct."""

    sum: str | None = None
    count: bool = False
    distinct: str | None = None
    not_over: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_one(self) -> Way:
        if (self.sum is not None) + self.count + (self.distinct is not None) != 1:
            raise ValueError("it is exactly one of sum, count and distinct")
        return self

    @property
    def is_additive(self) -> bool:
        """Whether figures of an answer's rows may be added up."""
        return self.distinct is None and not self.not_over


class Measure(_Part):
    """A figure, with its unit and the sources that give it, the preferred one first."""

    unit: str
    ko: str
    en: str
    ways: Mapping[str, Way] = Field(alias="in", min_length=1)


class Model(_Part):
    """Everything that can be asked for, by name."""

    catalogue: Mapping[str, Lookup]
    sources: Mapping[str, Source]
    dimensions: Mapping[str, Dimension]
    measures: Mapping[str, Measure]

    def dimensions_of(self, source: str) -> tuple[str, ...]:
        """The dimensions that a source has, looked-up ones included, in the model's order."""
        found = self.sources[source]
        return tuple(name for name, dimension in self.dimensions.items() if self._has(found, name, dimension))

    def _has(self, source: Source, name: str, dimension: Dimension) -> bool:
        if dimension.time:
            return name in TIMES[source.time]
        if dimension.of:
            return self.key_dimension(dimension.of) in source.columns
        return name in source.columns

    def key_dimension(self, lookup: str) -> str:
        """The dimension of a source that leads to a table of the catalogue, by way of another one or not."""
        return self.key_dimension(through) if (through := self.catalogue[lookup].through) else lookup

    def is_scoped(self, source: str) -> bool:
        """Whether each row of a source is one partner's, so that a partner may see it."""
        return PARTNER in self.sources[source].columns


def load_model(catalog: Catalog, path: Path = _PATH) -> Model:
    """The model, held against the tables.

    Raises:
        TableError: the file isn't sound; names the part and what is wrong with it.
    """
    try:
        model = Model.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except yaml.YAMLError as error:
        raise TableError(f"{path.name}: not valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise TableError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    for problem in _problems(model, catalog):
        raise TableError(f"{path.name}: {problem}", "correct the model, or the table's definition")
    return model


@lru_cache(maxsize=1)
def packaged() -> tuple[Model, Catalog]:
    """The model and the tables that come with this package."""
    catalog = read(sql_dir())
    return load_model(catalog), catalog


def type_of(catalog: Catalog, model: Model, source: str, measure: str) -> str:
    """The type of a measure's figures: `BIGINT`, or `DECIMAL(38,0)`."""
    way = model.measures[measure].ways[source]
    return _column(catalog[model.sources[source].table], way.sum).type if way.sum else "BIGINT"


def _column(table: Table, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def _problems(model: Model, catalog: Catalog) -> list[str]:
    return [
        *_of_lookups(model, catalog),
        *_of_sources(model, catalog),
        *_of_dimensions(model, catalog),
        *_of_measures(model, catalog),
    ]


def _of_lookups(model: Model, catalog: Catalog) -> list[str]:
    found = [
        f"catalogue.{name}: {lookup.table} has not the grain {lookup.key}"
        for name, lookup in model.catalogue.items()
        if lookup.table not in catalog.tables or catalog[lookup.table].definition.grain != [lookup.key]
    ]
    return found + [
        f"catalogue.{n}: no table {k.through}"
        for n, k in model.catalogue.items()
        if k.through and k.through not in model.catalogue
    ]


def _of_sources(model: Model, catalog: Catalog) -> list[str]:
    found = []
    for name, source in model.sources.items():
        if source.table not in catalog.tables:
            found.append(f"sources.{name}: no table {source.table}")
            continue
        table = catalog[source.table]
        if (source.time == "day") != (table.definition.partition == ["dt"]):
            found.append(f"sources.{name}: {source.table} is not kept by {source.time}")
        names = {column.name: column.type for column in table.columns}
        for dimension, column in source.columns.items():
            known = model.dimensions.get(dimension)
            wanted = {"text": "STRING", "id": "BIGINT"}.get(known.type if known else "")
            if known is None or known.time or known.of or names.get(column) != wanted:
                found.append(f"sources.{name}: {column} of {source.table} is no {dimension}")
        found += [f"sources.{name}: {source.table} has no column {column}" for column in source.only if column not in names]
        # A table with a partner in each row must say so: it is what a partner's scope holds on to.
        if "partner_id" in names and source.columns.get(PARTNER) != "partner_id":
            found.append(f"sources.{name}: {source.table} has a partner_id, which must be the dimension {PARTNER}")
    return found


def _of_dimensions(model: Model, catalog: Catalog) -> list[str]:
    found = []
    for name, dimension in model.dimensions.items():
        if dimension.of is None:
            continue
        lookup = model.catalogue.get(dimension.of)
        columns = {c.name for c in catalog[lookup.table].columns} if lookup else set()
        if dimension.column not in columns:
            found.append(f"dimensions.{name}: the catalogue's {dimension.of} has no column {dimension.column}")
    return found


def _of_measures(model: Model, catalog: Catalog) -> list[str]:
    found = [f"measures.{name}: a dimension has this name" for name in model.measures.keys() & model.dimensions.keys()]
    for name, measure in model.measures.items():
        for source, way in measure.ways.items():
            where = f"measures.{name}.in.{source}"
            if source not in model.sources:
                found.append(f"{where}: no such source")
                continue
            columns = {c.name: c for c in catalog[model.sources[source].table].columns}
            used = way.sum or way.distinct
            if used and used not in columns:
                found.append(f"{where}: no column {used}")
            elif way.sum and columns[way.sum].type not in ("BIGINT", "DECIMAL(38,0)"):
                found.append(f"{where}: {used} is no number")
            elif way.sum and columns[way.sum].unit != measure.unit:
                found.append(f"{where}: {used} is in {columns[way.sum].unit}, not in {measure.unit}")
            found += [f"{where}: {d} is no dimension of it" for d in way.not_over if d not in model.dimensions_of(source)]
    return found
