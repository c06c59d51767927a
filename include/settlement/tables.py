"""What a table is: its folder under include/sql, read, validated and put into a graph.

A folder holds `table.yaml` (grain, owner, partition, columns), `checks.sql` (optional) and, unless the landing
reader or the reference data fill the table, `query.sql`: one SELECT in the Hive dialect.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property, partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal

import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlglot import exp

from settlement.engines.dialect import Hive4, Query
from settlement.engines.lint import check_query
from settlement.errors import TableError

# Which partitions of an input a build reads, relative to its own partition.
Window = Literal[
    "same", "last_30_days", "to_date", "month_days", "month_end", "catalogue", "previous_month", "posted"
]  # fmt: skip
# What landed, for audits only: file, table_name and rows of each frozen file of the day.
LANDING_MANIFEST = "landing.file"
_TYPES = {"STRING", "BIGINT", "DECIMAL(38,0)", "BOOLEAN"}
_PARTITIONS = {("dt",): {"dt": "STRING"}, ("month", "version"): {"month": "STRING", "version": "BIGINT"}, (): {}}


class Column(BaseModel):
    """One column: its type in Hive's words, its unit and what it means."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: str
    unit: str = Field(min_length=1)
    description: str = Field(min_length=8)
    nullable: bool = False


class Definition(BaseModel):
    """The content of table.yaml."""

    model_config = ConfigDict(extra="forbid")

    description: str = Field(min_length=8)
    rule: str = Field(min_length=2, description="section of the settlement rules or of the data contract")
    owner: str = Field(min_length=2)
    stage: str | None = Field(None, description="the stage that builds it; none for reference data")
    grain: list[str] = Field(min_length=1)
    partition: list[str]
    change_controlled: bool = False
    source: Literal["query", "landing", "reference", "ledger"] = "query"
    reads: dict[str, Window] = Field(default_factory=dict)
    columns: list[Column] = Field(min_length=1)


@dataclass(frozen=True)
class Check:
    """A SELECT that returns the rows which break a rule: none means it passed."""

    name: str
    level: Literal["fail", "warn"]
    meaning: str
    select: Query


