"""Small and read-only file systems to run into: mounted for the length of a test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _as_root(*command: str) -> None:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


@contextmanager
def _mounted(place: Path, *options: str) -> Iterator[None]:
    try:
        _as_root("mount", *options, str(place))
    except OSError as refused:  # neither root nor sudo, or a container without the right to mount
        pytest.fail(f"this test mounts a small file system, as root or by sudo: {refused}")
    try:
        yield
    finally:
        _as_root("umount", "-l", str(place))


class Disk:
    """A file system in memory whose size can be changed."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def leave(self, free: int) -> None:
        """Shrink or enlarge it so that so many bytes are free."""
        stat = os.statvfs(self.place)
        used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize
        _as_root("mount", "-o", f"remount,size={used + free}", str(self.place))

    def enlarge(self, more: int) -> None:
        """Add so many bytes."""
        stat = os.statvfs(self.place)
        _as_root("mount", "-o", f"remount,size={stat.f_blocks * stat.f_frsize + more}", str(self.place))

    def read_only(self) -> None:
        _as_root("mount", "-o", "remount,ro", str(self.place))

    def writable(self) -> None:
        _as_root("mount", "-o", "remount,rw", str(self.place))


@contextmanager
def small_disk(place: Path, content: Path) -> Iterator[Disk]:
    """A disk mounted at the place with a copy of a folder's content."""
    place.mkdir()
    owner = f"uid={os.geteuid()},gid={os.getegid()}"
    with _mounted(place, "-t", "tmpfs", "-o", f"size=256m,{owner}", "tmpfs"):
        shutil.copytree(content, place / content.name)
        yield Disk(place)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that can be read and not written, by root neither."""
    folder.mkdir(exist_ok=True)
    with _mounted(folder, "--bind", str(folder)):
        _as_root("mount", "-o", "remount,ro,bind", str(folder))
        yield
