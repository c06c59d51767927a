"""Writing a whole synthetic landing: the days in parallel, the catalogue beside them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

from settlement.landing.generator.calendar import Span
from settlement.landing.generator.catalog import Catalog
from settlement.landing.generator.partners import MIN_PARTNERS
from settlement.landing.generator.plays import DayPlays
from settlement.landing.generator.repertoire import synthetic_repertoire
from settlement.landing.generator.world import Options, World
from settlement.landing.writers import require_new_root

_WORTH_PROCESSES: Final = 1_000_000  # fewer plays are written sooner than processes start
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """What was written: rows by kind over all days, and the number of days."""

    days: int
    plays: int
    payments: int
    other_revenue: int


def default_options(
    span: Span,
    plays: int,
    seed: int,
    reference: Path,
    tracks: int | None = None,
) -> Options:
    """Options with as many recordings, partners and users as suit the number of plays (partners: of recordings)."""
    tracks = tracks or max(200, min(200_000, plays // 40))
    return Options(
        seed=seed,
        span=span,
        plays=plays,
        tracks=tracks,
        partners=max(MIN_PARTNERS + 6, min(300, tracks // 50)),
        users=max(40, min(1_000_000, plays // (100 * len(span.months)))),
        reference=reference,
    )


def generate(options: Options, out: Path, *, jobs: int | None = None, progress: Progress = lambda *_: None) -> Written:
    """Write the landing of every day of the span under `out`, which must be new or empty.

    The bytes follow from the options alone, whatever the number of processes. A run that is cut short leaves folders
    without `_SUCCESS`: remove `out` and start again.

    Args:
        jobs: processes; default: one a CPU, or none besides this one for a small landing.
        progress: called for each day that was finished, with its number of plays and the number in all.

    Raises:
        SettlementError: `out` is not empty or cannot be written.
        BadInput: the reference data cannot be read or has no service rule for a day.
    """
    world = World.build(options)
    require_new_root(out)
    repertoire = synthetic_repertoire(options.seed, options.tracks)
    catalog = Catalog(options.seed, world.partners, repertoire)
    plays = payments = revenue = 0
    with _days(world, out, jobs) as finished:
        catalog.write(out, options.span.days)
        for counts in finished:
            plays, payments, revenue = plays + counts[0], payments + counts[1], revenue + counts[2]
            progress(counts[0], options.plays)
    return Written(len(options.span.days), plays, payments, revenue)


Counts = tuple[int, int, int]


def write_day(world: World, out: Path, day: date) -> Counts:
    """Write plays, payments and other revenue of one day; returns their rows."""
    return DayPlays(world, day).write(out), world.payments.write(out, day), world.other_revenue.write(out, day)


@contextmanager
def _days(world: World, out: Path, jobs: int | None) -> Iterator[Iterator[Counts]]:
    """The counts of each day as it is finished, in whatever order; several processes where that pays."""
    days = world.options.span.days
    small = world.options.plays < _WORTH_PROCESSES
    workers = min(len(days), jobs or (1 if small else os.cpu_count() or 1))
    if workers == 1:
        yield map(partial(write_day, world, out), days)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start_worker, (world.options, out)) as pool:
        futures = [pool.submit(_work, day) for day in days]
        try:
            yield (future.result() for future in as_completed(futures))
        finally:
            pool.shutdown(cancel_futures=True)


_worker: list[Callable[[date], Counts]] = []  # of this process: its world and the landing root, built once


def _start_worker(options: Options, out: Path) -> None:
    _worker.append(partial(write_day, World.build(options), out))


def _work(day: date) -> Counts:
    return _worker[0](day)
