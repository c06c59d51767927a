"""How tests are shared out among workers: those of one server stay together, every other goes where there is room."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

_LONG = ("images",)  # folders whose tests are all for `make test-long`
_AIRFLOW = {"test_backfill": "days", "test_clearing": "days"}  # the others are of the second Airflow
# What stands ready for a whole folder, or for each of its files, takes longer than a test.
_FOLDERS = ("charts", "kubernetes", "page", "services")
_FOLDERS_BY_FILE = ("generator", "reports")
_FILES = (
    "test_api", "test_bucket", "test_chain", "test_database_down", "test_emr_steps", "test_encrypted_writes", "test_ledger_postgres",
    "test_posting", "test_steps_approval", "test_totals",
)  # fmt: skip


def group_of(nodeid: str) -> str:
    """Tests of one group run on one worker, one after the other."""
    file, _, _ = nodeid.partition("::")
    folder, name = Path(file).parent.name, Path(file).stem
    if folder == "parity":
        return "services"  # they share Hive, where one works at a time
    if folder == "airflow":
        return f"airflow {_AIRFLOW.get(name, 'months')}"
    if folder in _FOLDERS:
        return folder
    return file if folder in _FOLDERS_BY_FILE or name.startswith(_FILES) else nodeid


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", default="", help="only the tests of these faults of docs/reliability.md: 1,2,22")
    parser.addoption("--renew", action="store_true", help="write the kept renderings of tests/charts anew")


def faults_of(item: pytest.Item) -> set[int]:
    """The faults that a test shows: by its name, `test_22_…`, or its marks."""
    named = re.match(r"test_(\d+)_", item.name)
    marked = {int(number) for mark in item.iter_markers("fault") for number in mark.args}
    return marked | ({int(named[1])} if named else set())


@pytest.hookimpl(tryfirst=True)  # before pytest looks at marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest single tests begin first, so that nobody waits for them at the end."""
    for item in items:
        if item.path.parent.name in _LONG:
            item.add_marker("long")
    items.sort(key=lambda item: "tests/properties" not in item.nodeid)
    wanted = {int(number) for number in config.getoption("--faults").split(",") if number}
    if wanted:
        left_out = [item for item in items if not wanted & faults_of(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Called only when tests are distributed; `xdist_group` marks don't work with this pytest."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)
