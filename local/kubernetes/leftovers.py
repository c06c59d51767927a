"""What a cluster leaves behind, also after a crash: containers, mounts, network names, cgroups."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from local.kubernetes.components import socket_of
from local.services.process import is_alive, started_at

_CGROUPS = Path("/sys/fs/cgroup")
_NETWORK_NAMES = Path("/run/netns")
_LOG_LINKS = Path("/var/log/containers")
_SECONDS = 10.0


def clear(state: Path) -> None:
    """End and remove all that the containers of this cluster left: found by its socket, its cgroups, its folder."""
    _end(_shims(state))
    _end(_in_cgroups())
    for mount in sorted(_mounts(state), reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
    for name in _network_names(state):
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    for folder in _cgroups():
        with contextlib.suppress(OSError):  # one that is still busy goes with the next call
            folder.rmdir()
    if _LOG_LINKS.is_dir():
        for link in _LOG_LINKS.iterdir():
            if link.is_symlink() and not link.exists():
                link.unlink(missing_ok=True)


def note_network_names(state: Path) -> None:
    """Note down which network names are somebody else's."""
    (state / "netns.before").write_text("\n".join(_all_network_names()))


def _all_network_names() -> list[str]:
    return sorted(path.name for path in _NETWORK_NAMES.iterdir()) if _NETWORK_NAMES.is_dir() else []


def _network_names(state: Path) -> list[str]:
    """The network names that containerd has made since the cluster began."""
    noted = state / "netns.before"
    if not noted.exists():
        return []
    before = set(noted.read_text().split())
    return [name for name in _all_network_names() if name.startswith("cni-") and name not in before]


def _shims(state: Path) -> Iterator[int]:
    """containerd's keepers of containers: they outlive it."""
    address = str(socket_of(state)).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if arguments[0].endswith(b"containerd-shim-runc-v2") and address in arguments:
                    yield int(entry.name)


def _cgroups() -> list[Path]:
    """The cgroups of pods, the innermost first."""
    found = [folder for top in _CGROUPS.glob("*/kubepods*") for folder in [*top.rglob("*"), top] if folder.is_dir()]
    return sorted(found, key=lambda folder: -len(folder.parts))


def _in_cgroups() -> Iterator[int]:
    for folder in _cgroups():
        with contextlib.suppress(OSError):
            yield from (int(line) for line in (folder / "cgroup.procs").read_text().split())


def _mounts(state: Path) -> list[str]:
    points = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
    return [point for point in points if point.startswith(f"{state}/")]


def _end(processes: Iterator[int]) -> None:
    """Kill processes and wait until they are gone."""
    killed = {pid: started_at(pid) for pid in processes}
    for pid in killed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + _SECONDS
    while any(is_alive(pid, started) for pid, started in killed.items()) and time.monotonic() < until:
        time.sleep(0.05)
