"""What every step of a run shares: the warehouse, its ledger, the engine and the frozen release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from settlement import pipeline
from settlement.engines.duckdb import DuckDBEngine, Session
from settlement.errors import NotArrived, SettlementError
from settlement.ledger import Ledger
from settlement.ledger.records import Build, pin
from settlement.release import Release
from settlement.tables import Table, Window
from settlement.warehouse import Partition, Warehouse

Pins = dict[str, str]


@dataclass(frozen=True)
class Context:
    """A run's handle: `run_id` names it in the ledger, `requested_by` is who started it."""

    warehouse: Warehouse
    ledger: Ledger
    engine: DuckDBEngine
    release: Release
    run_id: str
    requested_by: str

    def pins(self, stage: str, partition: Partition) -> Pins:
        """The published builds that a stage reads for a partition, by `stage/partition`.

        Raises:
            NotArrived: a day or month that it needs has not been published yet.
        """
        if stage in ("lines", "statements"):
            return self._month_pins(stage, partition)
        pins: Pins = {}
        windows_of: dict[str, set[Window]] = {}  # of all tables of a stage together: its heads are looked up once
        for name, windows in pipeline.stage_reads(self.release.catalog, stage).items():
            source = self.release.catalog[name].definition.stage
            assert source is not None
            windows_of.setdefault(source, set()).update(windows)
        for source, read in windows_of.items():
            for other, head in self.ledger.heads(source).items():
                if any(pipeline.in_window(window, partition, other) for window in read):
                    pins[pin(source, other)] = head.build_id
        if stage == "pools":
            self._keep_closed_carry(partition, pins)
        self._require_complete(stage, partition, pins)
        return dict(sorted(pins.items()))

    def _month_pins(self, stage: str, partition: Partition) -> Pins:
        # Every stage of a month reads what pools read: a day published in between doesn't split the month.
        pools = self.ledger.head_build("pools", partition)
        if pools is None:
            raise NotArrived(f"{stage} {partition} needs pools {partition}, which is not published")
        pins = {**pools.pins, pin("pools", partition): pools.build_id}
        if stage == "statements":
            lines = self.ledger.head("lines", partition)
            if lines is None:
                raise NotArrived(f"{stage} {partition} needs lines {partition}, which is not published")
            pins[pin("lines", partition)] = lines.build_id
        return dict(sorted(pins.items()))

    def _keep_closed_carry(self, partition: Partition, pins: Pins) -> None:
        """Of the month before only the version that was closed counts."""
        before = pipeline.previous_month(partition.key)
        closed = closed_version(self.ledger, before)
        for name in [n for n in pins if n.startswith(f"pools/{before}/")]:
            if closed is None or name != pin("pools", closed):
                del pins[name]

    def _require_complete(self, stage: str, partition: Partition, pins: Pins) -> None:
        needed = {"ods": [("raw", partition)], "daily": [("ods", partition)]}.get(stage, [])
        if stage == "pools":
            days = [Partition(day) for day in pipeline.days_of(partition.key)]
            needed = [*(("daily", day) for day in days), ("ods", days[-1])]
        for source, other in needed:
            if pin(source, other) not in pins:
                raise NotArrived(f"{stage} {partition} needs {source} {other}, which is not published")

    def inputs(self, stage: str, partition: Partition, pins: Pins) -> dict[Table, list[Path]]:
        """Build folders of every table of other stages that the stage's queries and checks read."""
        found: dict[Table, list[Path]] = {}
        catalog = self.release.catalog
        for name, windows in pipeline.stage_reads(catalog, stage).items():
            source = catalog[name].definition.stage
            folders = found.setdefault(catalog[name], [])
            for pinned, build_id in pins.items():
                other = unpin(pinned)
                if pinned.split("/")[0] == source and any(pipeline.in_window(w, partition, other) for w in windows):
                    folders.append(self.warehouse.build_dir(name, other, build_id))
        return found

    @contextmanager
    def session(self, stage: str, partition: Partition, pins: Pins) -> Iterator[Session]:
        """An engine session with the stage's inputs and the reference tables in view."""
        with self.engine.session(pipeline.parameters(partition)) as session:
            for table, folders in self.inputs(stage, partition, pins).items():
                session.add(table, folders)
            self.add_reference(session)
            yield session

    def add_reference(self, session: Session) -> None:
        for table in self.release.catalog.tables.values():
            if table.definition.source == "reference":
                session.add(table, [self.release.reference_folder(table.name)])

    def stage_folders(self, build: Build) -> Sequence[tuple[Table, Path]]:
        """The stage's tables with the folders of one build, in dependency order."""
        tables = self.release.catalog.of_stage(build.stage)
        return [(table, self.warehouse.build_dir(table.name, build.partition, build.build_id)) for table in tables]


def unpin(pinned: str) -> Partition:
    """The partition that a pin names."""
    _, key, *version = pinned.split("/")
    return Partition(key, int(version[0]) if version else 0)


def closed_version(ledger: Ledger, month: str) -> Partition | None:
    """The version of a month that is closed, if it is."""
    found = list(ledger.records(kind="closed", partition=month))
    if len(found) > 1:
        raise SettlementError(f"the ledger closes {month} twice", "run `settlement ledger verify`")
    return found[0].partition if found else None
