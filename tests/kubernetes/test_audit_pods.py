"""Faults 14 to 18: audits in real pods, workers that are killed, verdicts that are harmed, what a pod may.

Workers speak to the API as their service account. `forward.hold()` lets pods, and nobody else, wait for the object store.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes import client as k8s

from tests.kubernetes.pods import NAMESPACE, Pod
from tests.kubernetes.town import DAY, PATIENCE_SECONDS, Town, context, in_phase, saying, uids


def test_an_audit_in_a_pod_passes_by_its_verdict(town: Town) -> None:
    seen: list[Any] = []
    task = town.operator()
    finish = task.finish
    task.finish = lambda *arguments: (seen.append(town.pods.all()), finish(*arguments))[1]
    assert f"raw {DAY}: build {town.build_id} passed its audit" in task.execute(context())
    assert seen == [[]], "the pod is gone before the verdict is taken up"
    assert json.loads(town.verdict().read_text())["build_id"] == town.build_id


# -- 14, 15: which pod ------------------------------------------------------------------------------------------------


def test_14_a_killed_worker_s_pod_lives_on_and_the_retry_attaches_to_it(town: Town) -> None:
    running = town.abandoned_pod()
    with town.trying(number=2) as retry:
        town.until(lambda _: retry.is_attached)
        assert uids(town.pods.all()) == uids([running]), "it lives, alone"
        town.forward.release()
        assert retry.passed()
    assert retry.task.pod.metadata.uid == running["metadata"]["uid"]


def test_14_a_task_that_is_dispatched_twice_at_once_has_one_pod(town: Town) -> None:
    town.forward.hold()
    with town.trying() as one, town.trying() as other:
        running = town.until(in_phase("Running"))
        town.until(lambda _: one.is_attached and other.is_attached)
        assert uids(town.pods.all()) == uids([running])
        town.forward.release()
        # the pod is removed by whoever is first: the other has seen its end, or tries again
        ended = [attempt.answer.exception(PATIENCE_SECONDS) for attempt in (one, other)]
    assert None in ended
    assert all(error is None or "somebody has removed pod" in str(error) for error in ended)


def test_15_a_pod_that_ended_while_nobody_watched_is_adopted(town: Town) -> None:
    running = town.abandoned_pod()
    town.forward.release()
    town.until(in_phase("Succeeded"))
    task = town.operator()
    assert "passed its audit" in task.execute(context(number=2))
    assert task.pod.metadata.uid == running["metadata"]["uid"]


def test_15_of_two_that_match_and_one_of_an_older_attempt_the_right_one_is_taken(town: Town) -> None:
    running = town.abandoned_pod()
    twin, older = (_copy(running, name) for name in ("twin", "older"))
    older["metadata"]["labels"]["settlement/attempt"] = "2"
    for pod in (twin, older):
        town.pods.make(pod)
    with town.trying(number=2) as retry:
        town.until(lambda pods: uids(pods) == uids([running]))
        town.forward.release()
        assert retry.passed()


def _copy(pod: Pod, name: str) -> Pod:
    spec = {key: deepcopy(value) for key, value in pod["spec"].items() if key not in ("nodeName", "serviceAccount")}
    for container in spec["containers"]:
        container["resources"] = {"limits": {"cpu": "10m", "memory": "1Gi"}}  # the node has room for it
    labels = dict(pod["metadata"]["labels"])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": spec,
    }


# -- cleared, killed --------------------------------------------------------------------------------------------------


@pytest.mark.fault(14)
def test_a_worker_that_is_told_to_end_takes_its_pod_with_it(town: Town) -> None:
    town.forward.hold()
    worker = town.worker()
    town.until(in_phase("Running"))
    worker.send_signal(signal.SIGTERM)
    worker.wait(PATIENCE_SECONDS)
    town.until(lambda pods: pods == [])


@pytest.mark.fault(14)
def test_after_a_clear_the_old_pod_is_gone_before_a_new_one_is_made(town: Town) -> None:
    old = town.abandoned_pod(tries=3)
    with town.trying(number=4, tries=7) as cleared:
        new = town.until(lambda pods: [pod for pod in pods if uids([pod]) != uids([old])])
        assert uids(town.pods.all()) == uids(new)
        town.forward.release()
        assert cleared.passed()


# -- 16, 17: the verdict ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda _: None, "is missing or torn"),
        (lambda text: text[: len(text) // 2], "is missing or torn"),
        (lambda text: json.dumps({**json.loads(text), "files_hash": "0" * 64}), "is about other files"),
    ],
    ids=["lost", "truncated", "foreign"],
)
def test_16_exit_code_0_without_its_whole_own_verdict_is_no_success(
    town: Town, harm: Callable[[str], str | None], says: str
) -> None:
    task = town.operator()
    finish = task.finish

    def harmed(*arguments: Any) -> str:
        text = harm(town.verdict().read_text())
        town.verdict().unlink()
        if text is not None:
            town.verdict().write_text(text)
        return str(finish(*arguments))

    task.finish = harmed
    with pytest.raises(AirflowFailException, match=says):
        task.execute(context())


def test_16_a_pod_that_prints_a_verdict_and_ends_well_passes_nothing(town: Town) -> None:
    said = {"outcome": "passed", "sentence": "passed", "build_id": town.build_id, "passed": True}
    task = saying(town, f"echo '{json.dumps(said)}'")
    with pytest.raises(AirflowFailException, match="is missing or torn"):
        task.execute(context())


def test_16_a_verdict_of_before_doesn_t_pass_a_pod_that_failed(town: Town) -> None:
    assert "passed its audit" in town.operator().execute(context())
    assert town.verdict().exists()
    with pytest.raises(AirflowException, match="ended with code 9 and no answer"):
        saying(town, "exit 9").execute(context())


def test_17_a_log_that_is_lost_changes_no_verdict(town: Town) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        town.until(in_phase("Running"))
        for log in (town.cluster.state / "pod-logs").glob(f"{NAMESPACE}_*/base/*.log"):
            log.unlink()
        town.forward.release()
        assert attempt.passed()


def test_17_a_log_that_can_t_be_read_changes_no_verdict(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise k8s.ApiException(status=500, reason="the node's connection was lost")

    monkeypatch.setattr(k8s.CoreV1Api, "read_namespaced_pod_log", broken)
    assert "passed its audit" in town.operator().execute(context())


# -- 18: what a pod may -----------------------------------------------------------------------------------------------


def test_18_every_container_of_the_pod_is_restricted_also_one_that_a_policy_adds(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(pod: Any) -> None:
        image = pod.spec.containers[0].image
        helper = k8s.V1Container(name="helper", image=image, image_pull_policy="Never", command=["/bin/sh", "-c", "true"])
        pod.spec.init_containers = [helper]

    monkeypatch.setattr("airflow.providers.cncf.kubernetes.operators.pod.pod_mutation_hook", add)
    # the namespace enforces the standard: a pod with one container that isn't restricted would be refused
    assert "passed its audit" in town.operator().execute(context())


def test_18_the_namespace_refuses_what_isn_t_restricted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("settlement_airflow.operators.step_pod.restrict", _unrestricted)
    with pytest.raises(AirflowFailException, match=r"Kubernetes refuses pod [\s\S]*violates PodSecurity \"restricted"):
        town.operator().execute(context())


def _unrestricted(pod: Any) -> Any:
    pod.spec.containers[0].security_context = None
    return pod


def test_18_a_pod_is_nobody_writes_nothing_and_asks_kubernetes_nothing(town: Town) -> None:
    script = (
        'test "$(id -u)" != 0 || exit 11; '
        "touch /app/x /tmp/x 2>/dev/null && exit 12; "
        "test -e /var/run/secrets/kubernetes.io/serviceaccount/token && exit 13; "
        "grep -q 'CapEff:.*[1-9a-f]' /proc/self/status && exit 14; "
        "grep -q 'NoNewPrivs:.*1' /proc/self/status || exit 15; "
        "touch /scratch/x || exit 16; exit 7"
    )
    with pytest.raises(AirflowException, match="ended with code 7 and no answer"):
        saying(town, script).execute(context())
