"""The services for the tests of this folder, and what tests of a house need."""

from tests.integration.fixtures import *  # noqa: F403
from tests.services.fixtures import own_stack, services

__all__ = ["own_stack", "services"]
