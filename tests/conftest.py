"""How tests are shared out among workers: those of one server stay together, every other goes where there is room."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

_AIRFLOW = {"test_backfill": "days", "test_clearing": "days"}  # the others are of the second Airflow


_SERVERS = ("test_bucket", "test_database_down", "test_emr_steps", "test_ledger_postgres")  # a server for each file


def group_of(nodeid: str) -> str:
    """Tests of one group run on one worker, one after the other."""
    file, _, _ = nodeid.partition("::")
    folder, name = Path(file).parent.name, Path(file).stem
    if folder == "airflow":
        return f"airflow {_AIRFLOW.get(name, 'months')}"
    return name if name.startswith(_SERVERS) else nodeid


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest single tests begin first, so that nobody waits for them at the end."""
    items.sort(key=lambda item: "tests/properties" not in item.nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Called only when tests are distributed; `xdist_group` marks don't work with this pytest."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Groups(config, log)
