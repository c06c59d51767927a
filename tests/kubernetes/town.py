"""A cluster with the namespace of audits, servers that its pods reach, and a run whose candidate waits for its audit."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any

from local.kubernetes import addresses
from local.kubernetes.cluster import Cluster
from local.kubernetes.forward import Forward
from local.on_services import in_this_process
from local.services.postgres import Postgres
from local.services.s3 import BUCKETS, S3
from local.services.service import ROOT
from local.services.stack import Stack
from tests.charts.rendering import rendered
from tests.integration.example import FIRST
from tests.integration.house import House
from tests.kubernetes.pods import NAMESPACE, Pod, Pods

PATIENCE_SECONDS = 300
WORKER = "settlement-airflow-worker"
DAY = FIRST
KINDS = ("catalog", "other_revenue", "payments", "plays")
RUN = "manual__1"
STAGE = "raw"
SECRET = "settlement-audit"
DAG = "landing_ingest"
_ONE_STEP = Lock()  # standard output is the whole process's, and two tries may be at work
MANIFEST = Path(__file__).with_name("namespace.yaml")


@dataclass(frozen=True)
class Attempt:
    """A try of the task, beside the test."""

    task: Any
    answer: Future[str]

    @property
    def is_attached(self) -> bool:
        """Whether it has found its pod or made it."""
        return self.task.pod is not None

    def passed(self) -> bool:
        return "passed its audit" in self.answer.result(PATIENCE_SECONDS)


@dataclass(frozen=True)
class Town:
    """Where the tests are.

    Args:
        cluster: with the namespace and the image.
        pods: of the namespace.
        forward: by which pods, and nobody else, reach the object store.
        variables: of a worker; it reaches the servers by itself.
        for_pods: variables that differ for pods.
        build_id: of the candidate.
    """

    cluster: Cluster
    pods: Pods
    forward: Forward
    variables: dict[str, str]
    for_pods: dict[str, str]
    build_id: str
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)

    def until(self, found: Callable[[list[Pod]], Any]) -> Any:
        """Wait for something about the pods; a worker or a try that ends unasked is the test's failure at once."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            pods, version = self.pods.seen()
            answer = found(pods)
            if answer:
                return answer
            for worker in self.workers:
                assert worker.returncode is not None or worker.poll() is None, "a worker has ended before it was told to"
            for attempt in self.attempts:
                if attempt.answer.done():
                    raise AssertionError("a try has ended before it was to") from attempt.answer.exception()
            assert time.monotonic() < end, "it never came"
            self.pods.changed(version)

    # -- the verdict ------------------------------------------------------------------------------------------------

    def verdict(self) -> Any:
        """Where the verdict on the candidate lies, or will lie."""
        from settlement.storage import location
        from settlement.warehouse import Warehouse

        return Warehouse(location(self.variables["SETTLEMENT_WAREHOUSE"])).verdict(self.build_id)

    def published(self, stage: str = STAGE) -> Any:
        """The build that the ledger has published of a stage of the day; None for nothing."""
        from settlement.steps.place import open_ledger
        from settlement.storage import location
        from settlement.warehouse import Partition, Warehouse

        ledger = open_ledger(Warehouse(location(self.variables["SETTLEMENT_WAREHOUSE"])))
        return ledger.head_build(stage, Partition(DAY))

    # -- the task ---------------------------------------------------------------------------------------------------

    def operator(self, **settings: str) -> Any:
        """The audit's task, as a worker makes it; `settings` are those of pods."""
        return audit_task(self.for_pods, **settings)

    def made(self, make: Callable[[], Any]) -> Any:
        """A task whose work a pod of this town does."""
        return task_with_pods(self.for_pods, make)

    @contextmanager
    def trying(self, number: int = 1, tries: int = 3, **settings: str) -> Iterator[Attempt]:
        task = self.operator(**settings)
        with ThreadPoolExecutor(1) as pool:
            self.attempts.append(attempt := Attempt(task, pool.submit(task.execute, context(number, tries))))
            try:
                yield attempt
            finally:
                self.attempts.remove(attempt)
                self.forward.release()  # what a test that has failed holds would be waited for

    def worker(self, number: int = 1, tries: int = 3) -> subprocess.Popen[str]:
        """A worker at a try of the task, in a process of its own that may be killed; it prints how the try ended."""
        said = json.dumps({"number": number, "tries": tries, "for_pods": self.for_pods})
        command = [sys.executable, "-W", "ignore", "-m", "tests.kubernetes.worker", said]
        found = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"}
        started = subprocess.Popen(command, text=True, env=found)
        self.workers.append(started)
        return started

    def abandoned_pod(self, number: int = 1, tries: int = 3) -> Pod:
        """A pod that runs, held, and whose worker was killed."""
        self.forward.hold()
        worker = self.worker(number, tries)
        running = self.until(in_phase("Running"))
        worker.kill()
        worker.wait()
        return dict(running)


