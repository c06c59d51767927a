"""A process that is found again, and stopped with all that it started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from local.services.install import aside, fill
from local.services.process import Process, is_alive, listener, started_at
from local.services.service import ServiceError

_PARENT = """
import signal, subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
print(subprocess.Popen([sys.executable, "-c", child]).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path / "pid", tmp_path / "log")


def _start(process: Process, code: str) -> int:
    process.start([sys.executable, "-c", code], dict(os.environ), process.log.parent)
    pid = process.pid()
    assert pid is not None
    return pid


def test_it_is_started_once_and_found_by_others(process: Process) -> None:
    pid = _start(process, "import time; time.sleep(600)")
    try:
        assert _start(process, "import time; time.sleep(600)") == pid
        assert Process(process.pid_file, process.log).pid() == pid
        assert process.memory() > 1_000_000
    finally:
        process.stop(5)
    assert process.pid() is None
    assert process.memory() == 0


def test_stop_ends_children_too_even_those_that_do_not_listen(process: Process) -> None:
    pid = _start(process, _PARENT)
    while not process.log.read_text().strip():
        time.sleep(0.02)
    child = int(process.log.read_text())
    begun = started_at(child)
    assert os.getpgid(child) == pid
    process.stop(0.5)
    assert not is_alive(child, begun)


def test_an_id_that_was_given_away_again_is_not_taken_for_it(process: Process) -> None:
    process.pid_file.write_text(f"{os.getpid()} 1")
    assert process.pid() is None
    process.stop(1)  # and nobody is harmed


def _half(target: Path) -> None:
    with aside(target) as folder:
        assert folder is not None
        (folder / "half").touch()
        (folder / "missing").read_text()


def test_what_is_made_aside_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with pytest.raises(FileNotFoundError):
        _half(target)
    assert not target.exists()
    with aside(target) as folder:
        assert folder is not None
        assert not list(folder.iterdir())
        (folder / "whole").touch()
    with aside(target) as folder:
        assert folder is None
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_a_place_without_a_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "template").write_text("port=@PORT@ host=@HOST@")
    with pytest.raises(ServiceError, match="@HOST@"):
        fill(tmp_path / "template", tmp_path / "made", {"PORT": "1"})
    fill(tmp_path / "template", tmp_path / "made", {"PORT": "1", "HOST": "here"})
    assert (tmp_path / "made").read_text() == "port=1 host=here"


def test_nobody_listens_on_a_free_port() -> None:
    assert listener(1) is None
