"""The services for the tests of this folder."""

from tests.services.fixtures import own_stack, services

__all__ = ["own_stack", "services"]
