"""The hostile month as fixtures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from settlement.reports.render import render_month
from tests.unit.reports.month import CONTEXT, settled_month


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with settled_month() as connection:
        yield connection


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The month as it is, rendered once for the tests that only look at it."""
    folder = tmp_path_factory.mktemp("rendered") / "staging"
    with settled_month() as connection:
        render_month(connection, CONTEXT, folder)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "staging"
