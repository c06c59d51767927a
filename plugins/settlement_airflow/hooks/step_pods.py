"""Pods of steps: never two of one task, found again by their labels, removed until they are really gone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from kubernetes.client import V1DeleteOptions, V1Preconditions
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from settlement.settings_pods import PodSettings
from settlement_airflow.hooks.pod_names import PodName, attempt_of
from settlement_airflow.hooks.pod_troubles import is_stuck, never_starts, why_not_started

_GONE, _CONFLICT = 404, 409
_PASSES = (429, 500, 502, 503, 504)
_REFUSED = (401, 403)
_REFUSED_SECONDS = 30.0  # an API server that has just started refuses what it allows, until it has read who may what
_REQUEST_SECONDS = 20.0
_KILL_SECONDS = 4.0  # of the five between the first and the last signal to a worker
_ENDED = ("Succeeded", "Failed")
Answer = TypeVar("Answer")


class Unanswered(AirflowException):
    """The Kubernetes API doesn't answer."""


class StepPodsHook(BaseHook):
    """Pods of one namespace.

    A request is repeated while the API is away, at most for `lost_seconds`: whatever is asked may be asked twice, since a pod's
    name follows from its work and a removal names the very pod.

    The provider's own search isn't used: it fails when it finds two pods, begins anew when it finds one that has ended well,
    and takes a pod for the task's own whichever build it is about.

    :param client: Kubernetes' core API.
    :param chosen: the pods' settings.
    """

    def __init__(self, client: Any, chosen: PodSettings) -> None:
        super().__init__()
        self._client = client
        self._settings = chosen

    def ensure(self, name: PodName, wanted: Any, selector: str) -> Any:
        """The one pod that does this work: attached to, adopted when it has ended well, or made.

        Pods that older attempts of the task or other builds have left are removed, and gone, before anything is made.

        Args:
            name: of the work.
            wanted: the pod as it is to be made.
            selector: labels that all pods of the task have.

        Raises:
            AirflowFailException: a newer attempt is at work; Kubernetes refuses the pod.
            AirflowException: what is left doesn't end; the API doesn't answer.
        """
        while True:
            found = self._asked(lambda: self._client.list_namespaced_pod(self._settings.namespace, label_selector=selector)).items
            if any(attempt_of(pod) > name.attempt for pod in found):
                raise AirflowFailException(f"{name} is overtaken by a newer attempt of this task\n  → nothing to do")
            mine = _chosen([pod for pod in found if name.is_of(pod)])
            others = [pod for pod in found if pod is not mine]
            if others:
                self.log.warning("Removing what this task left: %s", ", ".join(pod.metadata.name for pod in others))
                self.remove(others)
            if mine is not None:
                self.log.info("Attached to pod %s, %s", mine.metadata.name, mine.status.phase)
                return mine
            made = self._made(wanted)
            if made is not None:
                self.log.info("Made pod %s", made.metadata.name)
                return made

    def started(self, pod: Any) -> Any:
        """Wait until a pod runs or has ended; returns it as it is then.

        Raises:
            AirflowFailException: it can never start.
            AirflowException: it hasn't by `start_seconds`, its image or Secret isn't there, or it is gone.
        """
        until = time.monotonic() + self._settings.start_seconds
        while (now := self.look(pod)) is not None and now.status.phase not in ("Running", *_ENDED):
            if never_starts(now):
                raise AirflowFailException(why_not_started(now, self.events(now)))
            if is_stuck(now) or time.monotonic() > until:
                raise AirflowException(why_not_started(now, self.events(now)))
            time.sleep(self._settings.poll_seconds)
        return self._there(pod, now)

    def ended(self, pod: Any) -> Any:
        """Wait until a pod has ended; returns it as it is then. Its own deadline ends one that takes too long.

        Raises:
            AirflowException: somebody has removed it.
        """
        while (now := self.look(pod)) is not None and now.status.phase not in _ENDED:
            time.sleep(self._settings.poll_seconds)
        return self._there(pod, now)

    def look(self, pod: Any) -> Any:
        """A pod as it is now; None when it is gone."""
        try:
            now = self._asked(lambda: self._client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace))
        except ApiException as error:
            if error.status == _GONE:
                return None
            raise
        return now if now.metadata.uid == pod.metadata.uid else None

    def events(self, pod: Any) -> list[Any]:
        """What Kubernetes tells of a pod, the newest last; nothing when it can't be asked."""
        try:
            field = f"involvedObject.uid={pod.metadata.uid}"
            return list(self._client.list_namespaced_event(pod.metadata.namespace, field_selector=field).items)
        except (ApiException, HTTPError) as error:
            self.log.warning("The events of pod %s can't be read: %s", pod.metadata.name, _said(error))
            return []

    def remove(self, pods: Iterable[Any]) -> None:
        """Remove pods and wait until they are gone.

        Raises:
            AirflowException: one isn't by `confirm_seconds`.
        """
        left = list(pods)
        for pod in left:
            self._asked(lambda pod=pod: self._delete(pod))
        until = time.monotonic() + self._settings.confirm_seconds
        while left := [pod for pod in left if self.look(pod) is not None]:
            if time.monotonic() > until:
                names = ", ".join(pod.metadata.name for pod in left)
                raise AirflowException(
                    f"{names} isn't gone {self._settings.confirm_seconds:.0f} s after it was removed\n"
                    "  → look at its node; the task tries again and removes it first"
                )
            time.sleep(min(self._settings.poll_seconds, 0.5))

    def kill(self, pod: Any) -> bool:
        """Remove a pod within the time that a worker has when it is told to end; whether it is seen gone."""
        until = time.monotonic() + _KILL_SECONDS
        try:
            self._delete(pod, timeout=_KILL_SECONDS / 2)
            while time.monotonic() < until:
                if self._is_gone(pod):
                    return True
                time.sleep(0.2)
        except (ApiException, HTTPError) as error:
            self.log.warning("Pod %s can't be removed now: %s", pod.metadata.name, _said(error))
        return False

    # -- inside ------------------------------------------------------------------------------------------------------

    def _made(self, wanted: Any) -> Any:
        """Make a pod; None when one of its name has come in between, or is still on its way out."""
        try:
            return self._asked(lambda: self._client.create_namespaced_pod(self._settings.namespace, wanted), when_refused=0)
        except ApiException as error:
            if error.status == _CONFLICT:
                time.sleep(self._settings.poll_seconds)
                return None
            raise AirflowFailException(
                f"Kubernetes refuses pod {wanted.metadata.name} in namespace {self._settings.namespace}: {_said(error)}\n"
                "  → mend the namespace, its service accounts or the worker's rights; clear the task"
            ) from error

    def _delete(self, pod: Any, timeout: float = _REQUEST_SECONDS) -> None:
        """Ask for the removal of this very pod, not of a later one of its name."""
        options = V1DeleteOptions(preconditions=V1Preconditions(uid=pod.metadata.uid), propagation_policy="Background")
        try:
            self._client.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, body=options, _request_timeout=timeout)
        except ApiException as error:
            if error.status not in (_GONE, _CONFLICT):
                raise

    def _is_gone(self, pod: Any) -> bool:
        try:
            now = self._client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace, _request_timeout=1)
        except ApiException as error:
            if error.status == _GONE:
                return True
            raise
        return bool(now.metadata.uid != pod.metadata.uid)

    def _there(self, pod: Any, now: Any) -> Any:
        if now is None:
            raise AirflowException(f"somebody has removed pod {pod.metadata.name}\n  → the task tries again, in another one")
        return now

    def _asked(self, request: Callable[[], Answer], when_refused: float = _REFUSED_SECONDS) -> Answer:
        """The API's answer; asked again while it is away, and for `when_refused` seconds while it denies the right to ask.

        Raises:
            ApiException: it refuses.
            Unanswered: it has been away for `lost_seconds`.
        """
        start = time.monotonic()
        while True:
            try:
                return request()
            except (ApiException, HTTPError) as error:
                waited = time.monotonic() - start
                is_refused = isinstance(error, ApiException) and error.status in _REFUSED
                passes = not isinstance(error, ApiException) or error.status in _PASSES
                if not passes and (not is_refused or waited >= when_refused):
                    raise
                if waited > self._settings.lost_seconds:
                    raise Unanswered(
                        f"the Kubernetes API hasn't answered for {self._settings.lost_seconds:.0f} s: {_said(error)}\n"
                        "  → see that the cluster runs; the task tries again and finds its pod"
                    ) from error
                self.log.warning("The Kubernetes API doesn't answer (%s): asking again", _said(error))
                time.sleep(self._settings.poll_seconds)


def _chosen(pods: list[Any]) -> Any:
    """Of several pods for the same work the one to go on with; None when none is of use."""
    living = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    for phases in (("Running",), ("Succeeded",), ("Pending", "Unknown")):
        fit = [pod for pod in living if pod.status.phase in phases]
        if fit:
            return min(fit, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name))
    return None


def _said(error: ApiException | HTTPError) -> str:
    """An error's sentence, without headers and bodies of many lines."""
    if not isinstance(error, ApiException):
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    try:
        return f"{error.status}: {json.loads(error.body)['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{error.status}: {error.reason}"
