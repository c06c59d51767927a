"""Where the cluster is: a bridge of its own, so that nothing but this machine's own test network is ever addressed."""

from __future__ import annotations

import os
from pathlib import Path

BRIDGE = "settlement-k8s"
ADDRESS = "10.89.0.1"  # of the bridge: the node's, the API server's, and where pods reach servers of this machine
POD_NET = "10.89.0.0/24"
SERVICE_NET = "10.96.0.0/24"
API_SERVICE = "10.96.0.1"  # the first of SERVICE_NET: the API server as pods know it
NODE = "node1"

API_PORT = 16443
ETCD_PORT = 12379
ETCD_PEER_PORT = 12380
KUBELET_PORT = 10250
KUBELET_HEALTH_PORT = 10248
CONTROLLERS_PORT = 10257
SCHEDULER_PORT = 10259
PROXY_HEALTH_PORT = 10256
PROXY_METRICS_PORT = 10249
PORTS = (
    API_PORT,
    ETCD_PORT,
    ETCD_PEER_PORT,
    KUBELET_PORT,
    KUBELET_HEALTH_PORT,
    CONTROLLERS_PORT,
    SCHEDULER_PORT,
    PROXY_HEALTH_PORT,
    PROXY_METRICS_PORT,
)

API = f"https://{ADDRESS}:{API_PORT}"
LOCK = Path("/var/lock/settlement-kubernetes.lock")  # of the machine: a bridge, ports and cgroups can be had once


def default_state() -> Path:
    """Folder of all that the cluster writes: `$SETTLEMENT_KUBERNETES_STATE`, else one of this machine."""
    return Path(os.environ.get("SETTLEMENT_KUBERNETES_STATE") or "/var/lib/settlement-kubernetes")
