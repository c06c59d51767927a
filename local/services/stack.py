"""All services of a state folder together: started in the order of what needs what, stopped the other way round."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from local.services.install import say
from local.services.process import locked
from local.services.service import DEFAULT_STATE, Service, ServiceError, default_ports

# In the order of starting; a module is imported when its service is asked for.
REGISTRY = {
    "postgres": "local.services.postgres:Postgres",
    "s3": "local.services.s3:S3",
    "aws": "local.services.aws:Aws",
    "hive": "local.services.hive:Hive",
    "trino": "local.services.trino:Trino",
}

Kind = TypeVar("Kind", bound=Service)


@dataclass(frozen=True)
class Status:
    """How a service is.

    Args:
        name: of the service.
        running: whether its process lives.
        trouble: why no query passes; empty when it works.
        memory: bytes in memory.
        addresses: name → address.
    """

    name: str
    running: bool
    trouble: str
    memory: int
    addresses: dict[str, str]

    @property
    def ready(self) -> bool:
        return self.running and not self.trouble


class Stack:
    """The services of one state folder. Several stacks can run side by side on ports of their own.

    Args:
        state: folder of all that they write.
        ports: where they differ from `default_ports()`.
    """

    def __init__(self, state: Path = DEFAULT_STATE, ports: Mapping[str, int] | None = None) -> None:
        self.state = state.resolve()
        self.ports = {**default_ports(), **(ports or {})}
        self.services: dict[str, Service] = {name: _class(at)(self.state, self.ports) for name, at in REGISTRY.items()}

    def up(self, names: Iterable[str] = ()) -> None:
        """Install and start services, with those that they need, and wait until each works; all of them without names.

        Two processes may call it at once: the second finds them running.

        Raises:
            ServiceError: one can't be had or started, or doesn't work; the others that were started go on.
        """
        wanted = self._with_needed(names)
        with locked(self.state / "lock"):
            _all(_install, wanted)
            for turn in _in_turns(wanted):
                _all(_started, turn)

    def down(self) -> None:
        """Stop all of them; what they have stored stays."""
        with locked(self.state / "lock"):
            for service in reversed(self.services.values()):
                service.stop()

    def status(self) -> list[Status]:
        """How each service is, by asking it."""
        with ThreadPoolExecutor(len(self.services)) as pool:
            return list(pool.map(_status, self.services.values()))

    def environment(self) -> dict[str, str]:
        """Variables by which programs find the services and may use them. Secrets are among them: not for logs."""
        return {name: value for service in self.services.values() for name, value in service.variables().items()}

    def of(self, kind: type[Kind]) -> Kind:
        """The service of a class."""
        found = self.services[kind.name]
        assert isinstance(found, kind)
        return found

    def _with_needed(self, names: Iterable[str]) -> list[Service]:
        """Services by name and what they need, in the order of starting.

        Raises:
            ServiceError: there is no service of a name.
        """
        wanted: set[str] = set()
        left = list(names) or list(self.services)
        while left:
            name = left.pop()
            if name not in self.services:
                raise ServiceError(f"there is no service {name!r}: {', '.join(self.services)}")
            if name not in wanted:
                wanted.add(name)
                left += self.services[name].needs
        return [service for name, service in self.services.items() if name in wanted]


def _class(at: str) -> type[Service]:
    module, _, name = at.partition(":")
    found: type[Service] = getattr(importlib.import_module(module), name)
    return found


def _in_turns(services: list[Service]) -> list[list[Service]]:
    """Services in groups: each needs only services of groups before its own."""
    turns: list[list[Service]] = []
    done: set[str] = set()
    left = list(services)
    while left:
        turn = [service for service in left if done.issuperset(service.needs)]
        assert turn, "services that need each other"
        turns.append(turn)
        done |= {service.name for service in turn}
        left = [service for service in left if service not in turn]
    return turns


def _all(what: Callable[[Service], None], services: list[Service]) -> None:
    """Do something with services at the same time; raises the first error when all have ended."""
    with ThreadPoolExecutor(len(services)) as pool:
        done = [pool.submit(what, service) for service in services]
    for one in done:
        one.result()


def _started(service: Service) -> None:
    if service.running():
        service.wait()
        return
    say(f"{service.name}: starting …")
    service.start()
    service.wait()


def _install(service: Service) -> None:
    service.install()


def _status(service: Service) -> Status:
    running = service.running()
    trouble = "" if running else "stopped"
    if running:
        try:
            service.ready()
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
    return Status(service.name, running, trouble, service.memory(), service.addresses())