def audit_task(for_pods: dict[str, str], **settings: str) -> Any:
    """The task that audits the candidate, with pods that find what they need by these variables."""
    from settlement_airflow.operators.audit_pod import AuditPodOperator

    task = task_with_pods(for_pods, lambda: AuditPodOperator(task_id="audit", stage=STAGE), **settings)
    task.step = _step
    return task


def task_with_pods(for_pods: dict[str, str], make: Callable[[], Any], **settings: str) -> Any:
    from settlement.settings_pods import pod_settings

    said = {**for_pods, **{f"SETTLEMENT_POD_{name.upper()}": value for name, value in settings.items()}}
    with _environment(said):
        pod_settings.cache_clear()
        task = make()
        pod_settings()  # read now, for this task
    task.config_file = os.environ["KUBECONFIG"]  # the client has read the variable before it was set
    return task


def saying(town: Town, script: str, **settings: str) -> Any:
    """The task with a pod that runs a script in place of the audit."""
    task = town.operator(**settings)
    task.cmds = ["/bin/sh", "-c", script, "--"]
    return task


def in_phase(*phases: str) -> Callable[[list[Pod]], Pod | None]:
    """The first pod that is in one of these phases."""
    return lambda pods: next((pod for pod in pods if pod["status"]["phase"] in phases), None)


def uids(pods: list[Pod]) -> list[str]:
    return [str(pod["metadata"]["uid"]) for pod in pods]


def _step(context: Any, name: str, *arguments: str) -> dict[str, Any]:
    """A step of the worker in this process, to save its start; what it refuses is raised as the step's process has it raised."""
    from settlement.steps.__main__ import main
    from settlement_airflow.hooks.step_process import arguments_of, refused
    from settlement_airflow.runs import RunName

    run, out = RunName.of(context), io.StringIO()
    with _ONE_STEP, redirect_stdout(out):
        code = main([name, *arguments_of(run.run_id, run.partition), *arguments])
    answer: dict[str, Any] = json.loads(out.getvalue())
    if code:
        raise refused(answer, code, logging.getLogger(__name__))
    return answer


def context(number: int = 1, tries: int = 3) -> dict[str, Any]:
    """A try of the task: clearing it raises `tries`, retrying it raises `number`."""
    dag_run = SimpleNamespace(dag_id=DAG, run_id=RUN, partition_key=DAY, triggering_user_name=None)
    ti = SimpleNamespace(
        dag_id=DAG, task_id="raw.audit", map_index=-1, try_number=number, max_tries=tries, xcom_push=lambda **_: None
    )
    return {"dag_run": dag_run, "params": {}, "ti": ti, "run_id": RUN, "dag": SimpleNamespace()}


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """The cluster of this machine, one user after the other; stopped again unless it ran before."""
    with addresses.LOCK.with_suffix(".tests").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = Cluster()
        ours = not found.works()
        found.up()
        try:
            yield found
        finally:
            if ours:
                found.down()


def with_rights(cluster: Cluster) -> None:
    """The namespace, and in it the accounts and rights that the chart makes."""
    cluster.kubectl("apply", f"--filename={MANIFEST}")
    rights = ("--show-only=templates/serviceaccounts.yaml", "--show-only=templates/rbac.yaml")
    cluster.kubectl("apply", f"--namespace={NAMESPACE}", "--filename=-", text=rendered("dev", *rights))


Furnish = Callable[[House], str]
"""Fills bucket and ledger, which the settings name, with what a house has; returns the build that waits for its audit."""


