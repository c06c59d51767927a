"""Whole runs of the settlement command on small landings, right and wrong."""

import pytest

pytest.register_assert_rewrite("tests.integration.bad", "tests.integration.house", "tests.integration.shelf")
