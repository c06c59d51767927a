"""A whole generated February of 3,000 plays: what DuckDB settled, Hive and Trino compute from the same pins.

Each stage is computed from DuckDB's builds of the stages before, so equal hashes of all stages are equal months. Trino does all
28 days and the month; Hive, which takes seconds a table, the first day, the last, and every stage of the month. All days but the
last are long.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from local.services.hive import beeline
from local.services.stack import Stack
from settlement.engines.evidence import Evidence
from settlement.engines.hive import HiveEngine
from settlement.engines.trino import TrinoEngine
from settlement.pipeline import MONTH_STAGES, days_of
from settlement.settings import reference_dir
from settlement.warehouse import Partition
from tests.integration.house import House, settlement
from tests.parity.ahead import Ahead
from tests.parity.lake import Lake
from tests.parity.month import Settled, on_hive, on_trino

MONTH, PLAYS = "2026-02", 3000
SQL_STAGES = ("ods", "daily")
HIVE_DAYS = ("2026-02-01", "2026-02-28")
# In Tez's local mode the sessions of a server share threads and plans: one at a time on Hive.
AT_ONCE = {"hive": 1, "trino": 2}
Part = tuple[str, Partition]


def parts(days: tuple[str, ...]) -> list[Part]:
    """Stages of the days, then those of the month."""
    return [(stage, Partition(day)) for day in days for stage in SQL_STAGES] + [
        (stage, Partition(MONTH, 1)) for stage in MONTH_STAGES
    ]


def named(part: Part) -> str:
    return f"{part[0]}-{part[1].key}"


ON_HIVE = parts(HIVE_DAYS)
ON_TRINO = parts(tuple(days_of(MONTH)))


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory, lake: Lake, hive: HiveEngine) -> Settled:
    house = House.at(tmp_path_factory.mktemp("february"))
    shutil.copytree(reference_dir(), house.reference)
    generated = settlement("generate", "--months", MONTH, "--plays", PLAYS, "--out", house.landing, "--seed", 1)
    assert generated.code == 0, generated.err
    answer = house.run(MONTH)
    assert answer.code == 0, answer.err
    found = Settled(house.context("parity"), lake)
    found.upload(hive)
    return found


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("computed")


@pytest.fixture(scope="module")
def jobs(
    settled: Settled,
    hive: HiveEngine,
    trino: TrinoEngine,
    request: pytest.FixtureRequest,
    computed: Path,
) -> Iterator[dict[str, Ahead[list[Evidence]]]]:
    """All parts that are asked for, begun on both engines."""
    run = {"hive": partial(on_hive, hive), "trino": partial(on_trino, trino)}
    ahead = {engine: Ahead[list[Evidence]](number) for engine, number in AT_ONCE.items()}
    for item in request.session.items:
        wanted = item.callspec.params if item.path == request.path and hasattr(item, "callspec") else {}
        if "part" in wanted:
            engine, part = wanted["engine"], wanted["part"]
            ahead[engine].begin(part, partial(run[engine], settled, settled.head(*part), computed / engine))
    yield ahead
    for one in ahead.values():
        one.close()


def parameters(engine: str, part: Part) -> pytest.ParameterSet:
    """Long are all days but the last, and Hive's dozen tables of `ods`, which their fixtures show."""
    stage, partition = part
    is_long = (stage in SQL_STAGES and partition.key != days_of(MONTH)[-1]) or (engine, stage) == ("hive", "ods")
    marks = pytest.mark.long if is_long else ()
    return pytest.param(engine, part, id=f"{engine}-{named(part)}", marks=marks)


@pytest.mark.parametrize(
    ("engine", "part"),
    [*(parameters("hive", part) for part in ON_HIVE), *(parameters("trino", part) for part in ON_TRINO)],
)
def test_a_stage_has_the_content_that_duckdb_gave_it(
    engine: str,
    part: Part,
    settled: Settled,
    jobs: dict[str, Ahead[list[Evidence]]],
    computed: Path,
    record_property: Callable[[str, object], None],
) -> None:
    evidence = jobs[engine].result(part)
    build = settled.head(*part)
    assert settled.hashes(build, computed / engine) == settled.hashes(build)
    queried = [table for table in settled.context.release.catalog.of_stage(part[0]) if table.select is not None]
    ids = [query_id for one in evidence for query_id in one.query_ids]
    assert {one.engine.split(" ")[0] for one in evidence} == {engine}
    assert len(set(ids)) >= len(queried)
    record_property("evidence", f"{evidence[0].engine}: {' '.join(ids)}")


def test_beeline_runs_the_script_as_it_stands(settled: Settled, services: Stack, tmp_path: Path) -> None:
    """As a step of a cluster does: one file, no Python in between."""
    build = settled.head("pools", Partition(MONTH, 1))
    script = settled.script(build, "beeline1")
    file = tmp_path / "pools.hql"
    file.write_text(script.text)
    run = subprocess.run([*beeline(services.services["hive"].port), "-f", file], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    settled.fetch(build, "beeline1", tmp_path / "found")
    assert settled.hashes(build, tmp_path / "found") == settled.hashes(build)