@dataclass(frozen=True, eq=False)
class Table:
    """A validated table; `columns` are those in the files, `partition_types` come from the path."""

    name: str
    folder: Path
    definition: Definition
    query: str | None
    checks: tuple[Check, ...]

    @property
    def columns(self) -> list[Column]:
        return self.definition.columns

    @property
    def partition_types(self) -> dict[str, str]:
        return _PARTITIONS[tuple(self.definition.partition)]

    @cached_property
    def select(self) -> Query | None:
        return None if self.query is None else Query(parse(self.folder / "query.sql", self.query))

    @property
    def tree(self) -> exp.Expr | None:
        return None if self.select is None else self.select.tree

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the tables that the query reads, from the SQL itself."""
        return () if self.tree is None else _tables_in(self.tree)

    @cached_property
    def check_inputs(self) -> tuple[str, ...]:
        """Names of the tables that the checks read beside the table itself."""
        names = {name for check in self.checks for name in _tables_in(check.select.tree)}
        return tuple(sorted(names - {self.name}))


def parse(path: Path, sql: str) -> exp.Expr:
    """Parse one SELECT in the Hive dialect; the error names file and line."""
    try:
        statements = [s for s in sqlglot.parse(sql, read=Hive4) if s is not None]
    except sqlglot.ParseError as error:
        line = error.errors[0].get("line", 1) if error.errors else 1
        raise TableError(f"{path}:{line}: not valid SQL: {error.errors[0].get('description', error)}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise TableError(f"{path}:1: must be exactly one SELECT, found {len(statements)} statements")
    return statements[0]


def _tables_in(tree: exp.Expr) -> tuple[str, ...]:
    return tuple(sorted({f"{t.db}.{t.name}" for t in tree.find_all(exp.Table) if t.db}))


_CHECK_HEADER = re.compile(r"^-- check: (?P<name>[a-z0-9_]+) \((?P<level>fail|warn)\): (?P<meaning>.+)$")


def read_checks(path: Path) -> tuple[Check, ...]:
    """Read checks.sql: each SELECT is headed by `-- check: name (fail|warn): meaning` and ends with `;`."""
    if not path.exists():
        return ()
    checks: list[Check] = []
    header: re.Match[str] | None = None
    body: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if match := _CHECK_HEADER.match(line):
            header, body = match, []
        elif line.strip() and not line.startswith("--"):
            if header is None:
                raise TableError(f"{path}:{number}: SQL without a `-- check: name (fail|warn): meaning` line above it")
            body.append(line)
            if line.rstrip().endswith(";"):
                sql = "\n".join(body).rstrip().rstrip(";")
                query = Query(partial(parse, path, sql))
                checks.append(Check(header["name"], header["level"], header["meaning"], query))  # type: ignore[arg-type]
                header = None
    if header is not None:
        raise TableError(f"{path}: check {header['name']} has no SELECT that ends with `;`")
    names = [c.name for c in checks]
    if len(set(names)) != len(names):
        raise TableError(f"{path}: two checks carry one name")
    return tuple(checks)


def _read_definition(path: Path) -> Definition:
    try:
        document: Any = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)  # it is the safe one, in C
        return Definition.model_validate(document)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TableError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        line = _line_of(path, first["loc"])
        raise TableError(f"{path}:{line}: {where}: {first['msg']}") from None


def _line_of(path: Path, location: Iterable[str | int]) -> int:
    """The line of a YAML node; a missing key points at its parent."""
    node: Any = yaml.compose(path.read_text("utf-8"))
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            found = node.value[part]
        else:
            found = None
        if found is None:
            break
        node = found
    return int(node.start_mark.line) + 1 if node is not None else 1


def read_table(folder: Path) -> Table:
    """Read one table folder; raises TableError that names file and line."""
    path = folder / "table.yaml"
    if not path.exists():
        raise TableError(f"{path}: missing", "every folder under include/sql/<schema>/ describes one table")
    definition = _read_definition(path)
    query_path = folder / "query.sql"
    if (definition.source == "query") != query_path.exists():
        raise TableError(
            f"{path}:1: source is {definition.source!r}, query.sql {'exists' if query_path.exists() else 'is missing'}"
        )
    _check_definition(path, definition)
    query = query_path.read_text("utf-8") if definition.source == "query" else None
    name = f"{folder.parent.name}.{folder.name}"
    return Table(name, folder, definition, query, read_checks(folder / "checks.sql"))


def _check_definition(path: Path, definition: Definition) -> None:
    if tuple(definition.partition) not in _PARTITIONS:
        raise TableError(f"{path}:{_line_of(path, ['partition'])}: partition is [dt], [month, version] or []")
    if (definition.stage is None) != (definition.source == "reference"):
        raise TableError(f"{path}:1: a table has a stage unless it is reference data")
    names = [c.name for c in definition.columns]
    for index, column in enumerate(definition.columns):
        if column.type not in _TYPES:
            line = _line_of(path, ["columns", index])
            raise TableError(f"{path}:{line}: column {column.name}: type {column.type} is not one of {sorted(_TYPES)}")
        if names.count(column.name) > 1:
            line = _line_of(path, ["columns", index])
            raise TableError(f"{path}:{line}: column {column.name} is declared twice")
    for key in definition.grain:
        if key not in names:
            raise TableError(f"{path}:{_line_of(path, ['grain'])}: grain names {key}, which is no column")


@dataclass(frozen=True)
class Catalog:
    """All tables of an SQL tree and the graph between them."""

    root: Path
    tables: Mapping[str, Table]

    def __getitem__(self, name: str) -> Table:
        if name not in self.tables:
            raise TableError(f"no table {name}", f"known: {', '.join(sorted(self.tables))}")
        return self.tables[name]

    def of_stage(self, stage: str) -> list[Table]:
        """The stage's tables, each after those it reads."""
        names = {name for name, table in self.tables.items() if table.definition.stage == stage}
        return [self.tables[name] for name in self.order(names)]

    def order(self, names: Set[str]) -> list[str]:
        """The named tables, each after those of them that it reads."""
        # What is read of the month before (a carry) is no circle.
        graph = {name: self._reads_now(name) & names for name in sorted(names)}
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise TableError(f"{self.root}: tables read each other in a circle: {' → '.join(error.args[1])}") from None

    def _reads_now(self, name: str) -> set[str]:
        return {other for other in self.tables[name].inputs if not self.reads_before(name, other)}

    def reads_before(self, name: str, other: str) -> bool:
        """Whether a table reads another one, or itself, of the month before."""
        return self.tables[name].definition.reads.get(other) == "previous_month"

    def readers(self, name: str) -> list[str]:
        """Names of the tables that read `name`."""
        return sorted(other for other, table in self.tables.items() if name in table.inputs)


def load(root: Path) -> Catalog:
    """Read and validate every table below `root`.

    Raises:
        TableError: on the first unsound definition; names file and line.
    """
    catalog = read(root)
    tables = catalog.tables
    for table in tables.values():
        _check_reads(catalog, table)
        if table.tree is not None:
            check_query(table, tables)
    catalog.order(tables.keys())
    return catalog


def read(root: Path) -> Catalog:
    """Read every table below `root`, which was validated before: SQL is parsed where it is needed.

    Raises:
        TableError: there is none, or a definition is unsound.
    """
    folders = sorted(p for p in root.glob("*/*") if p.is_dir())
    if not folders:
        raise TableError(f"{root}: no tables are there", "restore the folder; nothing may be settled by no rules")
    return Catalog(root, {table.name: table for table in map(read_table, folders)})


def _check_reads(catalog: Catalog, table: Table) -> None:
    path = table.folder / "table.yaml"
    for name in table.inputs:
        if name not in catalog.tables:
            raise TableError(f"{table.folder / 'query.sql'}:{_line_of_table(table, name)}: reads unknown table {name}")
    for name in table.check_inputs:
        if name not in catalog.tables and name != LANDING_MANIFEST:
            raise TableError(f"{table.folder / 'checks.sql'}:1: reads unknown table {name}")
    needed = {n for n in (*table.inputs, *table.check_inputs) if n in catalog.tables and catalog[n].definition.partition}
    for name in sorted(needed - table.definition.reads.keys()):
        if name in table.inputs or catalog[name].definition.stage != table.definition.stage:
            raise TableError(f"{path}:1: reads: says no window for {name}, which the query or a check reads")
    for name in table.definition.reads:
        if name not in needed:
            line = _line_of(path, ["reads", name])
            raise TableError(f"{path}:{line}: reads: names {name}, which neither the query nor a check reads")


def _line_of_table(table: Table, name: str) -> int:
    assert table.tree is not None
    for node in table.tree.find_all(exp.Table):
        if f"{node.db}.{node.name}" == name:
            return int(node.this.meta.get("line", 1))
    return 1
