"""The DAG that previews a month: what its form takes, and what its task asks for, as a process and as a pod."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, ParamValidationError

from settlement_airflow.operators.month_preview import MonthPreviewOperator, preview_params
from settlement_airflow.step_places import month_preview_task
from tests.dags import pods_play
from tests.dags.conftest import Fake
from tests.dags.pods_play import PlayedPods, ends, task_context

pods = pods_play.pods
ASKED = {"month": "2026-02"}
NAMED = "--run settlement_daily/manual__1 --partition 2026-02 --attempt=3"


def asking(params: dict[str, Any]) -> dict[str, Any]:
    """The context of a run that nobody but its form has given a month."""
    found = task_context()
    found["dag_run"].partition_key = None
    return {**found, "params": params}


def test_the_form_takes_a_month() -> None:
    assert preview_params()["month"].resolve("2026-02") == "2026-02"


@pytest.mark.parametrize("wrong", ["", "2026-2", "2026-13", "2026-02-01", "x2026-02", 202602])
def test_the_form_takes_nothing_else(wrong: object) -> None:
    with pytest.raises(ParamValidationError):
        preview_params()["month"].resolve(wrong)


def test_a_run_without_a_month_fails_at_once() -> None:
    with pytest.raises(AirflowFailException, match="it must be a day YYYY-MM-DD or a month YYYY-MM"):
        MonthPreviewOperator(task_id="preview").execute(asking({}))


def test_a_process_is_asked_for_the_month_by_the_attempt_and_who_asks(fake: Fake) -> None:
    folder = fake("open(sys.argv[0] + '-asked', 'a').write(' '.join(sys.argv[3:]))\nanswer({'sentence': 'it lies there'})")
    assert MonthPreviewOperator(task_id="preview").execute(asking(ASKED)) == "it lies there"
    assert (folder / "python-asked").read_text().startswith(f"month-preview {NAMED} --by=")


def test_a_preview_is_a_pod_only_while_it_is_asked_for(fake: Fake, pods: PlayedPods) -> None:
    folder = fake("open(sys.argv[0] + '-asked', 'a').write(' '.join(sys.argv[3:]))\nanswer({'sentence': 'it lies there'})")
    seen: list[Any] = []
    pods.becomes = lambda pod: (seen.append(deepcopy(pod)), ends()(pod))[0]
    task = month_preview_task()
    pods_play.on(task, pods)
    assert task.execute(asking(ASKED)) == "it lies there"
    (pod,) = seen
    assert pod.spec.containers[0].args[:6] == ["month-preview", *NAMED.split()]
    assert (folder / "python-asked").read_text() == f"month-previewed {NAMED}"
    assert pod.spec.service_account_name == "settlement-report"
    assert pod.metadata.labels["app.kubernetes.io/name"] == "settlement-preview"
    assert pods.pods == {}
