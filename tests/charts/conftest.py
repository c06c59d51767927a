"""The renderings of the chart, each made once."""

from __future__ import annotations

from functools import cache

import pytest

from tests.charts.rendering import ENVIRONMENTS, Manifest, manifests, rendered

_rendered = cache(rendered)


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def text(environment: str) -> str:
    return _rendered(environment)


@pytest.fixture
def objects(text: str) -> list[Manifest]:
    return manifests(text)
