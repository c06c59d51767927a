"""Fixtures of the tests that settle in a house."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from settlement.settings import settings
from tests.integration.house import House
from tests.integration.shelf import Shelf

__all__ = ["house_in", "one_thread", "shelf", "work"]

_MEMORY_DISK = Path("/dev/shm")
_ENOUGH = 512 << 20
_PREFIX = "settlement-tests-"


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of this worker in memory where there is room, else on disk: every test writes thousands of small files."""
    if os.access(_MEMORY_DISK, os.W_OK) and shutil.disk_usage(_MEMORY_DISK).free >= _ENOUGH:
        _remove_left_behind()
        folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_MEMORY_DISK))
    else:
        folder = tmp_path_factory.mktemp("work")
    yield folder
    shutil.rmtree(folder)


def _remove_left_behind() -> None:
    """Folders of workers that were killed: nobody else gives their memory back."""
    for folder in _MEMORY_DISK.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """One engine thread: the tables are tiny, and tests run side by side. A wide terminal: no line is broken."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SETTLEMENT_DUCKDB_THREADS", "1")
        patch.setenv("COLUMNS", "200")
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="session")
def shelf(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """The states that tests start from."""
    session = tmp_path_factory.getbasetemp()  # a worker's, below that of all, when there are many
    return Shelf(work, (session.parent if "PYTEST_XDIST_WORKER" in os.environ else session) / "states")


@pytest.fixture
def house_in(shelf: Shelf) -> Callable[[str], House]:
    """`house_in("days")`: a house in that state; a test takes one."""
    return shelf.house
