import pytest

from tests.faults.processes import Processes
from tests.integration.fixtures import *  # noqa: F403
from tests.integration.shelf import Shelf


@pytest.fixture(scope="session")
def processes(shelf: Shelf) -> Processes:
    """Where processes come from."""
    return Processes(shelf.house("almost"))
