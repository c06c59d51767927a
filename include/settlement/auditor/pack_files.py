"""How the files of an audit pack are written: UTF-8, `\\n`, CSV with a header, JSON with sorted keys."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Rows:
    """A CSV file: its header, and its rows in order; null is written as nothing."""

    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


def write_csv(path: Path, content: Rows) -> None:
    """Write a CSV file (RFC 4180)."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(content.header)
        writer.writerows(content.rows)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file that people read too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write text; every line brings its end."""
    with path.open("w", encoding="utf-8", newline="") as out:
        out.writelines(lines)
