"""Runs the command and kills its process by SIGKILL at one exact call of one function of the package."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from settlement.cli import main


@dataclass(frozen=True)
class Point:
    """The n-th call of a function, before or after it did its work.

    `function` is `module:name` or `module:Class.name`, where it is used; `kind` counts only calls with such an argument.
    """

    function: str
    when: Literal["before", "after"]
    call: int = 1
    kind: str | None = None

    def __str__(self) -> str:
        name = self.function.split(":")[1]
        return f"{self.when} {name} {self.kind or ''} {self.call}".replace("  ", " ")


def run_killed(point: Point, arguments: Sequence[str]) -> None:
    """Run the command in this process; it doesn't live to see the point passed."""
    calls = 0

    def make(real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += point.kind is None or point.kind in args
            here = calls == point.call
            if here and point.when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = real(*args, **kwargs)
            if here:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counted

    replace(point.function, make)
    sys.argv = ["settlement", *arguments]
    main()


def replace(function: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put `make(function)` in a function's place, where a module or a class has it."""
    module, _, name = function.partition(":")
    owner: Any = importlib.import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    setattr(owner, last, make(getattr(owner, last)))
