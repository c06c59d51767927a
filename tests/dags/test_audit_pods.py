"""The audit in a pod: how the pod looks, which pod is the task's, and that nothing but the verdict passes a candidate."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes import client as k8s

from settlement.settings_pods import pod_settings
from tests.dags import pods_play
from tests.dags.conftest import PATIENCE_SECONDS, Fake, until
from tests.dags.pods_play import CANDIDATE, IMAGE, PlayedPods, ends, operator, task_context

pods = pods_play.pods
SECRET = "postgresql://settlement:hunter2@db/ledger"
PASSED = {"outcome": "passed", "sentence": "ods 2026-02-28: build b1 passed its audit"}
LOST = {"error": "AuditFailed", "message": "the verdict is missing or torn", "hint": "run the audit again", "transient": False}


def steps(fake: Fake, verdict: dict[str, Any] | None = None, candidate: dict[str, Any] | None = None) -> Any:
    """What the steps of the worker answer; returns a function that tells which were asked for."""
    answers = {"candidate": [candidate or CANDIDATE, 0], "verdict": [verdict or PASSED, 1 if verdict == LOST else 0]}
    folder = fake(
        "open(sys.argv[0] + '-asked', 'a').write(' '.join(sys.argv[3:]) + '\\n')\n"
        f"what, code = json.loads({json.dumps(json.dumps(answers))})[sys.argv[3]]\n"
        "answer(what, code)"
    )
    return lambda: (folder / "python-asked").read_text().splitlines()


def left(pods: PlayedPods, becoming: Any, tries: int = 3, **labels: str) -> Any:
    """A pod that another try has made and left."""
    elsewhere = PlayedPods()
    task = operator(elsewhere)
    work = task.prepare(task_context(tries))
    task.name, task.labels, task.arguments = str(work.name), work.name.labels, list(work.arguments)
    pod = pods.there(task.build_pod_request_obj(task_context(tries)))
    pod.metadata.labels.update({name.replace("__", "/").replace("_", "-"): value for name, value in labels.items()})
    becoming(pod)
    return pod


def test_it_passes_on_the_verdict_and_leaves_no_pod(fake: Fake, pods: PlayedPods) -> None:
    asked = steps(fake)
    pods.becomes = ends()
    context = task_context()
    assert operator(pods).execute(context) == PASSED["sentence"]
    named = "--run settlement_daily/manual__1 --partition 2026-02-28 --stage ods"
    assert asked() == [f"candidate {named}", f"verdict {named} --build b1"]
    (made,) = pods.made
    assert (made[:21], pods.removed, pods.pods) == ("audit-ods-2026-02-28-", [made], {})
    assert context["ti"].pushed == {"pod_name": made, "pod_namespace": "settlement"}


def test_a_pod_is_restricted_bounded_labelled_and_knows_no_secret(
    fake: Fake, pods: PlayedPods, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"SETTLEMENT_LEDGER_URL": SECRET, "SETTLEMENT_SENTRY_DSN": "https://key@x/1", "AWS_SECRET_ACCESS_KEY": "hunter2"}
    chosen = {"NODE_SELECTOR": "pool=audits", "TOLERATIONS": "spot=yes:NoSchedule,gone:NoExecute", "MEMORY": "2Gi", "CPU": "500m"}
    for name, value in (*said.items(), *((f"SETTLEMENT_POD_{key}", value) for key, value in chosen.items())):
        monkeypatch.setenv(name, value)
    pod_settings.cache_clear()
    steps(fake)
    seen: list[Any] = []
    pods.becomes = lambda pod: (seen.append(deepcopy(pod)), ends()(pod))[0]
    operator(pods).execute(task_context(number=2))
    (pod,) = seen
    spec, (container,), labels = pod.spec, pod.spec.containers, pod.metadata.labels
    assert (container.image, container.command[-1], container.args[0]) == (IMAGE, "settlement.steps", "audit")
    assert container.resources.requests == container.resources.limits
    assert container.resources.limits == {"cpu": "500m", "memory": "2Gi", "ephemeral-storage": "8Gi"}
    assert (spec.service_account_name, spec.automount_service_account_token) == ("settlement-audit", False)
    assert (spec.node_selector, spec.restart_policy, spec.active_deadline_seconds) == ({"pool": "audits"}, "Never", 3600)
    assert [(t.key, t.operator, t.value, t.effect) for t in spec.tolerations] == [
        ("spot", "Equal", "yes", "NoSchedule"),
        ("gone", "Exists", None, "NoExecute"),
    ]
    assert (
        labels.items()
        >= {
            "dag_id": "settlement_daily",
            "task_id": "ods.audit",
            "run_id": "manual__1",
            "try_number": "2",
            "settlement/attempt": "3",
            "settlement/build": "b1",
            "settlement/files-hash": "f" * 40,
            "app.kubernetes.io/name": "settlement-audit",
        }.items()
    )
    assert pod.metadata.annotations == {"settlement/files-hash": "f" * 64}
    environment = {one.name: one.value for one in container.env}
    assert environment["SETTLEMENT_WAREHOUSE"] == "s3://lake/warehouse"
    assert environment["SETTLEMENT_DUCKDB_MEMORY"] == "1228MiB"
    assert container.env_from[0].secret_ref.name == "settlement-audit"
    assert "hunter2" not in str(pod)
    assert "key@x" not in str(pod)
    assert all(is_restricted(one) for one in spec.containers)


def is_restricted(container: Any) -> bool:
    said = container.security_context
    return (
        said.run_as_non_root is True
        and said.allow_privilege_escalation is False
        and said.read_only_root_filesystem is True
        and said.capabilities.drop == ["ALL"]
        and said.seccomp_profile.type == "RuntimeDefault"
    )


def test_containers_that_a_policy_adds_are_restricted_too(pods: PlayedPods, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(pod: Any) -> None:
        pod.spec.containers.append(k8s.V1Container(name="proxy", image="proxy:1"))
        pod.spec.init_containers = [k8s.V1Container(name="certificates", image="ca:1")]

    monkeypatch.setattr("airflow.providers.cncf.kubernetes.operators.pod.pod_mutation_hook", add)
    spec = operator(pods).build_pod_request_obj(task_context()).spec
    assert [one.name for one in (*spec.containers, *spec.init_containers)] == ["base", "proxy", "certificates"]
    assert all(is_restricted(one) for one in (*spec.containers, *spec.init_containers))


def test_exit_code_0_without_its_verdict_is_no_success(fake: Fake, pods: PlayedPods) -> None:
    steps(fake, verdict=LOST)
    pods.becomes = ends()
    with pytest.raises(AirflowFailException, match="the verdict is missing or torn"):
        operator(pods).execute(task_context())
    assert pods.pods == {}


def test_a_pod_that_failed_is_no_success_whatever_verdict_lies_there(fake: Fake, pods: PlayedPods) -> None:
    asked = steps(fake)
    pods.becomes = ends(137, "OOMKilled")
    with pytest.raises(AirflowException, match=r"needed more memory than its 4Gi[\s\S]*→ raise SETTLEMENT_POD_MEMORY"):
        operator(pods).execute(task_context())
    assert [line.split()[0] for line in asked()] == ["candidate"]
    assert pods.pods == {}


@pytest.mark.parametrize(("transient", "kind"), [(True, AirflowException), (False, AirflowFailException)])
def test_what_the_step_says_of_its_failure_is_the_task_s_message(
    fake: Fake, pods: PlayedPods, transient: bool, kind: type[Exception]
) -> None:
    steps(fake)
    answer = {"error": "LedgerUnavailable", "message": "the ledger is gone", "hint": "wait", "transient": transient}
    pods.becomes = ends(1, "Error", f"a line of the log\n{json.dumps(answer)}\n")
    with pytest.raises(AirflowException) as raised:
        operator(pods).execute(task_context())
    assert type(raised.value) is kind
    assert str(raised.value) == "LedgerUnavailable: the ledger is gone\n  → wait"


def test_half_an_answer_is_none(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    pods.becomes = ends(1, "Error", '{"error": "AuditFailed", "mess')
    with pytest.raises(AirflowException, match="ended with code 1 and no answer"):
        operator(pods).execute(task_context())


def test_what_is_published_already_needs_no_pod(fake: Fake, pods: PlayedPods) -> None:
    steps(fake, candidate={"outcome": "unchanged", "sentence": "already published by x"})
    assert operator(pods).execute(task_context()) == "already published by x"
    assert pods.made == []


def test_a_retry_attaches_to_the_pod_that_runs(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    pod = left(pods, pods_play.runs)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(operator(pods).execute, task_context(number=2))
        ends()(pod)
        assert waiting.result(PATIENCE_SECONDS) == PASSED["sentence"]
    assert pods.made == []


def test_a_pod_that_ended_well_while_nobody_watched_is_adopted(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    left(pods, ends())
    assert operator(pods).execute(task_context(number=2)) == PASSED["sentence"]
    assert pods.made == []


@pytest.mark.parametrize(
    "labels", [{"settlement__build": "b0"}, {"settlement__files_hash": "e" * 40}, {"settlement__work": "x"}, {"tries": 2}]
)
def test_a_pod_of_another_build_or_attempt_is_gone_before_a_new_one_is_made(
    fake: Fake, pods: PlayedPods, labels: dict[str, Any]
) -> None:
    steps(fake)
    old = left(pods, pods_play.runs, **labels)
    pods.becomes = lambda pod: (ends()(pod), gone.append(old.metadata.uid not in {p.metadata.uid for p in pods.pods.values()}))[0]
    gone: list[bool] = []
    assert operator(pods).execute(task_context()) == PASSED["sentence"]
    assert gone == [True]
    assert pods.removed[0] == old.metadata.name


def test_a_failed_pod_is_removed_and_the_work_done_again(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    left(pods, ends(1))
    pods.becomes = ends()
    assert operator(pods).execute(task_context(number=2)) == PASSED["sentence"]
    assert len(pods.made) == 1


@pytest.mark.parametrize("first", [pods_play.runs, ends(1)], ids=["both run", "one has failed"])
def test_of_two_that_match_one_is_taken_and_the_other_removed(fake: Fake, pods: PlayedPods, first: Any) -> None:
    steps(fake)
    one = left(pods, first)
    other = deepcopy(one)
    other.metadata.name += "-again"
    pods.there(other)
    pods_play.runs(other)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(operator(pods).execute, task_context(number=2))
        until(lambda: len(pods.removed) == 1)
        ends()(one if first is pods_play.runs else other)
        assert waiting.result(PATIENCE_SECONDS) == PASSED["sentence"]
    assert pods.made == []
    assert pods.removed[0] == (other if first is pods_play.runs else one).metadata.name


def test_an_older_attempt_that_wakes_up_late_touches_nothing(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    left(pods, pods_play.runs, tries=7)
    with pytest.raises(AirflowFailException, match="overtaken by a newer attempt"):
        operator(pods).execute(task_context(tries=3))
    assert (pods.made, pods.removed) == ([], [])


def test_a_kill_removes_the_pod_and_sees_it_gone(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    pods.becomes = pods_play.runs
    task = operator(pods)
    task.on_kill()  # nothing was started yet
    task._killed = False
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(task.execute, task_context())
        until(lambda: task.pod is not None)
        task.on_kill()
        assert pods.pods == {}
        with pytest.raises(AirflowException, match="somebody has removed pod"):
            waiting.result(PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("becoming", "sentence", "kind"),
    [
        (
            pods_play.has_no_node("0/3 nodes are available: 3 Insufficient cpu."),
            "no node takes pod settlement/audit-",
            AirflowException,
        ),
        (
            pods_play.waits("ImagePullBackOff", "not found"),
            "can't have its image registry.test/.*ImagePullBackOff",
            AirflowException,
        ),
        (pods_play.waits("ErrImageNeverPull"), "can't have its image", AirflowFailException),
        (
            pods_play.waits("CreateContainerConfigError", 'secret "settlement-audit" not found'),
            "can't be made: secret",
            AirflowException,
        ),
        (pods_play.waits("ContainerCreating"), "hasn't started: ContainerCreating", AirflowException),
    ],
)
def test_why_a_pod_doesn_t_start_is_said_in_a_sentence_and_no_pod_is_left(
    fake: Fake,
    pods: PlayedPods,
    monkeypatch: pytest.MonkeyPatch,
    becoming: Any,
    sentence: str,
    kind: type[Exception],
) -> None:
    monkeypatch.setenv("SETTLEMENT_POD_START_SECONDS", "0.05")
    pod_settings.cache_clear()
    steps(fake)
    pods.becomes = becoming
    pods.warnings = [("FailedScheduling", "a message\n of two lines")]
    with pytest.raises(AirflowException, match=sentence) as raised:
        operator(pods).execute(task_context())
    assert type(raised.value) is kind
    first, second = str(raised.value).splitlines()
    assert "(events: FailedScheduling: a message of two lines)" in first
    assert second.startswith("  → ")
    assert pods.pods == {}


def test_an_evicted_pod_is_told_apart_from_a_failed_audit(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    pods.becomes = pods_play.evicted
    with pytest.raises(AirflowException, match="was ended by its node: Evicted: the node was low on memory"):
        operator(pods).execute(task_context())


def test_an_api_that_is_away_for_a_moment_is_asked_again(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    pods.becomes = ends()
    pods.refusals = [503, 429, 500]
    assert operator(pods).execute(task_context()) == PASSED["sentence"]
    pods.refusals = [503] * 1000
    with pytest.raises(AirflowException, match="the Kubernetes API hasn't answered for 1 s"):
        operator(pods).execute(task_context())


def test_an_api_that_has_just_started_and_doesn_t_know_the_worker_s_rights_yet_is_asked_again(
    fake: Fake, pods: PlayedPods
) -> None:
    steps(fake)
    pods.becomes = ends()
    pods.refusals = [403, 401, 403]
    assert operator(pods).execute(task_context()) == PASSED["sentence"]


def test_what_kubernetes_refuses_is_said_in_its_words(fake: Fake, pods: PlayedPods, monkeypatch: pytest.MonkeyPatch) -> None:
    steps(fake)
    refused = pods_play.refusal(403, "violates PodSecurity")
    monkeypatch.setattr(pods, "create_namespaced_pod", lambda *_: (_ for _ in ()).throw(refused))
    with pytest.raises(AirflowFailException, match=r"in namespace settlement: 403: violates PodSecurity[\s\S]*→ mend"):
        operator(pods).execute(task_context())


def test_a_pod_that_doesn_t_go_is_named_and_no_second_one_is_made(fake: Fake, pods: PlayedPods) -> None:
    steps(fake)
    old = left(pods, pods_play.runs, tries=2)
    pods.lingers = None
    with pytest.raises(AirflowException, match=f"{old.metadata.name} isn't gone 1 s after it was removed"):
        operator(pods).execute(task_context())
    assert pods.made == []


def test_the_settings_alone_say_where_audits_run(pods: PlayedPods, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    from settlement.settings import settings
    from settlement_airflow.stages import stage_group

    def kinds() -> dict[str, str]:
        with DAG("day", schedule=None) as dag:
            stage_group("ods")
        assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == "day"
        return {task.task_id: task.task_type for task in dag.tasks}

    in_pods = kinds()
    monkeypatch.setenv("SETTLEMENT_PROFILE", "embedded")
    settings.cache_clear()
    in_processes = kinds()
    assert in_pods["ods.audit"] == "AuditPodOperator"
    assert in_processes["ods.audit"] == "AuditOperator"
    assert list(in_pods) == list(in_processes)


def test_a_partner_s_report_is_a_pod_only_while_it_is_asked_for(fake: Fake, pods: PlayedPods) -> None:
    from settlement_airflow.step_places import partner_report_task

    folder = fake("open(sys.argv[0] + '-asked', 'a').write(' '.join(sys.argv[3:]))\nanswer({'sentence': 'it lies there'})")
    seen: list[Any] = []
    pods.becomes = lambda pod: (seen.append(deepcopy(pod)), ends()(pod))[0]
    task = partner_report_task()
    pods_play.on(task, pods)
    asked = {"partner": 7, "first_month": "2026-01", "last_month": "2026-03", "format": "pdf"}
    assert task.execute({**task_context(), "params": asked}) == "it lies there"
    (pod,) = seen
    options = "--run settlement_daily/manual__1 --partition 2026-01..2026-03 --partner=7 --format=pdf"
    assert pod.spec.containers[0].args == ["partner-report", *options.split()]
    assert (folder / "python-asked").read_text() == f"partner-reported {options}"
    assert pod.spec.service_account_name == "settlement-report"
    assert pod.metadata.labels["app.kubernetes.io/name"] == "settlement-report"
    assert pods.pods == {}
