"""What every service has: a place in the cache for its program, a folder for its state, a process, and a proof that it works."""

from __future__ import annotations

import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from local.services.process import Process, listener, locked

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_STATE = ROOT / ".work" / "services"
HOST = "127.0.0.1"
REGION = "ap-northeast-2"
PORTS = {"postgres": 15432, "s3": 17070, "metastore": 19083, "hive": 10010, "trino": 18080, "aws": 15055}
_OF_OTHERS = ("AIRFLOW", "SETTLEMENT_", "AWS_", "PYTHON", "JAVA_", "HADOOP_", "HIVE_", "PG")


class ServiceError(RuntimeError):
    """A service can't be installed or started, or doesn't work: names it, its log and what to do."""


class Service(ABC):
    """One server on this machine.

    A service of a single process says `command`, `environment`, `prepare` and `ready`; everything else is here.

    Args:
        state: folder of all services; this one writes below `<state>/<name>` only.
        ports: by service, where they differ from `ports()`.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()  # services that have to be ready before this one starts
    port_names: ClassVar[tuple[str, ...]] = ()  # its ports, as they are called in PORTS; default: its name
    start_seconds: ClassVar[float] = 120
    stop_seconds: ClassVar[float] = 30

    def __init__(self, state: Path, ports: Mapping[str, int] | None = None) -> None:
        self.state = state.resolve()
        self.ports = {**default_ports(), **(ports or {})}
        self.process = Process(self.home / "pid", self.home / "log")

    # -- what a service says of itself -------------------------------------------------------------------------------

    def install(self) -> None:  # noqa: B027  # nothing to do is an answer
        """Bring the program into the cache, unless it is there. Takes effect whole or not at all.

        Raises:
            ServiceError: it can't be had.
        """

    def prepare(self) -> None:  # noqa: B027
        """Write what the process needs to start: configuration, data folders."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """What is run."""

    def environment(self) -> dict[str, str]:
        """Variables of the process beside those of `plain_environment`."""
        return {}

    @abstractmethod
    def ready(self) -> None:
        """Raises until a real query passes; any exception will do."""

    @abstractmethod
    def addresses(self) -> dict[str, str]:
        """Where it answers: name → address."""

    def variables(self) -> dict[str, str]:
        """Variables by which programs find it and may use it."""
        return {}

    # -- what all have in common -------------------------------------------------------------------------------------

    @property
    def home(self) -> Path:
        return self.state / self.name

    @property
    def port(self) -> int:
        return self.ports[self.name]

    @property
    def cached(self) -> Path:
        """Where its program lies."""
        return cache() / self.name

    def start(self) -> None:
        """Start it, unless it runs. Doesn't wait: see `wait`.

        Raises:
            ServiceError: somebody else has one of its ports.
        """
        with locked(self.home / "lock"):
            if self.process.pid() is not None:
                return
            for name in self.port_names or (self.name,):
                refuse_taken(self.name, name, self.ports[name])
            self.prepare()
            self.process.start(self.command(), {**plain_environment(), **self.environment()}, self.home)

    def wait(self) -> None:
        """Wait until it works.

        Raises:
            ServiceError: it ended, or doesn't work after `start_seconds`; the last lines of its log.
        """
        until = time.monotonic() + self.start_seconds
        while True:
            try:
                self.ready()
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                return
            if not self.running():
                raise ServiceError(f"{self.name} ended; the last lines of {self.process.log}:\n{self.process.tail()}")
            if time.monotonic() > until:
                raise ServiceError(
                    f"{self.name} isn't ready after {self.start_seconds:.0f} s ({reason[:500]}); "
                    f"the last lines of {self.process.log}:\n{self.process.tail()}"
                )
            time.sleep(0.2)

    def up(self) -> None:
        """Install it, start it, wait until it works."""
        self.install()
        self.start()
        self.wait()

    def stop(self) -> None:
        """Stop it, if it runs; its data stay."""
        with locked(self.home / "lock"):
            self.process.stop(self.stop_seconds)

    def kill(self) -> None:
        """End it at once, as a lost machine would."""
        self.process.kill()

    def running(self) -> bool:
        """Whether its process lives."""
        return self.process.pid() is not None

    def memory(self) -> int:
        """Bytes in memory of its processes."""
        return self.process.memory()


def cache() -> Path:
    """Where programs are kept: `$SETTLEMENT_CACHE/services`, by default below ~/.cache/settlement."""
    return Path(os.environ.get("SETTLEMENT_CACHE", "~/.cache/settlement")).expanduser() / "services"


def default_ports() -> dict[str, int]:
    """The ports of all services: `PORTS`, or what `SETTLEMENT_PORT_<NAME>` says.

    Raises:
        ServiceError: a variable is no port.
    """
    return {name: _port(f"SETTLEMENT_PORT_{name.upper()}", usual) for name, usual in PORTS.items()}


def plain_environment() -> dict[str, str]:
    """Variables of this process that a server may see: none of another program's settings or secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
    return {**kept, "TZ": "UTC", "LC_ALL": "C.UTF-8"}


def refuse_taken(service: str, name: str, port: int) -> None:
    """Raise if somebody listens on a port.

    Raises:
        ServiceError: says who, and what to set.
    """
    holder = listener(port)
    if holder is not None:
        raise ServiceError(
            f"{service} can't start: {holder} has port {port}; "
            f"end it, or choose another port with SETTLEMENT_PORT_{name.upper()}=…"
        )


def refuse_silent(port: int) -> None:
    """Raise unless somebody listens on a port: for clients that print a line for every refusal.

    Raises:
        OSError: nobody does.
    """
    socket.create_connection((HOST, port), timeout=2).close()


def _port(variable: str, usual: int) -> int:
    said = os.environ.get(variable, "")
    if not said:
        return usual
    if not said.isdecimal() or not 0 < int(said) < 65_536:
        raise ServiceError(f"{variable}={said!r} is no port: a whole number from 1 to 65535")
    return int(said)
