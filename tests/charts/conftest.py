"""The renderings of the chart in each environment."""

from __future__ import annotations

import pytest

from tests.charts.rendering import ENVIRONMENTS, Manifest, manifests, rendered


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def text(environment: str) -> str:
    return rendered(environment)


@pytest.fixture
def objects(text: str) -> list[Manifest]:
    return manifests(text)
