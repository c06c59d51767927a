"""The API's place in the house: it may use the package, and nothing of the package may use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import settlement

PACKAGE = Path(settlement.__file__).parent
API = PACKAGE / "api"
_HEAVY = ("fastapi", "uvicorn", "jwt", "trino", "settlement.api")


def test_nothing_of_the_package_but_its_command_knows_the_api() -> None:
    knows = {p for p in PACKAGE.rglob("*.py") if "settlement.api" in p.read_text("utf-8") and API not in p.parents}
    assert knows == {PACKAGE / "cli" / "serve.py"}


def test_modules_are_short() -> None:
    assert {p.name: n for p in API.rglob("*.py") if (n := len(p.read_text("utf-8").splitlines())) >= 300} == {}


def test_other_commands_and_steps_load_nothing_of_it() -> None:
    for module in ("settlement.cli", "settlement.steps.tasks"):
        found = f"import {module}, sys; print([name for name in {_HEAVY!r} if name in sys.modules])"
        done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]", module
