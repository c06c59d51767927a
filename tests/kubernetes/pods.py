"""The pods of the namespace as whoever may do everything sees them; what is waited for is watched, not asked for again and again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kubernetes import client, config
from urllib3.exceptions import HTTPError

NAMESPACE = "settlement"
_WATCH_SECONDS = 2  # how soon whoever waits for something else looks up
_API_SECONDS = 20.0
Pod = dict[str, Any]


class Pods:
    """The pods of the namespace.

    Args:
        kubeconfig: of the cluster's administrator.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._api = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))

    def all(self) -> list[Pod]:
        """Those that there are, the oldest first."""
        return self.seen()[0]

    def seen(self) -> tuple[list[Pod], str]:
        """The pods, and the version by which `changed` waits for others."""
        answer = self._api.list_namespaced_pod(NAMESPACE, _preload_content=False, _request_timeout=_API_SECONDS)
        said: dict[str, Any] = json.loads(answer.data)
        found = sorted(said["items"], key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        return found, said["metadata"]["resourceVersion"]

    def changed(self, version: str) -> None:
        """Wait until something has changed since a version, at most some seconds."""
        answer = self._api.list_namespaced_pod(
            NAMESPACE, watch=True, resource_version=version, timeout_seconds=_WATCH_SECONDS, _preload_content=False
        )
        try:
            next(answer.stream(), None)
        except HTTPError:
            pass  # the API went away: whoever waits asks again
        finally:
            answer.close()

    def remove(self) -> None:
        """Remove all of them and wait until they are gone."""
        self._api.delete_collection_namespaced_pod(NAMESPACE, grace_period_seconds=1)
        while True:
            left, version = self.seen()
            if not left:
                return
            self.changed(version)

    def make(self, pod: Pod) -> None:
        self._api.create_namespaced_pod(NAMESPACE, pod)

    def evict(self, pod: Pod) -> None:
        """Have a pod leave its node, as `kubectl drain` asks for it."""
        name = pod["metadata"]["name"]
        asked = client.V1Eviction(metadata=client.V1ObjectMeta(name=name, namespace=NAMESPACE))
        self._api.create_namespaced_pod_eviction(name, NAMESPACE, asked)
