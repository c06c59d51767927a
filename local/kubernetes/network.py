"""The bridge that node and pods are on, and the kernel's settings that Kubernetes changes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from local.kubernetes.addresses import ADDRESS, BRIDGE, POD_NET
from local.services.install import run

# What the kubelet, kube-proxy and the bridge plugin set; put back when the cluster ends.
_CHANGED = (
    "vm/overcommit_memory",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/route_localnet",
)
_PROC = Path("/proc/sys")


def up(state: Path) -> None:
    """Note the kernel's settings down, once, and make the bridge."""
    noted = _noted(state)
    if not noted.exists():
        said = {name: (_PROC / name).read_text().strip() for name in _CHANGED if (_PROC / name).exists()}
        noted.with_suffix(".new").write_text(json.dumps(said, indent=2))
        noted.with_suffix(".new").rename(noted)
    if not (Path("/sys/class/net") / BRIDGE).exists():
        run(["ip", "link", "add", BRIDGE, "type", "bridge"])
    run(["ip", "address", "replace", f"{ADDRESS}/{POD_NET.partition('/')[2]}", "dev", BRIDGE])
    run(["ip", "link", "set", BRIDGE, "up"])


def down(state: Path) -> None:
    """Remove bridge and rules, and put the kernel's settings back; what isn't there any more is no error."""
    _try("ip", "link", "delete", BRIDGE)
    for family in ("ip", "ip6"):
        _try("nft", "delete", "table", family, "kube-proxy")
    if _noted(state).exists():
        for name, value in json.loads(_noted(state).read_text()).items():
            (_PROC / name).write_text(value)


def _noted(state: Path) -> Path:
    return state / "sysctl.json"


def _try(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=False)
