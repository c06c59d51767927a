"""A day's plays: blocks of vectors become lines, lines become files; memory holds one block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np

from settlement.landing.generator.charges import Purchases
from settlement.landing.generator.columns import Columns, Defects, listening
from settlement.landing.generator.malformed import spoil
from settlement.landing.generator.mixing import Ints, stream
from settlement.landing.generator.plan import ECHO_DELAYS, DayPlan, echoes_after, slice_of
from settlement.landing.generator.rendering import lines
from settlement.landing.generator.world import World
from settlement.landing.writers import landing_folder, mark_arrived, write_gzip


@dataclass(frozen=True)
class DayPlays:
    """The plays folder of one landing day, made from the world and the day alone."""

    world: World
    day: date

    def write(self, root: Path) -> int:
        """Write the day's files; returns the number of lines."""
        folder = landing_folder(root, "plays", self.day)
        for number in range(self._plan.files):
            write_gzip(folder / f"part-{number:05d}.jsonl.gz", self.file_content(number))
        mark_arrived(folder)
        return self._plan.plays

    def file_content(self, number: int) -> Iterator[bytes]:
        """The lines of a file, block by block; one file in five ends its lines with CR LF."""
        end = b"\r\n" if (self.day.toordinal() + number) % 5 == 0 else b"\n"
        for block in slice_of(self._plan.blocks, number, self._plan.files):
            text = self._block(block)
            if text:
                yield end.join(text) + end

    @property
    def _plan(self) -> DayPlan:
        return self.world.plan[self.day]

    @cached_property
    def _downloads(self) -> Purchases:
        return self.world.downloads(self.day)

    @cached_property
    def _echoes(self) -> list[bytes]:
        """The lines that this day delivers for the first time and later days once more."""
        plays = echoes(self.world, self.day, np.arange(self._plan.echoes, dtype=np.int64))
        return _encoded(lines(plays, _echo_prefix(self.day)))

    @cached_property
    def _arrivals(self) -> list[bytes]:
        """Lines of earlier days, delivered again byte by byte."""
        arrived: list[bytes] = []
        for delay in ECHO_DELAYS:
            before = self.day - timedelta(days=delay)
            if before in self.world.plan:
                numbers = echoes_after(before, self.world.plan[before].echoes, delay)
                plays = echoes(self.world, before, np.array(numbers, dtype=np.int64))
                arrived += _encoded(lines(plays, _echo_prefix(before)))
        return arrived[: self._plan.arrivals]

    def _block(self, block: int) -> list[bytes]:
        """The lines of one block, in an order that tells nothing about their kind."""
        plan = self._plan
        rng = stream(self.world.seed, "plays", self.day.toordinal(), block)
        parts = {kind: slice_of(total, block, plan.blocks) for kind, total in plan.kinds.items()}
        slices, at = {}, 0
        for kind, part in parts.items():
            slices[kind] = slice(at, at + len(part))
            at += len(part)
        capped = slice(at, at + len(slice_of(plan.cap_groups, block, plan.blocks)) * plan.cap_group)
        plays = listening(self.world, self.day, rng, self._first_serial(block), capped.stop)
        defects = Defects(self.world, self.day, rng)
        defects.apply(plays, slices, _some(self._downloads, parts["download"]))
        defects.over_cap(plays, capped, plan.cap_group)
        text = _encoded(lines(plays, f"p{self.day:%Y%m%d}-"))
        for place, number in zip(range(len(text))[slices["malformed"]], parts["malformed"], strict=True):
            text[place] = spoil(text[place].decode(), plan.malformed_before + number)
        for more in (self._echoes, self._arrivals):
            part = slice_of(len(more), block, plan.blocks)
            text += more[part.start : part.stop]
        _scatter(text, slices["normal"].stop, rng)
        return text

    def _first_serial(self, block: int) -> int:
        """How many plays the blocks before this one have, echoes apart."""
        plan = self._plan
        before = sum(slice_of(total, block, plan.blocks).start for total in plan.kinds.values())
        return before + slice_of(plan.cap_groups, block, plan.blocks).start * plan.cap_group


def echoes(world: World, day: date, numbers: Ints) -> Columns:
    """The day's echoes of the given numbers. Every fourth or so began only on the day of its second delivery: that day
    it counts, because its first delivery lay in the future."""
    rng = stream(world.seed, "echoes", day.toordinal())
    plays = listening(world, day, rng, 0, world.plan[day].echoes).take(numbers)
    delay = np.array(ECHO_DELAYS)[(numbers + day.toordinal()) % len(ECHO_DELAYS)]
    early = (numbers + day.toordinal()) // len(ECHO_DELAYS) % 4 == 3
    plays.day = np.where(early, day.toordinal() + delay, plays.day)
    return plays


def _encoded(text: list[str]) -> list[bytes]:
    # Line by line: one long text would take four bytes a character as soon as it holds an emoji.
    return list(map(str.encode, text))


def _scatter(text: list[bytes], first: int, rng: np.random.Generator) -> None:
    """Swap each line from `first` on with any line: the ordinary ones before are in no order anyway."""
    for place, other in enumerate(rng.integers(0, max(1, len(text)), len(text) - first).tolist(), start=first):
        text[place], text[other] = text[other], text[place]


def _echo_prefix(day: date) -> str:
    return f"e{day:%Y%m%d}:"


def _some(bought: Purchases, part: range) -> Purchases:
    which = slice(part.start, part.stop)
    return Purchases(bought.user[which], bought.product[which], bought.second[which])
