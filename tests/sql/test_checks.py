"""Each check of each table finds the wrong row that is planted for it, and no other check of the table takes it for its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from settlement.audit.checks import all_checks, run_checks
from settlement.tables import Table
from tests.sql.harness import HERE, RowsByTable, catalog, session
from tests.sql.plants import plant_paths, read_planted

AUDITED = [table for table in catalog().tables.values() if table.definition.stage is not None]
PLANTS = [(table, path) for table in AUDITED for path in plant_paths(table)]


def findings(table: Table, rows: RowsByTable, params: Mapping[str, str | int]) -> list[str]:
    with session(rows, params) as opened:
        return [finding.check for finding in run_checks(opened, table)]


@pytest.mark.parametrize(("table", "path"), PLANTS, ids=[str(path.relative_to(HERE)) for _, path in PLANTS])
def test_exactly_the_named_check_finds_the_planted_row(table: Table, path: Path) -> None:
    planted = read_planted(table, path)
    assert findings(table, planted.sound, planted.params) == []
    for wrong in planted.wrong:
        assert findings(table, wrong, planted.params) == [path.stem]


@pytest.mark.parametrize("table", AUDITED, ids=lambda table: table.name)
def test_every_check_has_a_planted_row(table: Table) -> None:
    assert {path.stem for path in plant_paths(table)} == {check.name for check in all_checks(table)}
