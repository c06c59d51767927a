"""Imported once by the server that processes are forked from: it has what every one of them would parse again.

Only Python objects are made, no engine and no thread, so that a fork is as good as a fresh process.
"""

import os
from pathlib import Path

from settlement import cli, reports
from settlement.audit.checks import all_checks
from settlement.pipeline import parameters
from settlement.release import _load_tables
from settlement.warehouse import Partition

__all__ = ["RELEASE", "cli", "reports"]

# Names the frozen release that the processes will run.
RELEASE = "SETTLEMENT_TESTS_RELEASE"


def warm_up(folder: Path) -> None:
    """Parse a release's tables and put their queries into the engine's words."""
    everything = dict.fromkeys([*parameters(Partition("2026-02-01")), *parameters(Partition("2026-02", 1))], "")
    for table in _load_tables(folder / "sql").tables.values():
        if table.definition.stage is not None:
            queries = [check.select for check in all_checks(table)]
            for query in [*queries, *([table.select] if table.select else [])]:
                query.render("duckdb", everything)


if RELEASE in os.environ:
    warm_up(Path(os.environ[RELEASE]))
