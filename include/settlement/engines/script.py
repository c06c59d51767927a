"""The Hive script that builds a stage: everything from the tables to their rows, in statements that may be repeated.

It runs the same through `beeline -f` and statement by statement through thrift. Each statement is one line of ASCII; no
constant holds a semicolon or what begins a comment (`literals.hive_text`), so nobody has to parse it to cut it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from settlement.engines import ddl
from settlement.engines.insertion import insert
from settlement.engines.pinned import Inputs
from settlement.engines.places import BUILD, Pin, Places, keys
from settlement.tables import Catalog, Table
from settlement.warehouse import Partition

SETTINGS = {
    "hive.conf.validation": "false",  # what follows may name what a Hive doesn't know yet
    "hive.cbo.enable": "true",  # without it Hive 4.0 mixes up the columns of mart.pool
    # Hive 4.0 takes LEFT JOIN … WHERE … IS NULL for an anti join and loses rows (seen with 4.0.1); Hive 3 has none.
    "hive.auto.convert.anti.join": "false",
    "hive.output.file.extension": ".parquet",  # what is no *.parquet is not seen by the audit
    "parquet.compression": "SNAPPY",
    "hive.stats.autogather": "false",  # another pass over what was written, for figures that nobody reads
    "hive.stats.fetch.column.stats": "false",  # there are none
    "hive.compute.query.using.stats": "false",  # rows are counted, never believed
    "hive.strict.checks.cartesian.product": "false",  # rules are joined by their dates
}


@dataclass(frozen=True)
class Script:
    """Statements in order, and where the rows will be.

    Attributes:
        statements: without a semicolon at the end.
        outputs: location of each table of the stage.
        unfilled: those of them that no query fills: their files are written before, or there are none.
    """

    statements: tuple[str, ...]
    outputs: Mapping[str, str]
    unfilled: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What beeline reads."""
        return "".join(f"{statement};\n" for statement in self.statements)

    @property
    def sha256(self) -> str:
        """The name of its content."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def stage_script(
    catalog: Catalog,
    stage: str,
    partition: Partition,
    build_id: str,
    inputs: Inputs,
    params: Mapping[str, str | int],
    places: Places,
    alterations: Sequence[str] = (),
) -> Script:
    """The script that builds a stage's tables for one partition.

    Args:
        catalog: tables of the release.
        stage: which is built.
        partition: a day, or a month and its version.
        build_id: a new one; its locations must be nobody else's.
        inputs: the pinned builds of every table of other stages (or of other months) that the stage's queries read, and of
            the reference tables.
        params: values of the queries' parameters.
        places: where builds lie.
        alterations: what `ddl.changes` says of tables that exist.

    Raises:
        KeyError: a query reads a table that has no entry in `inputs`, or a parameter without a value.
    """
    tables = catalog.of_stage(stage)
    own: Pin = (partition, build_id)
    known: dict[Table, list[Pin]] = {table: list(pins) for table, pins in inputs.items()}
    for table in tables:
        known[table] = [*known.get(table, []), own]
    statements = [f"SET {name}={value}" for name, value in SETTINGS.items()]
    statements += register(known, places, alterations)
    for table in tables:
        if table.select is not None:
            # Tables come after those they read, so those that are read now are there.
            statements.append(insert(table, own, known, params, places))
    outputs = {table.name: places.location(table, own) for table in tables}
    return Script(tuple(statements), outputs, tuple(table.name for table in tables if table.select is None))


def register(builds: Inputs, places: Places, alterations: Sequence[str] = ()) -> list[str]:
    """The statements that make builds readable: database, tables, and a partition for each build."""
    create = [ddl.create(table, places.builds, places.folder(table)) for table in builds]
    add = [
        statement
        for table, pins in builds.items()
        for statement in ddl.add_partitions(table, places.builds, [_placed(table, pin, places) for pin in pins])
    ]
    return [f"CREATE DATABASE IF NOT EXISTS {places.builds}", *create, *alterations, *add]


def _placed(table: Table, pin: Pin, places: Places) -> tuple[dict[str, str | int], str]:
    return {**keys(table, pin[0]), BUILD: pin[1]}, places.location(table, pin)
