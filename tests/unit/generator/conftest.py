"""One landing for the tests that look at what was generated."""

from tests.unit.generator.generated import landing, options

__all__ = ["landing", "options"]
