"""A measured process: settle a month from landing to published statements."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bench.measure import report_own
from bench.one_day import runner


def main(landing: Path, warehouse: Path, month: str) -> None:
    run = runner(landing, warehouse)
    run.approved_by = "bench-approver"
    start = time.perf_counter()
    for _ in run.run([month]):
        pass
    report_own(time.perf_counter() - start)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
