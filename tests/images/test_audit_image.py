"""The audit's image, built and run: a step in it comes to what it comes to here, as nobody, on a root that can't be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.images.build import ENVIRONMENT, Image, build, podman

_DAY = "2026-03-05"
_USER = 10001
_LIMITS = ("--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp:rw,size=512m", "--cap-drop=all", "--network=none")
_STEP = ("--run", "test/1", "--partition", _DAY)
_MOST = 400_000_000  # bytes


@pytest.fixture(scope="module")
def image() -> Image:
    made = build("audit")
    _podman("load", "--quiet", "--input", made.archive)
    return made


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with a sealed candidate of raw, and its landing beside it; both belong to the image's user."""
    work = tmp_path_factory.mktemp("work")
    place = {"SETTLEMENT_LANDING": str(work / "landing"), "SETTLEMENT_WAREHOUSE": str(work / "warehouse")}
    _here(["settlement", "generate", "--months", "2026-03", "--plays", "500", "--out", place["SETTLEMENT_LANDING"]], {})
    _here(["settlement.steps", "begin", *_STEP, "--by", "kim", "--gate", "landing"], place)
    _here(["settlement.steps", "build", *_STEP, "--stage", "raw"], place)
    for path in (work, *work.rglob("*")):
        os.chown(path, _USER, _USER)
    work.chmod(0o755)
    for parent in list(work.parents)[:2]:
        parent.chmod(parent.stat().st_mode | 0o055)
    return work / "warehouse"


def test_an_audit_passes_in_it_and_leaves_its_verdict(image: Image, warehouse: Path) -> None:
    done = _in(image, warehouse, "audit", *_STEP, "--stage", "raw")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "passed"
    verdict = json.loads(next((warehouse / "verdicts").glob("*.json")).read_text("utf-8"))
    assert verdict["passed"] is True


def test_nobody_runs_it_and_nothing_in_it_can_be_written(image: Image, warehouse: Path) -> None:
    done = _shell(image, warehouse, "id -u; touch /opt/settlement/x 2>&1; touch /tmp/x && echo written")
    assert done.stdout.splitlines()[0] == str(_USER)
    assert "Read-only file system" in done.stdout
    assert done.stdout.splitlines()[-1] == "written"


def test_it_has_no_tools_no_airflow_and_a_bill_of_materials(image: Image, warehouse: Path) -> None:
    tools = _shell(image, warehouse, "for tool in gcc make strip apt-get pip uv curl git; do command -v $tool; done; true")
    assert tools.stdout == ""
    assert "No module named 'airflow'" in _shell(image, warehouse, "python -c 'import airflow'").stderr
    bill = json.loads(_shell(image, warehouse, "cat /opt/settlement/bom.cdx.json").stdout)
    assert bill["bomFormat"] == "CycloneDX"
    assert {"duckdb", "pyarrow", "settlement"} <= {component["name"] for component in bill["components"]}


def test_it_says_what_it_is_and_is_small(image: Image) -> None:
    said = json.loads(_podman("image", "inspect", image.name))[0]
    labels = said["Labels"]
    assert labels["org.opencontainers.image.title"] == "settlement-audit"
    assert labels["settlement.release"] == image.name.rpartition(":")[2]
    assert said["Config"]["User"] == "10001:10001"
    assert said["Size"] < _MOST


def _here(command: list[str], place: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, env={**os.environ, **place})


def _in(image: Image, warehouse: Path, *arguments: str, entry: str = "") -> subprocess.CompletedProcess[str]:
    work = warehouse.parent
    place = (f"--volume={work}:{work}", f"--env=SETTLEMENT_WAREHOUSE={warehouse}", f"--env=SETTLEMENT_LANDING={work}/landing")
    entries = (f"--entrypoint={entry}",) if entry else ()
    command = [*podman(), "run", "--rm", *_LIMITS, *place, *entries, image.name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **ENVIRONMENT})


def _shell(image: Image, warehouse: Path, script: str) -> subprocess.CompletedProcess[str]:
    return _in(image, warehouse, "-c", script, entry="sh")


def _podman(*arguments: str | Path) -> str:
    command = [*podman(), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}).stdout
