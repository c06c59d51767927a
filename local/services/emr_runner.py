"""Runs the steps of the clusters that moto only keeps a list of: each by beeline, as EMR's `hive-script` does by Hive.

One thread looks at all clusters in turn. A step is a process group of its own, which ends with this process.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from moto.core.utils import utcnow

from settlement.processes import die_with_parent

LOCK = threading.RLock()  # of the states of steps: those who cancel them, and this
ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
_LOOK_SECONDS = 0.1
_GRACE_SECONDS = 3.0  # between an interrupt and a kill
_MESSAGE = 500
_HIVE = ("hive-script", "--run-hive-script", "--args")
_VALUES = {
    "-d": "--hivevar",
    "--define": "--hivevar",
    "--hivevar": "--hivevar",
    "-hiveconf": "--hiveconf",
    "--hiveconf": "--hiveconf",
}
_log = logging.getLogger(__name__)


@dataclass
class Running:
    """A step at work: its process, its folder, since when it is asked to end."""

    process: subprocess.Popen[bytes]
    folder: Path
    asked: float | None = None


class StepRunner:
    """Runs steps until it is stopped.

    Args:
        clusters: gives moto's clusters.
        hive: the command that runs a file of HiveQL; `-f <file>` and `--hivevar name=value` are added.
        s3: gives a boto3 client of the store that scripts and logs lie in.
        work: folder for a step's script and output.
    """

    def __init__(self, clusters: Callable[[], Iterable[Any]], hive: Sequence[str], s3: Callable[[], Any], work: Path) -> None:
        self._clusters = clusters
        self._hive = hive
        self._s3 = s3
        self._work = work
        self._running: dict[str, Running] = {}

    def run(self, stop: threading.Event) -> None:
        """Look at all clusters again and again. Must be called in a thread that lives as long as the process."""
        while not stop.wait(_LOOK_SECONDS):
            for cluster in list(self._clusters()):
                try:
                    self.look(cluster)
                except Exception:  # another cluster's steps go on
                    _log.exception("can't look at cluster %s", cluster.id)

    def look(self, cluster: Any) -> None:
        """End what has ended or must end, start what may start."""
        if cluster.state in ENDED:
            return
        for step in list(cluster.steps):
            running = self._running.get(step.id)
            if running is not None:
                self._go_on(cluster, step, running)
        with LOCK:
            if cluster.state == "TERMINATING":
                self._terminate(cluster)
                return
            at_work = sum(step.state in ("RUNNING", "CANCEL_PENDING") for step in cluster.steps)
            free = (cluster.step_concurrency_level or 1) - at_work
            waiting = [step for step in cluster.steps if step.state == "PENDING"]
            for step in waiting[: max(free, 0)]:  # in the order they were added
                self._start(cluster, step)
            if cluster.state in ("RUNNING", "WAITING"):
                live = any(step.state in ("PENDING", "RUNNING", "CANCEL_PENDING") for step in cluster.steps)
                cluster.state = "RUNNING" if live else "WAITING"

    def _start(self, cluster: Any, step: Any) -> None:
        folder = self._work / step.id
        folder.mkdir(parents=True, exist_ok=True)
        step.state = "RUNNING"
        step.start()
        try:
            command = self._command(step, folder)
            with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env=_environment(),
                    start_new_session=True,
                    preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509  # two system calls
                )
        except Exception as error:
            (folder / "stderr").write_text(f"{type(error).__name__}: {error}\n")
            self._end(cluster, step, folder, 1)
            return
        self._running[step.id] = Running(process, folder)
        _log.info("%s %s: started", step.id, step.name)

    def _command(self, step: Any, folder: Path) -> list[str]:
        if not step.jar.endswith("command-runner.jar") or tuple(step.args[:3]) != _HIVE:
            raise ValueError(f"{step.jar} {' '.join(step.args)}: only command-runner.jar {' '.join(_HIVE)} … is run here")
        rest = list(step.args[3:])
        command = list(self._hive)
        while rest:
            name = rest.pop(0)
            value = rest.pop(0)
            if name == "-f":
                script = folder / "script.hql"
                script.write_bytes(self._read(value))
                command += ["-f", str(script)]
            else:
                command += [_VALUES[name], value]
        return command

    def _go_on(self, cluster: Any, step: Any, running: Running) -> None:
        if running.process.poll() is not None:
            del self._running[step.id]
            self._end(cluster, step, running.folder, running.process.returncode)
            _kill(running.process, signal.SIGKILL)  # what it has started doesn't outlive it
            return
        if step.state != "CANCEL_PENDING" and cluster.state != "TERMINATING":
            return
        if running.asked is None:
            running.asked = time.monotonic()
            _kill(running.process, signal.SIGINT)
        killed = getattr(step, "cancellation", "") == "TERMINATE_PROCESS"
        if killed or time.monotonic() - running.asked > _GRACE_SECONDS:
            _kill(running.process, signal.SIGKILL)

    def _end(self, cluster: Any, step: Any, folder: Path, code: int) -> None:
        address = self._keep_logs(cluster, step, folder)
        with LOCK:
            step.end_date_time = utcnow()
            if step.state == "CANCEL_PENDING" or cluster.state == "TERMINATING":
                step.last_state_change_reason = (
                    "Step was cancelled by the user." if cluster.state != "TERMINATING" else "Job terminated."
                )
                step.state = "CANCELLED"
            elif code == 0:
                step.state = "COMPLETED"
            else:
                message = (folder / "stderr").read_text(errors="replace").strip()[-_MESSAGE:]
                step.failure_details = {"Reason": "Unknown Error.", "Message": message or f"exit code {code}", "LogFile": address}
                step.state = "FAILED"
                self._after_failure(cluster, step.action_on_failure)
        _log.info("%s %s: %s", step.id, step.name, step.state)

    def _after_failure(self, cluster: Any, action: str) -> None:
        if action == "CONTINUE":
            return
        for other in cluster.steps:
            if other.state == "PENDING":
                other.state = "CANCELLED"
        if action.startswith("TERMINATE"):
            cluster.terminate()

    def _terminate(self, cluster: Any) -> None:
        for step in cluster.steps:
            if step.state == "PENDING":
                step.state, step.last_state_change_reason = "CANCELLED", "Job terminated."
        if not any(step.id in self._running for step in cluster.steps):
            cluster.end_datetime = utcnow()
            cluster.state = "TERMINATED"

    def _read(self, address: str) -> bytes:
        bucket, key = _split(address)
        content: bytes = self._s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def _keep_logs(self, cluster: Any, step: Any, folder: Path) -> str:
        """Put the logs where EMR puts them and return the address of stderr; a step doesn't fail for its logs."""
        if not cluster.log_uri:
            return ""
        bucket, prefix = _split(cluster.log_uri)
        prefix = "/".join(part for part in (prefix.strip("/"), cluster.id, "steps", step.id) if part)
        for name in ("stdout", "stderr"):
            try:
                packed = gzip.compress((folder / name).read_bytes(), mtime=0)
                self._s3().put_object(Bucket=bucket, Key=f"{prefix}/{name}.gz", Body=packed)
            except Exception as error:
                _log.warning("%s: no %s is kept: %s", step.id, name, error)
        return f"s3://{bucket}/{prefix}/stderr.gz"


def _split(address: str) -> tuple[str, str]:
    if not re.match(r"s3[an]?://", address):
        raise ValueError(f"{address} isn't in S3")
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")


def _kill(process: subprocess.Popen[bytes], kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, kind)


def _environment() -> dict[str, str]:
    """What a step may see: no keys, since HiveServer2 has its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
