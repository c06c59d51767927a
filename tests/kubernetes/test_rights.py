"""What the service accounts of audits and workers may: the least, by the API's word and by trying."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from local.kubernetes.cluster import Cluster
from tests.kubernetes.pods import NAMESPACE
from tests.kubernetes.town import WORKER

AUDIT = "settlement-audit"


def may(cluster: Cluster, account: str, verb: str, resource: str, namespace: str = NAMESPACE) -> bool:
    """Whether the API says that an account may do something; asked by who may do everything."""
    who = f"--as=system:serviceaccount:{NAMESPACE}:{account}"
    kind, _, below = resource.partition("/")  # kubectl would take what stands behind the slash for a pod's name
    asked = ("auth", "can-i", verb, kind, f"--subresource={below}", f"--namespace={namespace}", who)
    said = cluster.asked(*asked, check=False).stdout.strip()
    assert said in ("yes", "no"), "no answer is no answer"
    return said == "yes"


def api_as(cluster: Cluster, account: str) -> client.CoreV1Api:
    """The API as a service account reaches it with its own token."""
    token = cluster.kubectl("create", "token", account, f"--namespace={NAMESPACE}").strip()
    loaded: dict[str, Any] = json.loads(cluster.keys.kubeconfig.read_text())
    loaded["users"][0]["user"]["token"] = token
    return client.CoreV1Api(config.new_client_from_config_dict(loaded))


@pytest.mark.parametrize(
    ("verb", "resource"),
    [(verb, kind) for kind in ("secrets", "pods", "configmaps", "pods/exec") for verb in ("get", "list", "create", "delete")],
)
def test_an_audit_s_account_may_nothing(namespace: Cluster, verb: str, resource: str) -> None:
    assert not may(namespace, AUDIT, verb, resource)


def test_an_audit_s_account_is_refused_when_it_tries(namespace: Cluster) -> None:
    api = api_as(namespace, AUDIT)
    pod = client.V1Pod(
        metadata=client.V1ObjectMeta(name="x"),
        spec=client.V1PodSpec(containers=[client.V1Container(name="x", image="localhost/x:1")]),
    )
    for attempt in (
        lambda: api.read_namespaced_secret("settlement-audit", NAMESPACE),
        lambda: api.list_namespaced_secret(NAMESPACE),
        lambda: api.create_namespaced_pod(NAMESPACE, pod),
        lambda: api.list_namespaced_pod(NAMESPACE),
    ):
        with pytest.raises(ApiException) as raised:
            attempt()
        assert raised.value.status == 403


def test_a_worker_s_account_handles_pods_of_its_namespace_and_nothing_else(namespace: Cluster) -> None:
    for verb, resource in (("create", "pods"), ("get", "pods"), ("list", "pods"), ("delete", "pods"), ("get", "pods/log")):
        assert may(namespace, WORKER, verb, resource)
        assert not may(namespace, WORKER, verb, resource, "default")
    for verb, resource in (("get", "secrets"), ("list", "secrets"), ("create", "pods/exec"), ("patch", "pods"), ("get", "nodes")):
        assert not may(namespace, WORKER, verb, resource)
    with pytest.raises(ApiException, match="403"):
        api_as(namespace, WORKER).read_namespaced_secret("settlement-audit", NAMESPACE)
