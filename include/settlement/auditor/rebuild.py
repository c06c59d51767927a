"""Rebuild: compute a partner's statement again from the stored landed rows, and compare it with what was published.

Everything is computed at a place that is thrown away; the warehouse is only read. Killed anywhere: nothing happened.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from settlement.auditor.rebuild_files import altered, sealed_hashes
from settlement.auditor.rebuild_graph import Graph, graph
from settlement.auditor.rebuild_partner import NOTHING, Comparison, compare_files, compare_rows, require_partner
from settlement.auditor.rebuild_replay import Replay
from settlement.errors import EngineError
from settlement.ledger import Build
from settlement.steps.context import Context
from settlement.warehouse import Partition

# A progress callback gets what is being done and how many of how many steps are done.
Progress = Callable[[str, int, int], None]


@dataclass
class Rebuilt:
    """What a rebuild found.

    Attributes:
        altered: stored files that aren't those that were sealed, inputs first, as sentences.
        comparisons: what was compared, in the order in which it was computed.
        stopped: why it could not be computed to the end; empty when it could.
    """

    graph: Graph
    partner: int
    altered: list[str] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    stopped: str = ""

    @property
    def is_same(self) -> bool:
        return not self.altered and not self.stopped and all(c.is_same for c in self.comparisons)

    @property
    def verdict(self) -> str:
        """One sentence for the auditor; it names the first stored input that differs."""
        what = f"{self.graph.partition}, partner {self.partner}"
        if self.is_same:
            return f"{what}: the same came out again, from {len(self.graph.stored)} stored builds"
        other = [c for c in self.comparisons if not c.is_same]
        if self.altered:
            after = f"; with it {other[0].name} comes out differently" if other else ""
            return f"{what} differs: the first stored file that was altered is of {self.altered[0]}{after}"
        if other:
            return f"{what} differs, though no stored file was altered: the first that does is {other[0].name}"
        return f"{what} could not be rebuilt: {self.stopped}"


def rebuild(context: Context, partition: Partition, partner: int, progress: Progress, place: Path | None = None) -> Rebuilt:
    """Compute a version again and compare it.

    Args:
        context: warehouse and ledger of what was published.
        partition: the version.
        partner: whose rows and files are compared beside all tables.
        progress: is told what is being done.
        place: folder below which a throw-away folder is made; default: the system's for temporary files.

    Raises:
        NotArrived: the version has no statements.
        WrongRelease: the release it was made with was edited, or belongs to another version of the package.
        EngineError: a query failed although no stored file was altered.
        SettlementError: the partner has nothing in this version.
    """
    found = Rebuilt(graph(context.ledger, partition), partner)
    with tempfile.TemporaryDirectory(prefix="settlement-rebuild-", dir=place) as folder:
        try:
            _rebuild(context, found, Path(folder), progress)
        except (EngineError, duckdb.Error) as error:
            if not found.altered:
                raise
            found.stopped = str(error).splitlines()[0]
    return found


def _rebuild(context: Context, found: Rebuilt, place: Path, progress: Progress) -> None:
    warehouse, builds = context.warehouse, found.graph.builds
    total = len(builds) + len(found.graph.rebuilt) + 2
    replay = Replay(warehouse, found.graph, place / "warehouse")
    replay.freeze()
    require_partner(warehouse, replay, found.graph, found.partner)
    for number, build in enumerate(builds):
        progress(f"files of {build.stage} {build.partition}", number, total)
        found.altered += altered(warehouse, context.ledger, replay.engine, build)
    replay.link()
    for number, build in enumerate(found.graph.rebuilt, len(builds)):
        progress(f"{build.stage} {build.partition}", number, total)
        now, before = replay.rebuild(build), sealed_hashes(warehouse, replay.engine, build)
        found.comparisons += _tables(build, before, now)
    progress(f"rows of partner {found.partner}", total - 2, total)
    found.comparisons += compare_rows(warehouse, replay, found.graph, found.partner)
    progress(f"reports of partner {found.partner}", total - 1, total)
    found.comparisons += compare_files(warehouse, replay, found.graph, found.partner, place / "reports")
    progress("done", total, total)


def _tables(build: Build, before: dict[str, str], now: dict[str, str]) -> Sequence[Comparison]:
    return [
        Comparison(f"tables of {build.stage}", f"{name} {build.partition}", before.get(name, NOTHING), now.get(name, NOTHING))
        for name in sorted(before.keys() | now.keys())
    ]
