"""The builds that a version of a month goes back to: which of them are computed again, and which are taken as stored."""

from __future__ import annotations

from dataclasses import dataclass

from settlement.errors import NotArrived
from settlement.ledger import Build, Ledger
from settlement.pipeline import DAY_STAGES
from settlement.steps.pinning import stages_of, unpin
from settlement.warehouse import Partition


@dataclass(frozen=True)
class Graph:
    """The pins of a version, followed down.

    Attributes:
        top: the statements of the version; of a restatement its lines.
        rebuilt: the builds of the month and of its days that SQL computed, each after those it read.
        stored: what they start from: landed rows, and builds of other months; by partition and stage.
    """

    partition: Partition
    top: Build
    rebuilt: tuple[Build, ...]
    stored: tuple[Build, ...]

    @property
    def builds(self) -> tuple[Build, ...]:
        """All of them, those that others start from first."""
        return (*self.stored, *self.rebuilt)


def top_build(ledger: Ledger, partition: Partition) -> Build:
    """What a version ends with: its statements, or the lines of a restatement.

    Raises:
        NotArrived: they are not published.
    """
    stage = stages_of(ledger, partition)[-1]
    found = ledger.head_build(stage, partition)
    if found is None:
        raise NotArrived(f"there are no {stage} of {partition}", "see what there is: settlement ledger show")
    return found


def graph(ledger: Ledger, partition: Partition) -> Graph:
    """Follow the pins of a version; raises as `top_build`."""
    top = top_build(ledger, partition)
    rebuilt: dict[str, Build] = {}
    stored: dict[str, Build] = {}

    def visit(build: Build) -> None:
        if build.build_id in rebuilt or build.build_id in stored:
            return
        if not _is_rebuilt(build, partition):
            stored[build.build_id] = build
            return
        for name in sorted(build.pins):
            visit(ledger.build(build.pins[name]))
        rebuilt[build.build_id] = build

    visit(top)
    return Graph(partition, top, tuple(rebuilt.values()), tuple(sorted(stored.values(), key=_place)))


def landed(ledger: Ledger, found: Graph) -> list[Build]:
    """Every build of landed files that the version goes back to, by day; a day that was delivered again may stand twice."""
    raw: dict[str, Build] = {}
    seen: set[str] = set()
    todo = list(found.builds)
    while todo:
        build = todo.pop()
        if build.build_id in seen:
            continue
        seen.add(build.build_id)
        if build.stage == DAY_STAGES[0]:
            raw[build.build_id] = build
        elif not build.partition.is_month:
            todo += [ledger.build(other) for name, other in build.pins.items() if not unpin(name).is_month]
    return sorted(raw.values(), key=_place)


def _is_rebuilt(build: Build, partition: Partition) -> bool:
    if build.stage == DAY_STAGES[0]:
        return False
    return build.partition == partition or (not build.partition.is_month and build.partition.key[:7] == partition.key)


def _place(build: Build) -> tuple[int, str, int, str]:
    return (build.partition.is_month, build.partition.key, build.seq, build.stage)
