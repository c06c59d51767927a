"""The browser, a service with an Airflow of the tests' own, and the fixtures of settled months."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.integration.api_server import Server, served
from tests.integration.fixtures import *  # noqa: F403
from tests.integration.house import House
from tests.page.people import built
from tests.unit.api.played_airflow import PASSWORD, PlayedAirflow, played

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = next((path for name in _NAMES if (path := shutil.which(name))), None)
    assert executable is not None, "no Chromium on this machine: run `make setup-browser`"
    expect.set_options(timeout=60_000)
    built()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def airflow() -> Iterator[PlayedAirflow]:
    with played() as server:
        yield server


@pytest.fixture(scope="module")
def server(house: House, airflow: PlayedAirflow, work: Path) -> Iterator[Server]:
    """The service over the house of the test's file."""
    (work / "password").write_text(PASSWORD)
    with served(house.warehouse, airflow_url=airflow.url, airflow_password_file=work / "password") as running:
        yield running
