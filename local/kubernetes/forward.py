"""Servers of 127.0.0.1 for pods: they find them on the bridge, under the same port."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from local.kubernetes.addresses import ADDRESS
from local.services.process import Process
from local.services.service import HOST, plain_environment


class Forward:
    """One port of this machine, passed on by socat. Ends with the process that started it.

    Args:
        folder: of its log and process id.
        port: the server's.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        self._process = Process(folder / f"forward-{port}.pid", folder / f"forward-{port}.log", tied=True)

    @property
    def address(self) -> str:
        """Where pods find the server."""
        return f"{ADDRESS}:{self.port}"

    def start(self) -> None:
        listen = f"TCP-LISTEN:{self.port},bind={ADDRESS},reuseaddr,fork"
        self._process.start(["socat", listen, f"TCP:{HOST}:{self.port}"], plain_environment(), self._folder)

    def stop(self) -> None:
        self.release()
        self._process.stop(patience=5)

    def hold(self) -> None:
        """Let new connections wait: what uses them hangs until `release`."""
        self._signal(signal.SIGSTOP)

    def release(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, kind: signal.Signals) -> None:
        pid = self._process.pid()
        if pid is not None:
            os.kill(pid, kind)
