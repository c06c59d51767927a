"""Timing and memory of one piece of work in a process of its own, and what machine it ran on."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb


@dataclass(frozen=True)
class Measured:
    """Wall-clock seconds, and the peak resident memory of the largest process in MiB."""

    seconds: float
    peak_mib: int


def timed(work: Callable[[], object], times: int = 1) -> float:
    """Seconds of the fastest of some calls."""
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def in_process(module: str, *arguments: str) -> Measured:
    """Run `python -m module arguments`; it prints the seconds of its own work as its last line."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    seconds, peak = done.stdout.strip().splitlines()[-1].split()
    return Measured(float(seconds), int(peak))


def report_own(seconds: float) -> None:
    """The last line of a measured process: its seconds, and the peak memory of it or its largest child in MiB."""
    kib = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sys.stdout.write(f"{seconds} {kib // 1024}\n")


def zcat_seconds(files: Sequence[Path]) -> float:
    """Seconds that `zcat` takes to decompress files one after the other into nothing: the fastest of three."""
    names = [str(path) for path in files]
    return timed(lambda: subprocess.run(["zcat", *names], check=True, stdout=subprocess.DEVNULL), times=3)


def machine() -> str:
    """One line about the machine."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return f"{os.cpu_count()} × {model}, {memory} GiB, Python {platform.python_version()}, DuckDB {duckdb.__version__}"
