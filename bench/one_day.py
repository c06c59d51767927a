"""A measured process: take one landing day through raw, ods and daily, audits and publications included."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.measure import report_own
from settlement.cli.common import make_context
from settlement.landing.folders import Landing
from settlement.run import MonthResult, Progress, Runner
from settlement.settings import settings
from settlement.steps.build import build_tables
from settlement.warehouse import Partition


def _quiet(_what: str, _done: int, _total: int) -> None:
    pass


QUIET: Progress = _quiet


def runner(landing: Path, warehouse: Path) -> Runner:
    """A runner without progress bar or approver."""
    context = make_context(warehouse, None, "bench")
    return Runner(context, Landing(landing), None, QUIET, settings().reader_processes)


def ingest(run: Runner, day: str) -> None:
    """Only the raw stage of a day."""
    run.raw_day(day, MonthResult(Partition(day), "open"))


def main(landing: Path, warehouse: Path, day: str, earlier: list[str]) -> None:
    """Ingest `earlier` days, then measure `day`."""
    run = runner(landing, warehouse)
    with run.processes():
        for other in earlier:
            ingest(run, other)
        result = MonthResult(Partition(day), "open")
        start = time.perf_counter()
        run.raw_day(day, result)
        for stage in ("ods", "daily"):
            run.finish(build_tables(run.context, stage, Partition(day)), result)
        report_own(time.perf_counter() - start)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4].split(",") if sys.argv[4] else [])