@contextmanager
def built_town(
    cluster: Cluster,
    image: str,
    house: House,
    scratch: Path,
    ports: dict[str, int],
    furnish: Furnish | None = None,
    secret: str = SECRET,
) -> Iterator[Town]:
    """A town with an object store and a database of its own, on these ports.

    Args:
        cluster: with the image; namespace and rights are there.
        image: of the steps.
        house: its reference data are used.
        scratch: a folder for servers and files.
        ports: of the servers.
        furnish: without one, a day has landed and its raw tables are a sealed candidate.
        secret: made for the pods of this town.
    """
    stack = Stack(scratch / "services", ports)
    stack.up(["postgres", "s3"])
    variables = {
        **stack.of(S3).variables(),
        "SETTLEMENT_PROFILE": "services",
        "SETTLEMENT_LEDGER_URL": stack.of(Postgres).made("ledger", "ledger_pods"),
        "SETTLEMENT_LANDING": f"s3://{BUCKETS[0]}/pods/landing",
        "SETTLEMENT_WAREHOUSE": f"s3://{BUCKETS[0]}/pods/warehouse",
    }
    try:
        with town_on(stack, cluster, image, house, scratch, variables, furnish or sealed_day, secret) as town:
            yield town
    finally:
        stack.down()


@contextmanager
def town_on(
    stack: Stack,
    cluster: Cluster,
    image: str,
    house: House,
    scratch: Path,
    places: dict[str, str],
    furnish: Furnish,
    secret: str,
) -> Iterator[Town]:
    """A town on servers that run; `places` are the variables by which a worker finds servers, landing, warehouse and ledger."""
    forwards = [Forward(scratch, stack.of(kind).port) for kind in (S3, Postgres)]
    try:
        for forward in forwards:
            forward.start()
        variables = {
            **places,
            "SETTLEMENT_REFERENCE": str(house.reference),
            "SETTLEMENT_SCRATCH": str(scratch / "files"),
            "SETTLEMENT_READER_PROCESSES": "1",
            "SETTLEMENT_POD_IMAGE": image,
            "SETTLEMENT_POD_SECRET": secret,
            "SETTLEMENT_POD_PULL_POLICY": "Never",
            "SETTLEMENT_POD_CPU": "900m",
            "SETTLEMENT_POD_MEMORY": "1Gi",
            "SETTLEMENT_POD_SCRATCH": "1Gi",
            "SETTLEMENT_POD_POLL_SECONDS": "0.3",
            "SETTLEMENT_POD_START_SECONDS": "120",
            "KUBECONFIG": str(scratch / "worker.kubeconfig"),
        }
        with in_this_process(variables):
            _secret(cluster, forwards, variables)
            _worker_s_kubeconfig(cluster, Path(variables["KUBECONFIG"]))
            for_pods = {"AWS_ENDPOINT_URL_S3": f"http://{forwards[0].address}"}
            pods = Pods(cluster.keys.kubeconfig)
            yield Town(cluster, pods, forwards[0], variables, for_pods, furnish(house))
    finally:
        for forward in forwards:
            forward.stop()
        _forget_pod_settings()


def _forget_pod_settings() -> None:
    from settlement.settings_pods import pod_settings

    pod_settings.cache_clear()


def _secret(cluster: Cluster, forwards: list[Forward], variables: dict[str, str]) -> None:
    """The Secret that pods take the ledger's address and keys from."""
    ledger = variables["SETTLEMENT_LEDGER_URL"]
    host = f"127.0.0.1:{forwards[1].port}"
    assert host in ledger
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": variables["SETTLEMENT_POD_SECRET"], "namespace": NAMESPACE},
        "stringData": {
            "SETTLEMENT_LEDGER_URL": ledger.replace(host, forwards[1].address),
            **{name: variables[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
        },
    }
    cluster.kubectl("apply", "--filename=-", text=json.dumps(secret))


def _worker_s_kubeconfig(cluster: Cluster, path: Path) -> None:
    """Workers of these tests may do what their service account may, and no more."""
    token = cluster.kubectl("create", "token", WORKER, f"--namespace={NAMESPACE}", "--duration=2h").strip()
    config = json.loads(cluster.keys.kubeconfig.read_text())
    config["users"][0]["user"]["token"] = token
    path.write_text(json.dumps(config))
    path.chmod(0o600)


def landed_day(house: House) -> str:
    """Put what has landed of a day into the bucket; no build waits."""
    from settlement.storage import location, put_folder

    for kind in KINDS:
        put_folder(house.folder(kind, DAY), location(os.environ["SETTLEMENT_LANDING"]) / kind / f"dt={DAY}")
    return ""


def sealed_day(house: House) -> str:
    """Put a day into the bucket, ingest it, and seal its raw tables; returns the build."""
    from settlement.steps import tasks
    from settlement.steps.place import Place
    from settlement.steps.tasks import Run

    landed_day(house)
    place, run = Place.open(), Run(f"{DAG}/{RUN}", DAY)
    tasks.begin(place, run, "service:scheduler")
    tasks.build(place, run, STAGE)
    return tasks.candidate(place, run, STAGE).build_id


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
