"""Each small mistake in a query.sql is noticed by its fixtures; the mistakes that aren't are listed with the reason."""

from __future__ import annotations

import pytest

from settlement.tables import Table
from tests.sql.harness import HERE, catalog, read_yaml
from tests.sql.killing import toll

QUERIED = [table for table in catalog().tables.values() if table.query is not None]
SURVIVORS: dict[str, dict[str, str]] = read_yaml(HERE / "survivors.yaml")
AT_LEAST = 0.9


@pytest.mark.parametrize("table", QUERIED, ids=lambda table: table.name)
def test_fixtures_kill_the_mutants_of_a_query(table: Table) -> None:
    found = toll(table)
    listed = SURVIVORS.get(table.name, {})
    new = [name for name in found.survivors if name not in listed]
    gone = [name for name in listed if name not in found.survivors]
    assert not new, "new survivors: kill each by a fixture, or list it in survivors.yaml with the reason:\n" + "\n".join(new)
    assert not gone, "survivors.yaml lists mutants that don't survive any more (or moved):\n" + "\n".join(gone)
    assert found.rate >= AT_LEAST, f"only {found.rate:.1%} of the mutants are killed"


def test_survivors_are_of_tables_with_a_query_and_have_a_reason() -> None:
    assert set(SURVIVORS) <= {table.name for table in QUERIED}
    assert all(len(reason) > 10 for listed in SURVIVORS.values() for reason in listed.values())
