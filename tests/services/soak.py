"""A whole month by Airflow on the services of this machine: `make soak`, about an hour.

Every day's stages and the month's are EMR steps that Hive runs; `make test-long` does the same with three days.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from local.airflow import free_port
from local.house import airflow_of
from local.month import settle
from local.on_services import landed_on_services, published
from tests.integration.house import settlement, tree

MONTH = "2026-02"


def test_a_month_on_the_services_is_the_month_of_one_process(tmp_path: Path) -> None:
    work = tmp_path / "soak"
    made = settlement("generate", "--months", MONTH, "--plays", 3000, "--out", work / "landing")
    assert made.code == 0, made.err
    alone = tmp_path / "in-one-process"
    options = ("--landing", work / "landing", "--warehouse", alone, "--months", MONTH)
    assert settlement("run", *options, "--requested-by", "Ann", "--approved-by", "Bea").code == 0
    with landed_on_services(work) as settings:
        airflow = airflow_of(work, settings, free_port())
        try:
            airflow.up()
            settle(airflow, work / "landing", MONTH, "approver", Console(quiet=True))
        finally:
            airflow.down()
        assert tree(published(work, MONTH)) == tree(alone / "published" / f"month={MONTH}")
