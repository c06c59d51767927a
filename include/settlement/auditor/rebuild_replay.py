"""A version computed again: the steps' own code, at another place, on a ledger that says what was recorded and takes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from settlement.auditor.rebuild_graph import Graph
from settlement.errors import SettlementError, WrongRelease
from settlement.ledger import Build, Ledger, Record
from settlement.ledger.restatements import Restatement
from settlement.release import Release
from settlement.steps.build import build_tables
from settlement.steps.context import Context
from settlement.steps.pinning import Pins
from settlement.steps.place import ledger_url, make_engine
from settlement.storage import link_folder
from settlement.warehouse import Partition, Warehouse


class ReplayLedger(Ledger):
    """A warehouse's ledger as a rebuild sees it: content hashes are those that were computed again, nothing is written.

    While tables are built nothing counts as published; when they are done (`is_done`), what was published before does, so
    that reports are made from the same builds.
    """

    def __init__(self, warehouse: Warehouse, pins: Set[str]) -> None:
        super().__init__(ledger_url(warehouse), warehouse.local)
        self.rows_hashes: dict[str, Mapping[str, str]] = {}
        self.is_done = False
        self._pins = pins

    def build(self, build_id: str) -> Build:
        found = super().build(build_id)
        return replace(found, rows_hashes=self.rows_hashes.get(build_id, found.rows_hashes))

    def head_build(self, stage: str, partition: Partition) -> Build | None:
        return super().head_build(stage, partition) if self.is_done else None

    def postings(self, month: str) -> list[Restatement]:
        return [posted for posted in super().postings(month) if posted.pins <= self._pins]  # not what was posted later

    def append(
        self,
        kind: str,
        run_id: str,
        body: Mapping[str, Any],
        partition: Partition,
        stage: str = "",
        build_id: str = "",
        attempt: int | None = None,  # noqa: ARG002
    ) -> Record:
        return Record(0, "", kind, stage, partition, build_id, run_id, body, "", "")


@dataclass(frozen=True)
class ReplayContext(Context):
    """A context that reads the builds which were recorded, not those that are published now."""

    recorded: Mapping[str, str] = field(default_factory=dict)

    def pins(self, stage: str, partition: Partition) -> Pins:  # noqa: ARG002
        return dict(self.recorded)


class Replay:
    """Computes the builds of a graph again below a folder, under the ids they had."""

    def __init__(self, warehouse: Warehouse, graph: Graph, place: Path) -> None:
        """`place` is an empty folder: stored builds are linked there, rebuilt ones written."""
        self._stored = warehouse
        self._graph = graph
        self._warehouse = Warehouse.open(place)
        self._ledger = ReplayLedger(warehouse, set(graph.top.pins))
        self.engine = make_engine(self._warehouse)
        self._releases: dict[str, Release] = {}

    def freeze(self) -> None:
        """Freeze the SQL and reference rows that the builds were made with once more: their hash must come out again.

        Raises:
            WrongRelease: it doesn't: they were edited.
        """
        for digest in dict.fromkeys(build.release for build in self._graph.rebuilt):
            place = self._stored.release_dir(digest)
            try:
                stored = Release.load(digest, self._stored)
                folder = stored.folder
                found = Release.freeze(folder / "sql", folder / "reference", self._warehouse, stored.package)
            except (SettlementError, OSError) as error:
                raise WrongRelease(f"release {digest[:12]} can't be used: {error}", "restore the folder") from error
            if found.hash != digest:
                raise WrongRelease(
                    f"{place}: its SQL and reference rows don't give its name but {found.hash[:12]}",
                    "they were edited since: restore them",
                )
            self._releases[digest] = found

    def link(self) -> None:
        """Put the stored builds at their places."""
        for build in self._graph.stored:
            for table in build.rows_hashes:
                link_folder(self._stored.build_dir(table, build.partition, build.build_id), self.folder(table, build))

    def rebuild(self, build: Build) -> dict[str, str]:
        """Compute a build again; returns the content hash per table."""
        again = build_tables(self._context(build), build.stage, build.partition)
        assert again is not None, "nothing counts as published"
        for table in again.rows_hashes:
            self.folder(table, again).rename(self.folder(table, build))
        self._ledger.rows_hashes[build.build_id] = again.rows_hashes
        return dict(again.rows_hashes)

    def context(self) -> Context:
        """A context in which everything that was rebuilt is published, for reports."""
        self._ledger.is_done = True
        return self._context(self._graph.top)

    def release(self, build: Build) -> Release:
        """The release that a rebuilt build was made with."""
        return self._releases[build.release]

    def folder(self, table: str, build: Build) -> Path:
        """Where a table of a build lies, rebuilt or linked."""
        place = self._warehouse.build_dir(table, build.partition, build.build_id)
        assert isinstance(place, Path), "everything is rebuilt on a disk"
        return place

    def _context(self, build: Build) -> Context:
        run = f"rebuild of {build.build_id}"
        return ReplayContext(self._warehouse, self._ledger, self.engine, self.release(build), run, "", recorded=build.pins)
