"""Faults with real processes: killed at one exact call, two at once, a disk that fills up."""

import pytest

pytest.register_assert_rewrite("tests.faults.racing")
