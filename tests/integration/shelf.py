"""Houses in the states that tests start from: each state is made once, by the first worker that needs it, and then copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from settlement.landing.folders import Landing
from settlement.ledger.records import Build
from settlement.pipeline import DAY_STAGES, days_of
from settlement.steps.audit import audit
from settlement.steps.build import build_raw, build_tables
from settlement.steps.context import Context
from settlement.steps.publish import Published, publish
from settlement.warehouse import Partition
from tests.integration.example import LAST, MONTH, NEXT, example
from tests.integration.house import House, Tree, copy_folder
from tests.worlds import World, write, write_reference


def audited(context: Context, build: Build) -> Published:
    """Audit and publish a candidate."""
    audit(context, build)
    return publish(context, build)


def settle_day_stage(context: Context, landing: Path, stage: str, day: str) -> None:
    """Build, audit and publish one stage of a day."""
    if stage == "raw":
        build = build_raw(context, Landing(landing), day, _no_processes)
    else:
        build = build_tables(context, stage, Partition(day))
    if build is not None:
        audited(context, build)


def _no_processes() -> Executor:
    raise AssertionError("so little is read in this process")


def settle_days(house: House, days: list[str], stages: Sequence[str] = DAY_STAGES, run_id: str = "days") -> None:
    """The stages of the days, one day after the other."""
    context = house.context(run_id)
    for day in days:
        for stage in stages:
            settle_day_stage(context, house.landing, stage, day)


@dataclass
class Shelf:
    """States by name: `new` (landing and reference only), `early` (all days but three), `almost` (but one), `days` (all),
    `open` (statements, no approval), `closed`, `next_days` (the days of the next month too), `ending` (all raw days, of
    the others all but three).
    """

    root: Path  # of this worker
    states: Path  # of all workers of a session
    _expected: dict[str, Tree] = field(default_factory=dict)

    @property
    def place(self) -> Path:
        """Every house is put at the same place: the package keeps what it parsed by path."""
        return self.root / "house"

    def house(self, state: str) -> House:
        """A copy of a state to do anything with; the house that was taken before goes."""
        copy_folder(self._state(state), self.place)
        return House.at(self.place)

    @property
    def _workshop(self) -> Path:
        """Where states are made, so that a house that was taken stays as it is."""
        return self.root / "workshop"

    def expected(self, month: str = MONTH) -> Tree:
        """The exports of the example, by the oracle."""
        if month not in self._expected:
            self._expected[month] = House.at(self._state("new")).expected(month)
        return self._expected[month]

    def published(self) -> Tree:
        """The reports that an undisturbed run publishes."""
        return House.at(self._state("closed")).published()

    def _state(self, name: str) -> Path:
        steps: dict[str, tuple[str, Callable[[House], None]]] = {
            "early": ("new", lambda house: settle_days(house, days_of(MONTH)[:-3])),
            "almost": ("early", lambda house: settle_days(house, days_of(MONTH)[-3:-1])),
            "days": ("almost", lambda house: settle_days(house, [LAST])),
            "ending": ("early", lambda house: settle_days(house, days_of(MONTH)[-3:], ("raw",))),
            "open": ("days", lambda house: _run(house, MONTH, None)),
            "closed": ("days", lambda house: _run(house, MONTH, "Bea")),
            "next_days": ("days", lambda house: settle_days(house, days_of(NEXT))),
        }
        if name == "new":
            return self._kept(name, lambda: lay_out(example(), self._workshop))
        return self.made(name, *steps[name])

    def made(self, name: str, before: str, step: Callable[[House], None]) -> Path:
        """A state of the tests' own: that before, and a step on it. Do nothing to it: it is everybody's."""
        return self._kept(name, lambda: self._stepped(before, step))

    def _stepped(self, before: str, step: Callable[[House], None]) -> None:
        copy_folder(self._state(before), self._workshop)
        step(House.at(self._workshop))

    def _kept(self, name: str, make: Callable[[], object]) -> Path:
        """Where a state lies; whoever comes first makes it, and the others wait."""
        place = self.states / name
        self.states.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_suffix(".lock")):
            if not place.exists():
                make()
                copy_folder(self._workshop, place)
        return place


def lay_out(world: World, root: Path) -> House:
    """A new house with the world's landing and reference data."""
    shutil.rmtree(root, ignore_errors=True)
    house = House.at(root)
    write(world, house.landing)
    write_reference(world, house.reference)
    return house


def _run(house: House, months: str, approver: str | None) -> None:
    answer = house.run(months, approver=approver)
    assert answer.code == 0, answer.err
