"""Stopping an Airflow's components: here programs that end in their own ways."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local import airflow as local_airflow
from local.airflow import Airflow
from local.api import wait_for

# Its first thread ends at the signal and another goes on for a while: the kernel shows it as ended, and it can't be collected.
SLOW = f"""#!{sys.executable}
import ctypes, os, signal, threading, time
def end(*_):
    threading.Thread(target=lambda: (time.sleep(1), os._exit(0))).start()
    ctypes.CDLL(None).pthread_exit(None)
signal.signal(signal.SIGTERM, end)
open("ready", "w").close()
while True:
    time.sleep(60)
"""


def test_a_component_is_gone_when_all_its_threads_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "airflow"
    program.write_text(SLOW)
    program.chmod(0o755)
    monkeypatch.setattr(local_airflow, "BIN", tmp_path)
    airflow = Airflow(tmp_path / "home", tied=True)
    airflow.start("scheduler")
    wait_for((tmp_path / "home" / "ready").exists, bool, "the program's start", 30)
    pid = (tmp_path / "home" / "scheduler.pid").read_text().split()[0]
    airflow.down()
    assert not Path("/proc", pid).exists()
