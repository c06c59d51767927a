"""A month that DuckDB has settled, stage by stage on Hive and Trino: the same pins, the same content hashes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from settlement import pipeline
from settlement.engines.dialect import Query
from settlement.engines.duckdb import write_rows
from settlement.engines.evidence import Evidence
from settlement.engines.hive import HiveEngine
from settlement.engines.pinned import pin_tables
from settlement.engines.places import Pin
from settlement.engines.script import Script, register, stage_script
from settlement.engines.trino import TrinoEngine
from settlement.ledger.records import Build
from settlement.steps.context import Context
from settlement.steps.pinning import catalogue_day, stage_of, unpin
from settlement.tables import Table
from settlement.warehouse import Partition
from tests.parity.lake import Lake

Hashes = dict[str, str]


@dataclass(frozen=True)
class Settled:
    """A settled warehouse on disk, and its copy in a lake."""

    context: Context
    lake: Lake

    def upload(self, hive: HiveEngine) -> None:
        """Put every published build of every stage, and the reference data, into the lake, and register them."""
        folders = list(self._folders())
        self.lake.put_folders(folders)
        builds: defaultdict[Table, list[Pin]] = defaultdict(list)
        for table, pin, _ in folders:
            builds[table].append(pin)
        with hive.session() as session:
            for statement in register(builds, self.lake.places):
                session.run(statement)

    def head(self, stage: str, partition: Partition) -> Build:
        """The published build of a stage."""
        found = self.context.ledger.head_build(stage, partition)
        assert found is not None, f"{stage} {partition} is published"
        return found

    def inputs(self, build: Build) -> dict[Table, list[Pin]]:
        """The builds that a build was made from, by table; with the reference data of the release."""
        catalog, pins = self.context.release.catalog, dict(build.pins)
        newest = catalogue_day(build.partition, pins)
        found: dict[Table, list[Pin]] = {}
        for name, windows in pipeline.stage_reads(catalog, build.stage).items():
            source = catalog[name].definition.stage
            found[catalog[name]] = [
                (unpin(pinned), build_id)
                for pinned, build_id in pins.items()
                if stage_of(pinned) == source
                and any(pipeline.in_window(window, build.partition, unpin(pinned), newest) for window in windows)
            ]
        return found | {table: [(None, self.context.release.hash)] for table in self._reference()}

    def parameters(self, build: Build) -> dict[str, str | int]:
        """Values of the queries' parameters."""
        return pipeline.parameters(build.partition, catalogue_day(build.partition, dict(build.pins)))

    def script(self, build: Build, again: str) -> Script:
        """The script that makes the stage anew, as another build."""
        catalog = self.context.release.catalog
        return stage_script(
            catalog, build.stage, build.partition, again, self.inputs(build), self.parameters(build), self.lake.places
        )

    def hashes(self, build: Build, root: Path | None = None) -> Hashes:
        """Content hashes of a build's tables; of files elsewhere, those below `root`."""
        tables = self.context.release.catalog.of_stage(build.stage)
        warehouse = self.context.warehouse
        folders = {
            table: root / table.name / build.partition.path
            if root
            else warehouse.build_dir(table.name, build.partition, build.build_id)
            for table in tables
        }
        with self.context.engine.session({}) as session:
            return session.rows_hashes(folders)

    def fetch(self, build: Build, again: str, folder: Path) -> None:
        """Fetch what another engine wrote as `again` for the tables of a build, for `hashes`."""
        for table in self.context.release.catalog.of_stage(build.stage):
            found = self.lake.fetch(table, (build.partition, again), folder / table.name / build.partition.path)
            if not list(found.iterdir()):
                write_rows(table, [], found)

    def _reference(self) -> list[Table]:
        return [t for t in self.context.release.catalog.tables.values() if t.definition.source == "reference"]

    def _folders(self) -> Iterator[tuple[Table, Pin, Path]]:
        for stage in pipeline.STAGES:
            for partition in self.context.ledger.heads(stage.name):
                build = self.head(stage.name, partition)
                for table, folder in self.context.stage_folders(build):
                    yield table, (partition, build.build_id), Path(folder)
        for table in self._reference():
            yield table, (None, self.context.release.hash), Path(self.context.release.reference_folder(table.name))


def on_hive(engine: HiveEngine, settled: Settled, build: Build, folder: Path) -> list[Evidence]:
    """Build a stage on Hive, as another build; its files are in the folder then."""
    again = f"again{build.build_id}"
    script = settled.script(build, again)
    warehouse = settled.context.warehouse
    for name in script.unfilled:  # rows that no query computes are written before
        table = settled.context.release.catalog[name]
        source = Path(warehouse.build_dir(name, build.partition, build.build_id))
        settled.lake.put_folders([(table, (build.partition, again), source)])
    evidence = engine.run(script)
    settled.fetch(build, again, folder)
    return [evidence]


def on_trino(engine: TrinoEngine, settled: Settled, build: Build, folder: Path) -> list[Evidence]:
    """Put what Trino gives for each query of a stage, over DuckDB's builds, into the folder."""
    own: Pin = (build.partition, build.build_id)
    tables = settled.context.release.catalog.of_stage(build.stage)
    inputs = settled.inputs(build)
    known = inputs | {table: [*inputs.get(table, []), own] for table in tables}
    evidence = []
    for table in tables:
        target = folder / table.name / build.partition.path
        if table.select is None:
            settled.lake.fetch(table, own, target)
            continue
        query = Query(pin_tables(table.select.tree, known, settled.lake.places.builds))
        result = engine.rows(query.render("trino", settled.parameters(build)), tags=[build.stage, str(build.partition)])
        write_rows(table, [dict(zip(result.columns, row, strict=True)) for row in result.rows], target)
        evidence.append(result.evidence)
    return evidence
