"""Faults 14 to 19: audits in real pods, workers that are killed, verdicts that are harmed, pods that don't start.

Workers speak to the API as their service account. `forward.hold()` lets pods, and nobody else, wait for the object store.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from copy import deepcopy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes import client as k8s

from tests.kubernetes.town import DAY, NAMESPACE, Town, context

PATIENCE_SECONDS = 300


def until(found: Callable[[], Any]) -> Any:
    """Wait for something that comes soon, or not at all."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (answer := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)
    return answer


def in_phase(town: Town, *phases: str) -> Callable[[], Any]:
    return lambda: next((pod for pod in town.pods() if pod["status"]["phase"] in phases), None)


def passed(attempt: Future[str]) -> bool:
    return "passed its audit" in attempt.result(PATIENCE_SECONDS)


def uid(pod: Any) -> str:
    return str(pod["metadata"]["uid"])


def test_an_audit_in_a_pod_passes_by_its_verdict(town: Town) -> None:
    seen: list[Any] = []
    task = town.operator()
    finish = task.finish
    task.finish = lambda *arguments: (seen.append(town.pods()), finish(*arguments))[1]
    assert f"raw {DAY}: build {town.build_id} passed its audit" in task.execute(context())
    assert seen == [[]], "the pod is gone before the verdict is taken up"
    assert json.loads(town.verdict().read_text())["build_id"] == town.build_id


# -- 14, 15: which pod ------------------------------------------------------------------------------------------------


def test_14_a_killed_worker_s_pod_lives_on_and_the_retry_attaches_to_it(town: Town) -> None:
    town.forward.hold()
    worker = town.worker()
    running = until(in_phase(town, "Running"))
    worker.kill()
    worker.wait()
    with town.trying(number=2) as retry:
        time.sleep(1)
        assert [uid(pod) for pod in town.pods()] == [uid(running)], "it lives, alone"
        town.forward.release()
        assert passed(retry)


def test_14_a_task_that_is_dispatched_twice_at_once_has_one_pod(town: Town) -> None:
    town.forward.hold()
    with town.trying() as one, town.trying() as other:
        running = until(in_phase(town, "Running"))
        time.sleep(2)
        assert [uid(pod) for pod in town.pods()] == [uid(running)]
        town.forward.release()
        # the pod is removed by whoever is first: the other has seen its end, or tries again
        ended = [attempt.exception(PATIENCE_SECONDS) for attempt in (one, other)]
    assert None in ended
    assert all(error is None or "somebody has removed pod" in str(error) for error in ended)


def test_15_a_pod_that_ended_while_nobody_watched_is_adopted(town: Town) -> None:
    town.forward.hold()
    worker = town.worker()
    until(in_phase(town, "Running"))
    worker.kill()
    worker.wait()
    town.forward.release()
    ended = until(in_phase(town, "Succeeded"))
    task = town.operator()
    assert "passed its audit" in task.execute(context(number=2))
    assert task.pod.metadata.uid == uid(ended)


def test_15_of_two_that_match_and_one_of_an_older_attempt_the_right_one_is_taken(town: Town) -> None:
    town.forward.hold()
    worker = town.worker()
    running = until(in_phase(town, "Running"))
    worker.kill()
    worker.wait()
    twin, older = (_copy(running, name) for name in ("twin", "older"))
    older["metadata"]["labels"]["settlement/attempt"] = "2"
    for pod in (twin, older):
        town.apply(pod)
    with town.trying(number=2) as retry:
        until(lambda: [uid(pod) for pod in town.pods()] == [uid(running)])
        town.forward.release()
        assert passed(retry)


def _copy(pod: dict[str, Any], name: str) -> dict[str, Any]:
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
    until(in_phase(town, "Running"))
    worker.send_signal(signal.SIGTERM)
    worker.wait(PATIENCE_SECONDS)
    until(lambda: town.pods() == [])


