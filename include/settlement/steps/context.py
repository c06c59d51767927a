"""What every step of a run shares: the warehouse, its ledger, the engine and the frozen release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from settlement import __version__, pipeline
from settlement.engines.duckdb import DuckDBEngine, Session
from settlement.ledger import Ledger
from settlement.ledger.records import Build, Record
from settlement.pipeline import MONTH_STAGES
from settlement.release import Release
from settlement.settings import settings
from settlement.steps.pinning import Pins, catalogue_day, day_pins, later_pins, pools_pins, stage_of, unpin
from settlement.storage import Location
from settlement.tables import Table
from settlement.warehouse import Partition, Warehouse


@dataclass(frozen=True)
class Context:
    """A run's handle: `run_id` names it in the ledger, `requested_by` is who started it.

    `attempt` is the ledger record with which this attempt of a build began (scheduled runs): a newer one fences it off.
    """

    warehouse: Warehouse
    ledger: Ledger
    engine: DuckDBEngine
    release: Release
    run_id: str
    requested_by: str
    attempt: int | None = None

    def pins(self, stage: str, partition: Partition) -> Pins:
        """The published builds that a stage reads for a partition, by `stage/partition`.

        Raises:
            NotArrived: a day or month that it needs has not been published yet.
        """
        catalog = self.release.catalog
        if not partition.is_month:
            return day_pins(self.ledger, catalog, stage, partition)
        if stage == MONTH_STAGES[0]:
            restates = self.ledger.restatement(partition) is not None
            return pools_pins(self.ledger, catalog, partition.key, restates)
        return later_pins(self.ledger, stage, partition)

    def inputs(self, stage: str, partition: Partition, pins: Pins) -> dict[Table, list[Location]]:
        """Build folders of every table of other stages that the stage's queries and checks read."""
        return {
            table: [self.warehouse.build_dir(table.name, other, build_id) for other, build_id in builds]
            for table, builds in self.pinned(stage, partition, pins).items()
        }

    def pinned(self, stage: str, partition: Partition, pins: Pins) -> dict[Table, list[tuple[Partition, str]]]:
        """Partition and id of the builds of every table of other stages that the stage's queries and checks read."""
        found: dict[Table, list[tuple[Partition, str]]] = {}
        catalog = self.release.catalog
        newest = catalogue_day(partition, pins)
        for name, windows in pipeline.stage_reads(catalog, stage).items():
            source = catalog[name].definition.stage
            builds = found.setdefault(catalog[name], [])
            for pinned, build_id in pins.items():
                other = unpin(pinned)
                is_read = any(pipeline.in_window(window, partition, other, newest) for window in windows)
                if stage_of(pinned) == source and is_read:
                    builds.append((other, build_id))
        return found

    @contextmanager
    def session(self, stage: str, partition: Partition, pins: Pins) -> Iterator[Session]:
        """An engine session with the stage's inputs and the reference tables in view."""
        with self.engine.session(self.parameters(partition, pins)) as session:
            for table, folders in self.inputs(stage, partition, pins).items():
                session.add(table, folders)
            self.add_reference(session)
            yield session

    def parameters(self, partition: Partition, pins: Pins) -> dict[str, str | int]:
        """Values of the named parameters of a partition's queries."""
        return pipeline.parameters(partition, catalogue_day(partition, pins))

    def add_reference(self, session: Session) -> None:
        for table in self.release.catalog.tables.values():
            if table.definition.source == "reference":
                session.add(table, [self.release.reference_folder(table.name)])

    def stage_folders(self, build: Build) -> Sequence[tuple[Table, Location]]:
        """The stage's tables with the folders of one build, in dependency order."""
        tables = self.release.catalog.of_stage(build.stage)
        return [(table, self.warehouse.build_dir(table.name, build.partition, build.build_id)) for table in tables]


def record_release(
    ledger: Ledger, run_id: str, release: Release, requested_by: str, partition: Partition, restates: bool = False
) -> Record:
    """Record, once, what a run computes with: the rules, the package and the commit it was deployed from; and what it is for."""
    purpose = {"restates": True} if restates else {}
    body = {**purpose, "release": release.hash, "package": __version__, "commit": settings().commit, "requested_by": requested_by}
    return ledger.append_once("released", run_id, body, partition)[0]
