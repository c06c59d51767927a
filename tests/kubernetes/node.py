"""A node that runs out of disk, by its own count: the kubelet is told that it needs more than there can be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local.kubernetes.addresses import NODE
from local.kubernetes.cluster import Cluster

_ENOUGH, _NEVER_ENOUGH = "nodefs.available: 1%", "nodefs.available: 100%"


@contextmanager
def pressed(cluster: Cluster) -> Iterator[None]:
    """Within it the node is under disk pressure: it evicts its pods and takes no others."""
    _needs(cluster, _ENOUGH, _NEVER_ENOUGH)
    try:
        yield
    finally:
        _needs(cluster, _NEVER_ENOUGH, _ENOUGH)
        cluster.kubectl("wait", f"node/{NODE}", "--for=condition=DiskPressure=False", "--timeout=120s")
        cluster.kubectl("wait", f"node/{NODE}", "--for=jsonpath={.spec.taints}=", "--timeout=120s")


def _needs(cluster: Cluster, before: str, after: str) -> None:
    """Restart the kubelet with another threshold; pods go on meanwhile."""
    configuration = cluster.state / "kubelet.yaml"
    text = configuration.read_text()
    assert before in text
    configuration.write_text(text.replace(before, after))
    cluster.stop("kubelet")
    cluster.start("kubelet")
