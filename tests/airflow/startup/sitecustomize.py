"""Loaded by every Python of the test's Airflow: a step can be held at a point, as if it took long there."""

import os
import sys

if "settlement.steps" in sys.orig_argv and "SETTLEMENT_TEST_ROOT" in os.environ:
    sys.path.append(os.environ["SETTLEMENT_TEST_ROOT"])
    from tests.airflow.holding import arrange

    arrange(sys.orig_argv)
