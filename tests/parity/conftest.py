"""The servers of the parity tests: an object store, Hive and Trino of this machine."""

from __future__ import annotations

import secrets

import pytest

from local.services.s3 import BUCKETS, S3
from local.services.service import HOST
from local.services.stack import Stack
from settlement.engines.hive import HiveEngine
from settlement.engines.places import Places
from settlement.engines.trino import TrinoEngine
from tests.parity.lake import Lake
from tests.services.fixtures import services

__all__ = ["services"]


@pytest.fixture(scope="session")
def lake(services: Stack) -> Lake:  # the fixture
    """A prefix and a database of their own."""
    name = f"parity_{secrets.token_hex(4)}"
    s3 = services.of(S3)
    return Lake(Places(name, f"s3://{BUCKETS[0]}/{name}"), s3.client())


@pytest.fixture(scope="session")
def hive(services: Stack) -> HiveEngine:
    return HiveEngine(HOST, services.services["hive"].port)


@pytest.fixture(scope="session")
def trino(services: Stack) -> TrinoEngine:
    return TrinoEngine(HOST, services.services["trino"].port)
