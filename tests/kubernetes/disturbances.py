"""What can happen to a cluster around its pods: a node without room, an API that is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local.kubernetes.addresses import NODE
from local.kubernetes.cluster import Cluster

# The kubelet is told that it needs more than there is; it takes 100 % for no threshold at all.
_ENOUGH, _NEVER_ENOUGH = "nodefs.available: 1%", "nodefs.available: 99%"
_TAINT = "node.kubernetes.io/disk-pressure"


@contextmanager
def pressed(cluster: Cluster) -> Iterator[None]:
    """Within it the node is under disk pressure: it evicts its pods and takes no others."""
    _needs(cluster, _ENOUGH, _NEVER_ENOUGH)
    try:
        yield
    finally:
        _needs(cluster, _NEVER_ENOUGH, _ENOUGH)
        cluster.kubectl("wait", f"node/{NODE}", "--for=condition=DiskPressure=False", "--timeout=120s")


def until_tainted(cluster: Cluster) -> None:
    """Wait until the scheduler, too, knows of the pressure: before, the node itself turns pods away."""
    cluster.kubectl("wait", f"node/{NODE}", f"--for=jsonpath={{.spec.taints[0].key}}={_TAINT}", "--timeout=120s")


def _needs(cluster: Cluster, before: str, after: str) -> None:
    """Restart the kubelet with another threshold; pods go on meanwhile."""
    configuration = cluster.state / "kubelet.yaml"
    text = configuration.read_text()
    assert before in text
    configuration.write_text(text.replace(before, after))
    cluster.stop("kubelet")
    cluster.start("kubelet")


@contextmanager
def api_away(cluster: Cluster) -> Iterator[None]:
    """Within it the API server has ended."""
    cluster.stop("kube-apiserver")
    try:
        yield
    finally:
        cluster.start("kube-apiserver")
