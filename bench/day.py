"""Write one day of a generated month: as many plays as asked for on that day, whatever the month's size."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from settlement.landing.generator import default_options, parse_months
from settlement.landing.generator.catalog import Catalog
from settlement.landing.generator.repertoire import synthetic_repertoire
from settlement.landing.generator.run import write_day
from settlement.landing.generator.world import World
from settlement.pipeline import days_of
from settlement.settings import reference_dir


def main(out: Path, day: str, plays: int) -> None:
    span = parse_months(day[:7])
    options = default_options(span, plays * len(days_of(day[:7])), 1, reference_dir(), tracks=20_000)
    world, wanted = World.build(options), date.fromisoformat(day)
    Catalog(options.seed, world.partners, synthetic_repertoire(options.seed, options.tracks)).write(out, [wanted])
    write_day(world, out, wanted)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
