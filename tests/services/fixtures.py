"""The services for tests: one stack that all workers share, and small stacks of a test's own."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.services.__main__ import default_state
from local.services.process import is_alive, listener, locked, started_at
from local.services.service import PORTS
from local.services.stack import Stack

_BELOW_EPHEMERAL = range(20_000, 32_000)  # above, a client's own port may be in the way at any moment


@pytest.fixture(scope="session")
def services() -> Iterator[Stack]:
    """All services, ready. Those that ran before are used and go on; else they are stopped by the last worker that uses them.

    Tests that stop or break a service take `own_stack`.
    """
    with shared(Stack(default_state())) as stack:
        yield stack


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that nobody else uses, on ports of its own, with nothing started; stopped and removed at the end."""
    stack = Stack(tmp_path / "services", own_ports())
    try:
        yield stack
    finally:
        stack.down()


@contextmanager
def shared(stack: Stack) -> Iterator[Stack]:
    """Start a stack unless it runs; the last of its users stops it, if one of them has started it."""
    users = stack.state / "tests"  # a line for each user's process, the first says that it was started by tests
    with locked(stack.state / "tests.lock"):
        ours, living = _read(users)
        ours = ours or not any(service.running() for service in stack.services.values())
        stack.up()
        _write(users, ours, [*living, _me()])
    try:
        yield stack
    finally:
        with locked(stack.state / "tests.lock"):
            ours, living = _read(users)
            living.remove(_me())
            _write(users, ours, living)
            if ours and not living:
                stack.down()
                users.unlink()


def own_ports() -> dict[str, int]:
    """A free port for each service."""
    free = (port for port in random.sample(_BELOW_EPHEMERAL, 200) if listener(port) is None)
    return {name: next(free) for name in PORTS}


def _me() -> str:
    return f"{os.getpid()} {started_at(os.getpid())}"


def _read(users: Path) -> tuple[bool, list[str]]:
    """Whether tests started the stack, and the users that still live."""
    if not users.exists():
        return False, []
    kind, *lines = users.read_text().splitlines()
    return kind == "ours", [line for line in lines if is_alive(int(line.split()[0]), line.split()[1])]


def _write(users: Path, ours: bool, living: list[str]) -> None:
    users.write_text("\n".join(["ours" if ours else "found", *living]))
