"""`python charts/values_table.py`: writes the table of values in a chart's README.md out of the comments in values.yaml."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_CHART = Path(__file__).parent / "settlement"
_LINE = re.compile(r"(?P<indent> *)(?P<key>[\w-]+):(?P<value>.*?)(?: # (?P<said>.*))?")
_TABLE = re.compile(r"(?<=<!-- values -->\n).*(?=<!-- end of values -->)", re.DOTALL)


def table(values: str) -> str:
    """A row for each key with a comment behind it: its path, its default, what it is."""
    rows = [f"| `{path}` | {f'`{value}`' if value else 'below it'} | {said} |" for path, value, said in _said(values)]
    return "\n".join(["| value | default | what it is |", "| --- | --- | --- |", *rows, ""])


def readme(text: str, values: str) -> str:
    """A README with its table made anew."""
    return _TABLE.sub(lambda _: f"\n{table(values)}\n", text)


def _said(values: str) -> Iterator[tuple[str, str, str]]:
    path: list[str] = []
    for line in values.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        path = [*path[: len(match["indent"]) // 2], match["key"]]
        if match["said"]:
            yield ".".join(path), match["value"].strip(), match["said"].replace("|", "\\|")


def main() -> int:
    page = _CHART / "README.md"
    page.write_text(readme(page.read_text("utf-8"), (_CHART / "values.yaml").read_text("utf-8")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
