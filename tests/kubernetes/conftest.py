"""One cluster for all tests of this folder, which run one after the other; it is stopped if they have started it."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import tests.dags.conftest  # noqa: F401  # a home of its own for Airflow, before anything imports it
from local.kubernetes.cluster import Cluster
from tests.integration.example import example
from tests.integration.fixtures import *  # noqa: F403
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf, lay_out
from tests.kubernetes.images import audit_image
from tests.kubernetes.town import Town, built_town, running_cluster, with_rights
from tests.services.fixtures import own_ports, services

__all__ = ["services"]
_LOG_SECONDS = 30.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Airflow and its providers warn of their own future; ours is what must be free of warnings."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="package")
def cluster() -> Iterator[Cluster]:
    """The cluster; other sessions of these tests wait."""
    with running_cluster() as found:
        yield found
    # Logs that a test has cut off are still waited for. Their connections end here, not as a warning in a test elsewhere.
    for reading in threading.enumerate():
        if reading.name.startswith("log of "):
            reading.join(_LOG_SECONDS)
    gc.collect()


@pytest.fixture(scope="package")
def namespace(cluster: Cluster) -> Cluster:
    """The cluster with the namespace, and in it the accounts and rights that the chart makes."""
    with_rights(cluster)
    return cluster


@pytest.fixture(scope="package")
def closed_house(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A closed month on a disk; made before any variable names a town's servers."""
    place = tmp_path_factory.mktemp("closed") / "house"
    copy_folder(shelf.house("closed").root, place)
    return House.at(place)


@pytest.fixture(scope="package")  # its variables are the whole process's, and tests elsewhere mustn't see them
def whole_town(
    namespace: Cluster,
    closed_house: House,  # noqa: ARG001  # it is first
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Town]:
    scratch = tmp_path_factory.mktemp("town")
    house = lay_out(example(), scratch / "house")
    with built_town(namespace, audit_image(namespace), house, scratch, own_ports()) as town:
        yield town


@pytest.fixture
def town(whole_town: Town) -> Iterator[Town]:
    """No pod and no verdict at the beginning; no pod at the end, or the test has failed."""
    whole_town.pods.remove()
    whole_town.verdict().unlink(missing_ok=True)
    yield whole_town
    for worker in whole_town.workers:
        worker.kill()  # one that a test has given up
        worker.wait()
    whole_town.workers.clear()
    whole_town.forward.release()
    left = [pod["metadata"]["name"] for pod in whole_town.pods.all()]
    whole_town.pods.remove()
    assert left == []
