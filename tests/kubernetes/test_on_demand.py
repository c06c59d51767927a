"""Reports and previews on request in real pods: the same files as by a process, and no pod before or after."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from local.kubernetes.cluster import Cluster
from settlement.storage import location
from tests.integration.buckets import BucketHouse, files_below
from tests.integration.databases import moved
from tests.integration.example import MONTH, NEXT
from tests.integration.house import House, Tree
from tests.kubernetes.images import audit_image
from tests.kubernetes.town import Town, built_town, context
from tests.services.fixtures import own_ports

REPORT = {"partner": 1, "first_month": MONTH, "last_month": MONTH, "format": "pdf"}


@pytest.fixture(scope="module")
def closed(namespace: Cluster, closed_house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A closed month in a bucket, its ledger in a database."""
    image, scratch = audit_image(namespace), tmp_path_factory.mktemp("on-demand")
    with built_town(namespace, image, closed_house, scratch, own_ports(), moved_in, "settlement-on-demand") as town:
        yield town


def moved_in(house: House) -> str:
    BucketHouse.of(house, "pods")
    moved(house, os.environ["SETTLEMENT_LEDGER_URL"])
    return ""


def on_demand() -> Tree:
    """Everything that was written on demand."""
    return files_below(f"{os.environ['SETTLEMENT_WAREHOUSE']}/on_demand")


def asking(params: dict[str, Any], dag: str) -> dict[str, Any]:
    found = context(tries=0)
    found["dag_run"].dag_id, found["dag_run"].partition_key = dag, None
    return {**found, "params": params}


def done_by_a_process(operator: Any, asked: dict[str, Any]) -> tuple[str, Tree]:
    """What a process of the worker says and writes; it is removed again."""
    said = operator.execute(asked)
    written = on_demand()
    location(os.environ["SETTLEMENT_WAREHOUSE"]).joinpath("on_demand").rmdir(recursive=True)
    assert on_demand() == {}
    return said, written


def test_a_partner_s_report_of_a_pod_is_that_of_a_process(closed: Town) -> None:
    from settlement_airflow.operators.partner_report import PartnerReportOperator
    from settlement_airflow.operators.partner_report_pod import PartnerReportPodOperator

    asked = asking(REPORT, "partner_report")
    by_process = done_by_a_process(PartnerReportOperator(task_id="report"), asked)
    assert closed.pods.all() == []
    task = closed.made(lambda: PartnerReportPodOperator(task_id="report"))
    assert (task.execute(asked), on_demand()) == by_process
    assert [name.rpartition("/")[2] for name in by_process[1]] == ["_SUCCESS", "manifest.json", "statement.pdf"]
    assert closed.pods.all() == []


@pytest.mark.long  # every day of the month is computed anew, by process and by pod
def test_a_preview_of_a_pod_is_that_of_a_process(closed: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the reference rows of the package, which are the image's; a worker may have others."""
    from settlement_airflow.operators.month_preview import MonthPreviewOperator
    from settlement_airflow.operators.month_preview_pod import MonthPreviewPodOperator

    monkeypatch.delenv("SETTLEMENT_REFERENCE")
    asked = asking({"month": MONTH}, "month_preview")
    said, written = done_by_a_process(MonthPreviewOperator(task_id="preview"), asked)
    task = closed.made(lambda: MonthPreviewPodOperator(task_id="preview"))
    assert task.execute(asked) == said
    assert "nothing was published" in said
    assert on_demand() == written
    assert closed.pods.all() == []


def test_what_a_step_in_a_pod_refuses_is_the_task_s_message_and_leaves_no_pod(closed: Town) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from settlement_airflow.operators.month_preview_pod import MonthPreviewPodOperator

    task = closed.made(lambda: MonthPreviewPodOperator(task_id="preview"))
    with pytest.raises(AirflowFailException, match=f"no day of {NEXT} has been ingested"):
        task.execute(asking({"month": NEXT}, "month_preview"))
    assert closed.pods.all() == []
