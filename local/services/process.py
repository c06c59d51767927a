"""A process that outlives who started it: found again by its pid file, stopped with all that it started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from settlement.processes import die_with_parent

_STATE, _GROUP, _STARTED = 0, 2, 19  # fields of /proc/<pid>/stat, counted after the name
_LISTENS = "0A"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}  # started by this process; kept to be collected when they end


@dataclass
class Process:
    """One process, the leader of a group of its own.

    Args:
        pid_file: where its id and start time are kept, so that an id that was given away again isn't taken for it.
        log: what it prints; added to at each start.
        tied: whether it is asked to end when the process that started it has ended.
    """

    pid_file: Path
    log: Path
    tied: bool = False

    def start(self, command: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> None:
        """Start it, unless it runs."""
        if self.pid() is not None:
            return
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as stream:
            child = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM) if self.tied else None,  # noqa: PLW1509  # two system calls
            )
        _CHILDREN[child.pid] = child
        self.pid_file.write_text(f"{child.pid} {started_at(child.pid)}")

    def pid(self) -> int | None:
        """Its id, if it still is the process that was started."""
        try:
            pid, started = self.pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        _collect()
        return int(pid) if is_alive(int(pid), started) else None

    def stop(self, patience: float) -> None:
        """End it and all that it started: asked first, killed when it hasn't ended after `patience` seconds."""
        pid = self.pid()
        if pid is not None:
            for kind, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
                _signal_group(pid, kind)
                if _is_gone(pid, seconds):
                    break
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it and all that it started at once, as a lost machine would; the pid file stays."""
        pid = self.pid()
        if pid is not None:
            _signal_group(pid, signal.SIGKILL)
            _is_gone(pid, 10.0)

    def memory(self) -> int:
        """Bytes in memory of the whole group; 0 when it doesn't run."""
        pid = self.pid()
        return 0 if pid is None else sum(_resident(member) for member in _members(pid))

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(it has no log)"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock; the kernel gives it back when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def is_alive(pid: int, started: str) -> bool:
    """Whether a process that was noted down with its start time still runs."""
    stat = _stat(pid)
    return stat is not None and stat[_STARTED] == started and _lives(pid, stat)


def started_at(pid: int) -> str:
    """A process's start time in ticks since the machine's own; empty when there is no such process."""
    stat = _stat(pid)
    return stat[_STARTED] if stat is not None else ""


def listener(port: int) -> str | None:
    """Who listens on a port: `process 123 (java -cp …)`, or `somebody` of another user; None when it is free."""
    sockets = _listening(port)
    if not sockets:
        return None
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and sockets & _sockets(entry):
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                return f"process {entry.name} ({command[:80]})"
    return "somebody"


def _listening(port: int) -> set[str]:
    """The inodes of the sockets that listen on a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _sockets(process: Path) -> set[str]:
    """The inodes of a process's open sockets; none when it isn't ours to look at."""
    found = set()
    with contextlib.suppress(OSError):
        for handle in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(handle.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def _collect() -> None:
    """Let go of children that have ended."""
    for pid, child in list(_CHILDREN.items()):
        if child.poll() is not None:
            _CHILDREN.pop(pid, None)


def _is_gone(group: int, patience: float) -> bool:
    """Wait until nothing of a group lives; False when it takes longer than `patience` seconds."""
    until = time.monotonic() + patience
    while True:
        if not any(True for _ in _members(group)):
            _collect()  # what ended just now is let go of, too
            return True
        _collect()
        if time.monotonic() > until:
            return False
        time.sleep(0.05)


def _signal_group(pid: int, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, kind)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the process's name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _members(group: int) -> Iterator[int]:
    """The living processes of a group."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            stat = _stat(int(entry.name))
            if stat is not None and int(stat[_GROUP]) == group and _lives(int(entry.name), stat):
                yield int(entry.name)


def _lives(pid: int, stat: list[str]) -> bool:
    """Whether a process has a thread left. When the first has ended, others may still hold the ports."""
    if stat[_STATE] != "Z":
        return True
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
