"""Every query.sql on its fixtures."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from settlement.tables import Table
from tests.sql.harness import HERE, answer, case_paths, catalog, difference, read_case, session

QUERIED = [table for table in catalog().tables.values() if table.query is not None]
CASES = [(table, path) for table in QUERIED for path in case_paths(table)]
AT_LEAST = 3


@pytest.mark.parametrize(("table", "path"), CASES, ids=[str(path.relative_to(HERE)) for _, path in CASES])
def test_the_query_gives_the_rows_that_the_rules_demand(table: Table, path: Path) -> None:
    case = read_case(table, path)
    with session(case.given, case.params) as opened:
        if case.error is not None:
            with pytest.raises(duckdb.Error, match=re.escape(case.error)):
                answer(opened, table)
        else:
            assert not difference(table, case.expect, answer(opened, table))


@pytest.mark.parametrize("table", QUERIED, ids=lambda table: table.name)
def test_every_query_has_fixtures(table: Table) -> None:
    assert len(case_paths(table)) >= AT_LEAST


def test_every_folder_is_of_a_table() -> None:
    folders = {path.parent.relative_to(HERE).parts[:2] for path in HERE.glob("*/*/**/*.yaml")}
    assert {".".join(parts) for parts in folders} <= set(catalog().tables)
