"""Each check of each table finds the wrong row that is planted for it, no other takes it for its own, and publish refuses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from settlement.audit.checks import Finding, all_checks, run_checks
from settlement.cli.common import make_context
from settlement.errors import AuditFailed
from settlement.ledger import Build
from settlement.steps.audit import write_verdict
from settlement.steps.context import Context
from settlement.steps.publish import publish
from settlement.tables import Table
from settlement.warehouse import Partition, new_build_id
from tests.sql.harness import HERE, RowsByTable, catalog, session
from tests.sql.plants import plant_paths, read_planted

AUDITED = [table for table in catalog().tables.values() if table.definition.stage is not None]
PLANTS = [(table, path) for table in AUDITED for path in plant_paths(table)]


def found(table: Table, rows: RowsByTable, params: Mapping[str, str | int]) -> list[Finding]:
    with session(rows, params) as opened:
        return run_checks(opened, table)


def findings(table: Table, rows: RowsByTable, params: Mapping[str, str | int]) -> list[str]:
    return [finding.check for finding in found(table, rows, params)]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A run's context on an empty warehouse."""
    return make_context(tmp_path_factory.mktemp("warehouse"), None, "somebody")


@pytest.mark.parametrize(("table", "path"), PLANTS, ids=[str(path.relative_to(HERE)) for _, path in PLANTS])
def test_exactly_the_named_check_finds_the_planted_row(table: Table, path: Path) -> None:
    planted = read_planted(table, path)
    assert findings(table, planted.sound, planted.params) == []
    for wrong in planted.wrong:
        assert findings(table, wrong, planted.params) == [path.stem]


@pytest.mark.parametrize("table", AUDITED, ids=lambda table: table.name)
def test_every_check_has_a_planted_row(table: Table) -> None:
    assert {path.stem for path in plant_paths(table)} == {check.name for check in all_checks(table)}


@pytest.mark.parametrize(("table", "path"), PLANTS, ids=[str(path.relative_to(HERE)) for _, path in PLANTS])
def test_publish_refuses_a_candidate_with_the_planted_row_by_the_check_s_name(table: Table, path: Path, context: Context) -> None:
    """A warning alone doesn't: then publish only misses the files that this candidate doesn't have."""
    planted = read_planted(table, path)
    assert table.definition.stage is not None
    build = Build(
        new_build_id(), table.definition.stage, Partition("2024-03-10"), "run", "release", {}, "", "files", {}, None, {}
    )
    write_verdict(context, build, found(table, planted.wrong[0], planted.params))
    check = next(check for check in all_checks(table) if check.name == path.stem)
    with pytest.raises(AuditFailed) as refused:
        publish(context, build)
    if check.level == "fail":
        assert f"{table.name}: {check.name}: {check.meaning}" in str(refused.value)
    else:
        assert "are not those that were sealed" in str(refused.value)
    assert context.ledger.head(build.stage, build.partition) is None
