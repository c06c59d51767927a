"""What is wrong with a pod, in one sentence for operations, with what Kubernetes' events say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from airflow.providers.cncf.kubernetes.utils.pod_manager import detect_pod_terminate_early_issues

from settlement_airflow.hooks.pod_spec import CONTAINER

_EVENTS = 3
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_HOPELESS = ("InvalidImageName", "ErrImageNeverPull")
# The kubelet's words when a pod has passed its own limit; a node that lacks room itself says "low on resource".
_ITS_OWN_DISK = re.compile(r"Usage of EmptyDir volume|exceeds the total limit of containers|exceeded its local ephemeral storage")
_MAKE = "put the release's image where the nodes find it, or correct SETTLEMENT_POD_IMAGE"
_CONFIG = "make what is named in the namespace, or correct SETTLEMENT_POD_SECRET"
_NODES = "wait for a node, or correct SETTLEMENT_POD_NODE_SELECTOR, _TOLERATIONS, _CPU or _MEMORY"


def why_not_started(pod: Any, events: Iterable[Any]) -> str:
    """Why a pod hasn't started yet."""
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    waiting = _waiting(pod)
    condition = _unscheduled(pod)
    if condition is not None:
        said, hint = f"no node takes pod {name}: {condition.message or condition.reason}", _NODES
    elif waiting is not None and waiting.reason in _IMAGE:
        image = pod.spec.containers[0].image
        said, hint = f"pod {name} can't have its image {image}: {waiting.reason}: {waiting.message or 'no more is said'}", _MAKE
    elif waiting is not None and waiting.reason == "CreateContainerConfigError":
        said, hint = f"pod {name} can't be made: {waiting.message or waiting.reason}", _CONFIG
    else:
        reason = waiting.reason if waiting is not None and waiting.reason else "no reason is given"
        said, hint = f"pod {name} hasn't started: {reason}", "look at its node; the task tries again"
    return _with_hint(said, events, hint)


def never_starts(pod: Any) -> bool:
    """Whether no other try can help: the image's name is wrong, or nobody may fetch it."""
    waiting = _waiting(pod)
    return waiting is not None and waiting.reason in _HOPELESS


def is_stuck(pod: Any) -> bool:
    """Whether waiting on is of no use, though another try may be: the image isn't there, or what the pod is to be given."""
    waiting = _waiting(pod)
    lacks = waiting is not None and waiting.reason == "CreateContainerConfigError"
    return lacks or detect_pod_terminate_early_issues(pod) is not None


def why_ended(pod: Any, events: Iterable[Any]) -> str:
    """Why a pod has ended without its step having said so."""
    name = f"{pod.metadata.namespace}/{pod.metadata.name}"
    ended = terminated(pod)
    if pod.metadata.deletion_timestamp is not None:
        said, hint = f"somebody has removed pod {name}", "the task tries again, in another one"
    elif pod.status.reason:
        said, hint = _ended_by_kubernetes(pod, name)
    elif ended is not None and ended.reason == "OOMKilled":
        said, hint = f"pod {name} needed more memory than its {_limit(pod, 'memory')}", "raise SETTLEMENT_POD_MEMORY"
    elif ended is not None and ended.reason not in (None, "Error", "Completed"):
        said = f"pod {name} couldn't run: {ended.reason}: {ended.message or 'no more is said'}"
        hint = "see that the image is the release's"
    else:
        code = "no exit code" if ended is None else f"code {ended.exit_code}"
        said, hint = f"pod {name} ended with {code} and no answer", "see the log above, then clear the task"
    return _with_hint(said, events, hint)


def _ended_by_kubernetes(pod: Any, name: str) -> tuple[str, str]:
    """What is said, and what to do, when Kubernetes itself has ended a pod: DeadlineExceeded, Evicted, Preempting, NodeLost …"""
    reason, message = pod.status.reason, pod.status.message or "no more is said"
    if reason == "DeadlineExceeded":
        return f"pod {name} ran longer than it may", "raise SETTLEMENT_POD_RUN_SECONDS if it was only slow"
    if reason == "Evicted" and _ITS_OWN_DISK.search(message):
        return f"pod {name} needed more disk than its {_limit(pod, 'ephemeral-storage')}", "raise SETTLEMENT_POD_SCRATCH"
    return f"pod {name} was ended by its node: {reason}: {message}", "the task tries again; see that the nodes have room"


def _limit(pod: Any, kind: str) -> str:
    return str(pod.spec.containers[0].resources.limits[kind])


def terminated(pod: Any) -> Any:
    """How the step's container has ended; None while it hasn't, or when nothing is known of it."""
    status = _container(pod)
    return status.state.terminated if status is not None and status.state is not None else None


def step_s_answer(pod: Any) -> dict[str, Any] | None:
    """What the step says of its failure; None when it doesn't, or only part of it has come."""
    ended = terminated(pod)
    for line in reversed(((ended.message if ended is not None else None) or "").splitlines()):
        try:
            answer = json.loads(line)
            known = bool(answer["message"]) and {"error", "hint", "transient"} <= answer.keys()
        except (ValueError, KeyError, TypeError):
            continue
        if known:
            return dict(answer)
    return None


def _container(pod: Any) -> Any:
    statuses = (pod.status.container_statuses if pod.status is not None else None) or []
    return next((one for one in statuses if one.name == CONTAINER), None)


def _waiting(pod: Any) -> Any:
    status = _container(pod)
    return status.state.waiting if status is not None and status.state is not None else None


def _unscheduled(pod: Any) -> Any:
    conditions = pod.status.conditions or []
    return next((one for one in conditions if one.type == "PodScheduled" and one.status != "True"), None)


def _with_hint(said: str, events: Iterable[Any], hint: str) -> str:
    warnings = [one for one in events if one.type == "Warning" and one.message and one.message not in said]
    told = "; ".join(f"{one.reason}: {' '.join(one.message.split())}" for one in warnings[-_EVENTS:])
    return f"{' '.join(said.split())}{f' (events: {told})' if told else ''}\n  → {hint}"
