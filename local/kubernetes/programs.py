"""The cluster's programs: one binary built from Kubernetes' and etcd's modules, kubectl and helm, Debian's containerd."""

from __future__ import annotations

import shutil
from pathlib import Path

from local.helm import tool
from local.services.install import aside, debian, go_build, of_content, say
from local.services.service import cache

HERE = Path(__file__).parent
VERSION = "v1.34.4"
_SOURCE = HERE / "kallinone"
_STAMPED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_DEBIAN = {
    "containerd": "containerd",
    "runc": "runc",
    "ip": "iproute2",
    "nft": "nftables",
    "conntrack": "conntrack",
    "catatonit": "catatonit",
    "mmdebstrap": "mmdebstrap",
    "socat": "socat",
}
CNI = Path("/usr/lib/cni")


def install() -> None:
    """Bring all programs onto this machine, whichever are missing.

    Raises:
        ServiceError: one can't be had.
    """
    missing = [package for name, package in _DEBIAN.items() if not shutil.which(name)]
    if not (CNI / "bridge").exists():
        missing.append("containernetworking-plugins")
    if missing:
        debian(*missing)
    kallinone()
    tool("kubectl")


def kallinone() -> Path:
    """The binary of etcd, control plane, kubelet and kube-proxy; built when it isn't in the cache, for some minutes."""
    kept = cache() / f"kubernetes-{VERSION}-{of_content(_SOURCE / 'main.go', _SOURCE / 'go.sum')}"
    with aside(kept) as made:
        if made is not None:
            say(f"Kubernetes {VERSION}: built from source, 4 to 15 minutes …")
            go_build(_SOURCE, made / "kallinone", f"-s -w {_stamps()}")
    return kept / "kallinone"


def _stamps() -> str:
    """Linker flags by which the components know their version: kubelet and API server compare them."""
    major, minor, _ = VERSION.removeprefix("v").split(".")
    said = {
        "gitVersion": VERSION,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "0" * 40,
        "buildDate": "2026-01-01T00:00:00Z",
    }
    return " ".join(f"-X {package}.{name}={value}" for package in _STAMPED for name, value in said.items())
