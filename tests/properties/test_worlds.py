"""Random small worlds: the SQL says what an independent reading of the rules says, money is conserved, order is nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, seed, settings

from settlement.settings import sql_dir
from settlement.tables import load
from tests.oracle import render, settle_folders
from tests.oracle.conservation import assert_conserved
from tests.properties.memory import MemoryTables
from tests.worlds import World, describe, in_memory, permuted, reference_files, worlds

BUCKETS = {
    "malformed", "future", "duplicate", "too_late", "unknown_product", "abuse_flag", "too_short", "over_cap", "qualified",
}  # fmt: skip
KINDS = {"royalty", "unmatched", "rounding", "no_plays"}
WINNERS = {"unit_leg", "sub_leg", "rev_leg"}
# Seeded and without a database of past failures: the same worlds in every run.
PLAIN = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> MemoryTables:
    return MemoryTables(load(sql_dir()), tmp_path_factory.mktemp("reference"))


def exports_of(memory: MemoryTables, world: World) -> dict[str, str]:
    return memory.exports(in_memory(world), reference_files(world), list(world.months))


@pytest.mark.parametrize("part", [1, 2])  # two halves, so that two processes can share them
def test_the_sql_agrees_with_the_oracle_on_random_worlds(memory: MemoryTables, part: int) -> None:
    seen: Counter[str] = Counter()

    @seed(part)
    @settings(PLAIN, max_examples=100)
    @given(worlds())
    def agrees(world: World) -> None:
        expected = settle_folders(in_memory(world), reference_files(world), list(world.months))
        assert_conserved(expected, Counter(line.dt.isoformat() for line in world.plays))
        found = exports_of(memory, world)
        for name, rows in expected.items():
            assert found[name] == render(name, rows), f"{name} of this world:\n{describe(world)}"
        for name, column in (("usage_buckets", "bucket"), ("settlement_line", "kind"), ("pool", "winner")):
            seen.update(str(row[column]) for row in expected[name])

    agrees()
    missing = (BUCKETS | KINDS | WINNERS) - seen.keys()
    assert not missing, f"never occurred: {sorted(missing)}"


def test_the_order_of_files_and_rows_changes_nothing(memory: MemoryTables) -> None:
    @seed(3)
    @settings(PLAIN, max_examples=15)
    @given(worlds())
    def same(world: World) -> None:
        assert exports_of(memory, world) == exports_of(memory, permuted(world, 7))

    same()