@pytest.mark.fault(14)
def test_after_a_clear_the_old_pod_is_gone_before_a_new_one_is_made(town: Town) -> None:
    town.forward.hold()
    worker = town.worker(tries=3)
    old = until(in_phase(town, "Running"))
    worker.kill()
    worker.wait()
    with town.trying(number=4, tries=7) as cleared:
        new = until(lambda: next((pod for pod in town.pods() if uid(pod) != uid(old)), None))
        assert [uid(pod) for pod in town.pods()] == [uid(new)]
        town.forward.release()
        assert passed(cleared)


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
    task = _saying(town, f"echo '{json.dumps(said)}'")
    with pytest.raises(AirflowFailException, match="is missing or torn"):
        task.execute(context())


def test_16_a_verdict_of_before_doesn_t_pass_a_pod_that_failed(town: Town) -> None:
    assert "passed its audit" in town.operator().execute(context())
    assert town.verdict().exists()
    with pytest.raises(AirflowException, match="ended with code 9 and no answer"):
        _saying(town, "exit 9").execute(context())


def _saying(town: Town, script: str) -> Any:
    """The task with a pod that runs a script in place of the audit."""
    task = town.operator()
    task.cmds = ["/bin/sh", "-c", script, "--"]
    return task


def test_17_a_log_that_is_lost_changes_no_verdict(town: Town) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        until(in_phase(town, "Running"))
        for log in (town.cluster.state / "pod-logs").glob(f"{NAMESPACE}_*/base/*.log"):
            log.unlink()
        town.forward.release()
        assert passed(attempt)


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
        _saying(town, script).execute(context())


# -- 19: pods that don't start or don't end well ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"node_selector": "pool=none"}, r"no node takes pod settlement/audit-.*(didn't|did not) match.*\n  → wait for a node"),
        ({"cpu": "64", "start_seconds": "2"}, r"no node takes pod .*Insufficient cpu"),
        ({"image": "localhost/not-there:1"}, r"can't have its image localhost/not-there:1: ErrImageNeverPull"),
        (
            {"image": "localhost/not-there:1", "pull_policy": "IfNotPresent"},
            r"can't have its image .*(ErrImagePull|ImagePullBackOff)",
        ),
        ({"secret": "not-there"}, r'can\'t be made: secret "not-there" not found'),
        ({"service_account": "not-there"}, r"Kubernetes refuses pod .*serviceaccount \"not-there\" not found"),
    ],
    ids=["no such node", "too large", "image not there", "image can't be fetched", "no secret", "no service account"],
)
def test_19_a_pod_that_doesn_t_start_is_explained_and_leaves_nothing(town: Town, settings: dict[str, str], says: str) -> None:
    task = town.operator(**{"start_seconds": "8", **settings})
    with pytest.raises(AirflowException, match=says):
        task.execute(context())
    assert town.pods() == []


@pytest.mark.fault(19)
def test_a_pod_without_memory_says_so(town: Town) -> None:
    with pytest.raises(AirflowException, match=r"needed more memory than its 48Mi[\s\S]*→ raise SETTLEMENT_POD_MEMORY"):
        town.operator(memory="48Mi").execute(context())


@pytest.mark.fault(19)
def test_a_pod_that_takes_too_long_is_ended_and_says_so(town: Town) -> None:
    town.forward.hold()
    task = town.operator(run_seconds="5")
    # the worker's own steps don't pass through the forward
    with pytest.raises(AirflowException, match=r"ran longer than it may[\s\S]*→ raise SETTLEMENT_POD_RUN_SECONDS"):
        task.execute(context())


@pytest.mark.fault(14)
def test_an_api_server_that_restarts_in_the_middle_disturbs_nobody(town: Town) -> None:
    town.forward.hold()
    with town.trying() as attempt:
        running = until(in_phase(town, "Running"))
        town.cluster.stop("kube-apiserver")
        time.sleep(2)
        town.cluster.start("kube-apiserver")
        assert [uid(pod) for pod in town.pods()] == [uid(running)]
        town.forward.release()
        assert passed(attempt)
