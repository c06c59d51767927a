"""The settlement's errors in Airflow's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException

from settlement.errors import SettlementError


@contextmanager
def in_airflow_s_words() -> Iterator[None]:
    """An error of the settlement (a setting that is missing) fails the task for good: another try doesn't change it."""
    try:
        yield
    except SettlementError as error:
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error
