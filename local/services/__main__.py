"""`python -m local.services up|down|status|env`: the real servers of the profile `services` on this machine."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.services.service import DEFAULT_STATE, ServiceError
from local.services.stack import REGISTRY, Stack, Status


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.services", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "env"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"up: which, with what they need: {', '.join(REGISTRY)}")
    parser.add_argument("--state", type=Path, default=default_state(), help="folder of data, logs and process ids")
    asked = parser.parse_args()
    out = Console(highlight=False, soft_wrap=True)
    try:
        return _do(asked.command, asked.names, Stack(asked.state), out)
    except ServiceError as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {error}", style="red", markup=False)
        return 1


def default_state() -> Path:
    """`$SETTLEMENT_SERVICES_STATE`, or a folder below the checkout's .work."""
    return Path(os.environ.get("SETTLEMENT_SERVICES_STATE") or DEFAULT_STATE)


def _do(command: str, names: list[str], stack: Stack, out: Console) -> int:
    """Carry out a command; returns the exit code."""
    if command == "env":
        for name, value in stack.environment().items():
            out.print(f"export {name}={shlex.quote(value)}", markup=False)
        return 0
    if command == "down":
        stack.down()
        out.print("All services are stopped; their data stay until you remove the folder.")
        return 0
    if command == "up":
        stack.up(names)
    found = [status for status in stack.status() if not names or status.name in names]
    out.print(_table(found))
    out.print(f"State and logs: {stack.state}", markup=False)
    for status in found:
        if status.running and status.trouble:
            out.print(f"{status.name}: {status.trouble}", markup=False)
    return 0 if command == "up" or all(status.ready for status in found) else 1


def _table(found: list[Status]) -> Table:
    table = Table("service", "state", "memory", "addresses", box=None, pad_edge=False)
    for status in found:
        state = "ready" if status.ready else "not ready" if status.running else "stopped"
        memory = f"{status.memory / 2**20:,.0f} MiB" if status.running else ""
        table.add_row(status.name, state, memory, "  ".join(status.addresses.values()) if status.running else "")
    table.caption = f"memory in all: {sum(status.memory for status in found) / 2**20:,.0f} MiB"
    table.caption_justify = "left"
    return table


if __name__ == "__main__":
    sys.exit(main())
