"""How a step's pod looks: restricted, bounded, with the worker's settings and without its secrets."""

from __future__ import annotations

import os
from typing import Any

from kubernetes.client import models as k8s

from settlement.settings import Settings
from settlement.settings_pods import PodSettings

CONTAINER = "base"
SCRATCH = "/scratch"
_GRACE_SECONDS = 2  # a step has nothing to save: what it writes appears whole
_PASSED = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_KMS")
# Not the worker's: secrets come from a Kubernetes Secret, sizes and folders from the pod, and files of the worker aren't there.
_NOT_PASSED = ("ledger_url", "sentry_dsn", "duckdb_memory", "duckdb_threads", "duckdb_spill", "scratch", "reference")


def pod_arguments(chosen: PodSettings) -> dict[str, Any]:
    """Arguments of `KubernetesPodOperator` that follow from the settings alone."""
    amounts = {"cpu": chosen.cpu, "memory": chosen.memory, "ephemeral-storage": chosen.scratch}
    return {
        "image": chosen.image,
        "image_pull_policy": chosen.pull_policy,
        "image_pull_secrets": [k8s.V1LocalObjectReference(name=name) for name in chosen.pull_secrets],
        "kubernetes_conn_id": chosen.connection or None,
        "namespace": chosen.namespace,
        "service_account_name": chosen.service_account,
        "automount_service_account_token": False,  # a step asks Kubernetes nothing; AWS's token comes by its own volume
        "cmds": ["python3", "-m", "settlement.steps"],
        "env_vars": [k8s.V1EnvVar(name=name, value=value) for name, value in sorted(_environment(chosen).items())],
        "env_from": [_secret(chosen.secret)] if chosen.secret else [],
        "container_resources": k8s.V1ResourceRequirements(requests=amounts, limits=amounts),
        "security_context": _pod_security(),
        "container_security_context": container_security(),
        "volumes": [k8s.V1Volume(name="scratch", empty_dir=k8s.V1EmptyDirVolumeSource(size_limit=chosen.scratch))],
        "volume_mounts": [k8s.V1VolumeMount(name="scratch", mount_path=SCRATCH)],
        "node_selector": dict(chosen.node_selector),
        "tolerations": [k8s.V1Toleration(**one) for one in chosen.parsed_tolerations],
        "priority_class_name": chosen.priority_class or None,
        "active_deadline_seconds": chosen.run_seconds,
        "termination_grace_period": _GRACE_SECONDS,
        # What a step says of its failure, for the task's message: the verdict never comes this way.
        "termination_message_policy": "FallbackToLogsOnError",
        "base_container_name": CONTAINER,
        "random_name_suffix": False,
        "do_xcom_push": False,  # no sidecar: nothing but the step's own container runs in the pod
        "on_finish_action": "delete_pod",
    }


def container_security() -> k8s.V1SecurityContext:
    """What Kubernetes' pod security standard `restricted` asks of every container, and a root that can't be written."""
    return k8s.V1SecurityContext(
        run_as_non_root=True,
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        privileged=False,
        capabilities=k8s.V1Capabilities(drop=["ALL"]),
        seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
    )


def restrict(pod: k8s.V1Pod) -> k8s.V1Pod:
    """Put the restricted security context on every container of a pod, whoever has added it."""
    for container in [*pod.spec.containers, *(pod.spec.init_containers or [])]:
        container.security_context = container_security()
    return pod


def _pod_security() -> k8s.V1PodSecurityContext:
    # the group lets the step write its scratch volume, whatever user the image has
    return k8s.V1PodSecurityContext(
        run_as_non_root=True, fs_group=10001, seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault")
    )


def _secret(name: str) -> k8s.V1EnvFromSource:
    return k8s.V1EnvFromSource(secret_ref=k8s.V1SecretEnvSource(name=name))


def _environment(chosen: PodSettings) -> dict[str, str]:
    """The worker's settings of the package, so that both mean the same warehouse, and the pod's own places."""
    names = [f"SETTLEMENT_{field.upper()}" for field in Settings.model_fields if field not in _NOT_PASSED]
    passed = {name: os.environ[name] for name in (*names, *_PASSED) if os.environ.get(name)}
    own = {
        "SETTLEMENT_DUCKDB_MEMORY": chosen.duckdb_memory,
        "SETTLEMENT_DUCKDB_SPILL": f"{SCRATCH}/spill",
        "SETTLEMENT_SCRATCH": f"{SCRATCH}/files",
        "TMPDIR": SCRATCH,
        "HOME": SCRATCH,
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
    }
    return {**passed, **own}
