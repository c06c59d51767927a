"""`python -m local.kubernetes up|down|status|load`: a real one-node Kubernetes on this machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from local.helm import tool
from local.kubernetes import programs
from local.kubernetes.cluster import Cluster
from local.services.service import ServiceError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.kubernetes", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "load"])
    parser.add_argument("images", nargs="*", type=Path, metavar="ARCHIVE", help="load: images to bring into the cluster")
    asked = parser.parse_args()
    error = Console(stderr=True, soft_wrap=True, highlight=False)
    if os.geteuid() != 0:
        error.print("error: a cluster needs root: namespaces, mounts and cgroups; run it by sudo", style="red", markup=False)
        return 1
    try:
        return _do(asked.command, asked.images, Cluster(), Console(highlight=False, soft_wrap=True))
    except ServiceError as failed:
        error.print(f"error: {failed}", style="red", markup=False)
        return 1


def _do(command: str, archives: list[Path], cluster: Cluster, out: Console) -> int:
    """Carry out a command; returns the exit code."""
    if command == "down":
        cluster.down()
        out.print("The cluster is stopped, and what it made is removed.")
        return 0
    if command == "up":
        cluster.up()
    works = cluster.works()
    for archive in archives if works else []:
        cluster.load(archive)
    if not works:
        out.print("No cluster runs: make k8s-up", markup=False)
        return 1
    out.print(
        f"Kubernetes {programs.VERSION} works, {cluster.memory() / 2**20:,.0f} MiB; logs: {cluster.state}/log", markup=False
    )
    out.print(f'export KUBECONFIG={cluster.keys.kubeconfig} PATH="{tool("kubectl").parent}:$PATH"', markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
