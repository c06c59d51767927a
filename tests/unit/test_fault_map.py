"""docs/reliability.md lists every fault with exactly the tests that show it: by their names, or by the marker `fault`."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
FAULTS = set(range(1, 35))
_NAMED = re.compile(r"test_(\d+)_")
_ROW = re.compile(r"^\| (\d+) \|(.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py::test_\w+)`")

Shown = dict[int, set[str]]


def shown_by_tests(root: Path = ROOT) -> Shown:
    """Fault → the tests that show it, as `file::name`."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    for path in sorted((root / "tests").rglob("test_*.py")):
        text = path.read_text("utf-8")
        if "mark.fault(" not in text and not re.search(r"def test_\d", text):
            continue
        for name, fault in _faults_in(ast.parse(text)):
            found[fault].add(f"{path.relative_to(root)}::{name}")
    return dict(found)


def _faults_in(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            named = _NAMED.match(node.name)
            if named is not None:
                yield node.name, int(named[1])
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
                    yield from ((node.name, ast.literal_eval(argument)) for argument in decorator.args)


def listed_on_the_page(text: str) -> Shown:
    return {int(number): set(_TEST.findall(row)) for number, row in _ROW.findall(text)}


def test_every_fault_is_shown_by_a_test() -> None:
    shown = shown_by_tests()
    assert set(shown) == FAULTS


def test_the_page_lists_exactly_the_tests_that_there_are() -> None:
    shown, listed = shown_by_tests(), listed_on_the_page(PAGE.read_text("utf-8"))
    for fault in sorted(set(shown) | set(listed)):
        there, said = shown.get(fault, set()), listed.get(fault, set())
        assert there == said, f"fault {fault}: not listed {sorted(there - said)}, listed and not there {sorted(said - there)}"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("def test_7_it_ends(): ...", {7: {"tests/test_x.py::test_7_it_ends"}}),
        ("@pytest.mark.fault(9, 27)\ndef test_it(): ...", {9: {"tests/test_x.py::test_it"}, 27: {"tests/test_x.py::test_it"}}),
        ("def test_7up(): ...\ndef helper_8_x(): ...", {}),
    ],
)
def test_names_and_markers_are_read(text: str, faults: Shown, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_x.py").write_text(text)
    assert shown_by_tests(tmp_path) == faults


def test_rows_of_the_page_are_read() -> None:
    assert listed_on_the_page("| 7 | it ends | | `tests/a/test_x.py::test_y`<br>`tests/test_z.py::test_w` |\n| no | row |\n") == {
        7: {"tests/a/test_x.py::test_y", "tests/test_z.py::test_w"}
    }
