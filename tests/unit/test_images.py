"""What images are made of: locks that fit what is loaded, and a Dockerfile that says nothing it must not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from local.images import build
from settlement import __version__
from settlement.release import Release, release_id
from settlement.settings import reference_dir, sql_dir
from settlement.warehouse import Warehouse

ROOT = Path(__file__).parents[2]
_PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+) \\$", re.MULTILINE)
# Everything that isn't locked for an image is missing there.
_ONLY_LOCKED = """
import importlib, importlib.metadata, re, sys
locked = set(sys.argv[2].split(","))
of = importlib.metadata.packages_distributions()
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
class Missing:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in of and top != "settlement" and not locked & {plain(one) for one in of[top]}:
            raise ModuleNotFoundError(f"No module named {name!r}: it isn't locked for this image", name=name)
sys.meta_path.insert(0, Missing())
for module in sys.argv[1].split(","):
    importlib.import_module(module)
"""


def pinned(lock: str) -> dict[str, str]:
    return dict(_PINNED.findall((ROOT / lock).read_text("utf-8")))


@pytest.mark.parametrize("lock", ["requirements-audit.txt", "requirements-api.txt"])
def test_an_image_has_the_versions_that_are_tested(lock: str) -> None:
    tested = pinned("requirements.txt")
    assert pinned(lock)
    assert {name: version for name, version in pinned(lock).items() if tested[name] != version} == {}
    assert (ROOT / lock).read_text("utf-8").count("--hash=sha256:") >= len(pinned(lock))


def test_the_audit_s_image_has_neither_airflow_nor_a_server() -> None:
    assert [name for name in pinned("requirements-audit.txt") if name.startswith(("apache-airflow", "fastapi", "uvicorn"))] == []


@pytest.mark.parametrize(
    ("lock", "modules"),
    [
        (
            "requirements-audit.txt",
            "settlement.steps.__main__,settlement.steps.audit,settlement.bucket,settlement.ledger.postgresql",
        ),
        (
            "requirements-api.txt",
            "settlement.api.app,settlement.cli,settlement.api.engines.on_trino,settlement.ledger.postgresql",
        ),
    ],
)
def test_what_an_image_runs_loads_with_what_is_locked_for_it(lock: str, modules: str) -> None:
    command = [sys.executable, "-c", _ONLY_LOCKED, modules, ",".join(pinned(lock))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_image_is_named_after_its_release(tmp_path: Path) -> None:
    frozen = Release.freeze(sql_dir(), reference_dir(), Warehouse.open(tmp_path))
    assert release_id(sql_dir(), reference_dir()) == frozen.hash
    assert release_id(sql_dir(), reference_dir(), f"{__version__}.1") != frozen.hash


def test_every_image_s_user_is_a_number_and_not_root() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    images = {stage.split(" AS ")[1].split("\n")[0]: stage for stage in stages[1:]}
    for target in build.TARGETS:
        assert re.findall(r"^USER (.*)$", images[target], re.MULTILINE) == ["10001:10001"]
        assert not re.search(r"\b(apt-get|pip install)\b", images[target])


def test_a_change_of_any_part_makes_another_image(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in ("Dockerfile", ".dockerignore", "pyproject.toml", "requirements-image.txt", "requirements-audit.txt"):
        (tmp_path / part).write_text(part)
    (tmp_path / "include").mkdir()
    monkeypatch.setattr(build, "ROOT", tmp_path)
    seen = {build.content("audit")}
    for part in ("Dockerfile", "requirements-audit.txt", "include/new.py"):
        (tmp_path / part).write_text("changed")
        seen.add(build.content("audit"))
    assert len(seen) == 4
