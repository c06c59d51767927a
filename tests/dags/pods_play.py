"""Kubernetes' core API, played in this process: tests say themselves what becomes of a pod."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client as k8s
from kubernetes.client.exceptions import ApiException

from settlement.settings import settings
from settlement.settings_pods import pod_settings
from settlement_airflow.hooks.pod_spec import CONTAINER
from settlement_airflow.operators.audit_pod import AuditPodOperator
from tests.dags.conftest import context

IMAGE = "registry.test/settlement-audit@sha256:" + "0a" * 32
CANDIDATE = {"outcome": "sealed", "sentence": "ods: build b1", "build_id": "b1", "files_hash": "f" * 64}
_SETTINGS = {
    "SETTLEMENT_PROFILE": "services",
    "SETTLEMENT_WAREHOUSE": "s3://lake/warehouse",
    "SETTLEMENT_POD_IMAGE": IMAGE,
    "SETTLEMENT_POD_POLL_SECONDS": "0.01",
    "SETTLEMENT_POD_CONFIRM_SECONDS": "1",
    "SETTLEMENT_POD_LOST_SECONDS": "1",
}
Becoming = Callable[[Any], None]


@dataclass
class PlayedPods:
    """The pods of a namespace, and a hand in them.

    Attributes:
        becomes: what a pod that is made becomes at once.
        lingers: looks at a removed pod until it is gone; None: it never is.
        refusals: of the next requests.
    """

    becomes: Becoming = lambda _: None
    lingers: int | None = 1
    refusals: list[int] = field(default_factory=list)
    pods: dict[str, Any] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    # -- what the operator calls --------------------------------------------------------------------------------------

    def list_namespaced_pod(self, namespace: str, label_selector: str) -> Any:  # noqa: ARG002
        self._refuse()
        wanted = dict(part.split("=") for part in label_selector.split(","))
        return SimpleNamespace(items=[deepcopy(p) for p in self.pods.values() if wanted.items() <= p.metadata.labels.items()])

    def create_namespaced_pod(self, namespace: str, body: Any) -> Any:  # noqa: ARG002
        self._refuse()
        if body.metadata.name in self.pods:
            raise refusal(409)
        pod = self.there(deepcopy(body))
        self.made.append(pod.metadata.name)
        self.becomes(pod)
        return deepcopy(pod)

    def read_namespaced_pod(self, name: str, namespace: str, **_: Any) -> Any:  # noqa: ARG002
        self._refuse()
        pod = self.pods.get(name)
        if pod is None:
            raise refusal(404)
        if pod.metadata.deletion_timestamp is not None and self.lingers is not None:
            self.lingers -= 1
            if self.lingers < 0:
                self.lingers = 1
                del self.pods[name]
                raise refusal(404)
        return deepcopy(pod)

    def delete_namespaced_pod(self, name: str, namespace: str, body: Any, **_: Any) -> None:  # noqa: ARG002
        self._refuse()
        pod = self.pods.get(name)
        if pod is None or body.preconditions.uid != pod.metadata.uid:
            raise refusal(404 if pod is None else 409)
        pod.metadata.deletion_timestamp = datetime.now(UTC)
        self.removed.append(name)

    def list_namespaced_event(self, namespace: str, field_selector: str) -> Any:  # noqa: ARG002
        return SimpleNamespace(items=[SimpleNamespace(type="Warning", reason=r, message=m) for r, m in self.warnings])

    # -- what tests do ------------------------------------------------------------------------------------------------

    def there(self, pod: Any) -> Any:
        """Put a pod into the namespace, waiting for a node."""
        number = next(self._numbers)
        pod.metadata.uid = f"uid-{number}"
        pod.metadata.creation_timestamp = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=number)
        pod.status = k8s.V1PodStatus(phase="Pending", conditions=[], container_statuses=[])
        self.pods[pod.metadata.name] = pod
        return pod

    def _refuse(self) -> None:
        if self.refusals:
            raise refusal(self.refusals.pop(0))


def refusal(status: int, message: str = "played") -> ApiException:
    error = ApiException(status=status, reason="played")
    error.body = json.dumps({"message": message})
    return error


def runs(pod: Any) -> None:
    pod.status.phase = "Running"
    pod.status.container_statuses = [_container(k8s.V1ContainerState(running=k8s.V1ContainerStateRunning()))]


def ends(code: int = 0, reason: str | None = None, message: str | None = None) -> Becoming:
    """A pod whose step has ended."""

    def become(pod: Any) -> None:
        pod.status.phase = "Succeeded" if code == 0 else "Failed"
        ended = k8s.V1ContainerStateTerminated(exit_code=code, reason=reason, message=message)
        pod.status.container_statuses = [_container(k8s.V1ContainerState(terminated=ended))]

    return become


def waits(reason: str, message: str = "") -> Becoming:
    """A pod whose container can't start."""

    def become(pod: Any) -> None:
        waiting = k8s.V1ContainerStateWaiting(reason=reason, message=message)
        pod.status.container_statuses = [_container(k8s.V1ContainerState(waiting=waiting))]

    return become


def has_no_node(message: str) -> Becoming:
    def become(pod: Any) -> None:
        condition = k8s.V1PodCondition(type="PodScheduled", status="False", reason="Unschedulable", message=message)
        pod.status.conditions = [condition]

    return become


def evicted(pod: Any) -> None:
    pod.status.phase, pod.status.reason, pod.status.message = "Failed", "Evicted", "the node was low on memory"


def _container(state: Any) -> Any:
    return k8s.V1ContainerStatus(name=CONTAINER, image=IMAGE, image_id="", ready=False, restart_count=0, state=state)


def operator(pods: PlayedPods, **others: Any) -> AuditPodOperator:
    """The audit of a stage, on the played API."""
    task = AuditPodOperator(task_id="audit", stage="ods", **others)
    on(task, pods)
    return task


def on(task: Any, pods: PlayedPods) -> None:
    """Let a task speak to the played API."""
    task.__dict__["client"] = pods  # where the provider keeps it
    task.__dict__["hook"] = SimpleNamespace(is_in_cluster=False)


def task_context(tries: int = 3, number: int = 1) -> dict[str, Any]:
    """A try of the task: clearing it raises `tries`, retrying it raises `number`."""
    pushed: dict[str, Any] = {}
    ti = SimpleNamespace(
        dag_id="settlement_daily",
        task_id="ods.audit",
        map_index=-1,
        try_number=number,
        max_tries=tries,
        xcom_push=lambda key, value: pushed.update({key: value}),
        pushed=pushed,
    )
    return {**context(), "ti": ti, "run_id": "manual__1", "dag": SimpleNamespace()}


@pytest.fixture
def pods(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedPods]:
    for name, value in _SETTINGS.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    pod_settings.cache_clear()
    yield PlayedPods()
    settings.cache_clear()
    pod_settings.cache_clear()
