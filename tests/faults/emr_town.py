"""A whole EMR side for tests: the AWS endpoint with its runner, and workers and triggerers that may be killed."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from local.airflow import free_port
from local.api import wait_for
from local.services.aws import Aws
from local.services.service import REGION

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "settlement-dev-lake"
HIVE_SCRIPT = ["hive-script", "--run-hive-script", "--args"]
PROOF = {"rows": 3, "total": 6}
# Stands for beeline: what is said in HiveQL elsewhere is said in sh here.
HIVE = ["/bin/sh", "-c", 'while [ "$1" != -f ]; do shift; done; exec /bin/sh "$2"', "hive"]


class Endpoint(Aws):
    """The AWS endpoint, which is its own S3 and runs scripts of sh."""

    def hive(self) -> list[str]:
        return HIVE

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "AWS_ENDPOINT_URL_S3": self.url}

    def faults(self, *faults: dict[str, Any]) -> None:
        """What goes wrong from now on; requests are counted anew."""
        self._control("faults", json.dumps(faults).encode())

    def requests(self) -> dict[str, int]:
        """How many requests there were, by action."""
        return self._control("requests")

    def _control(self, what: str, body: bytes | None = None) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/settlement/{what}", data=body, timeout=30) as answer:
            said: dict[str, int] = json.load(answer)
        return said


class Stage:
    """Starts workers and triggerers."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="settlement-emr-")
        airflow = {
            "AIRFLOW_HOME": self._home.name,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",  # whatever other tests have set
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._home.name}/airflow.db",
            "AIRFLOW__OPENLINEAGE__DISABLED": "True",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.emr_stage"],
            cwd=ROOT,
            env={**os.environ, **airflow},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        while self._process.stdout.readline() != "ready\n":
            assert self._process.poll() is None, "it could not start"

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._process:
            self._process.kill()
        self._home.cleanup()

    def start(self, order: dict[str, Any]) -> int:
        return self._ask({"start": order})

    def wait(self, pid: int) -> int:
        return self._ask({"wait": pid})

    def _ask(self, order: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass(frozen=True)
class Going:
    """A process at work."""

    stage: Stage
    pid: int
    answer: Path
    log: Path

    def end(self) -> Any:
        """What it came to; None when it was killed."""
        code = self.stage.wait(self.pid)
        assert code in (0, -9), self.log.read_text()
        return json.loads(self.answer.read_text()) if code == 0 else None


@dataclass
class Town:
    """One test's part of it: a cluster of its own, a folder of its own."""

    endpoint: Endpoint
    stage: Stage
    folder: Path
    name: str
    _numbers: Any = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        (self.folder / "out").mkdir()
        self.emr = self.endpoint.client("emr")
        self.s3 = self.endpoint.client("s3")

    # -- clusters and steps ----------------------------------------------------------------------------------------------

    def cluster(self, concurrency: int = 4) -> str:
        """A cluster of the test's name."""
        made = self.emr.run_job_flow(
            Name=self.name,
            ReleaseLabel="emr-7.9.0",
            LogUri=f"s3://{BUCKET}/logs/",
            Instances={"KeepJobFlowAliveWhenNoSteps": True},
            StepConcurrencyLevel=concurrency,
            Tags=[{"Key": "settlement:env", "Value": "dev"}],
        )
        return str(made["JobFlowId"])

    @property
    def cluster_id(self) -> str:
        """The only cluster."""
        (found,) = self.clusters()
        return found

    def jar(self, script: str) -> dict[str, Any]:
        """How EMR is told to run a script that isn't a task's."""
        key = f"others/{secrets.token_hex(8)}"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=script.encode())
        return {"Jar": "command-runner.jar", "Args": [*HIVE_SCRIPT, "-f", f"s3://{BUCKET}/{key}"]}

    def scripts(self) -> list[tuple[str, str]]:
        """Key and text of the scripts that tasks of this test have put."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="scripts/").get("Contents", [])
        keys = [entry["Key"] for entry in listed]
        found = [(key, self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()) for key in keys]
        return [(key, text) for key, text in found if str(self.folder) in text]

    def clusters(self) -> list[str]:
        return [c["Id"] for c in self.emr.list_clusters()["Clusters"] if c["Name"] == self.name]

    def steps(self) -> list[tuple[str, str]]:
        """Name and state of all steps, the oldest first."""
        pages = self.emr.get_paginator("list_steps")
        found = []
        for cluster in self.clusters():
            listed = [step for page in pages.paginate(ClusterId=cluster) for step in page["Steps"]]
            found += [(step["Name"], step["Status"]["State"]) for step in reversed(listed)]
        return found

    def states(self) -> list[str]:
        return [state for _, state in self.steps()]

    def until(self, *states: str) -> None:
        """Wait until the steps are in these states."""
        wait_for(self.states, lambda found: found == list(states), f"steps {states}", 60)

    # -- what steps do ---------------------------------------------------------------------------------------------------

    def script(self, before: str = "", rows: Sequence[int] = (1, 2, 3), build: str = "0a", after: str = "") -> str:
        """A script that says when it begins and ends and who is at work beside it, and waits while the gate is closed."""
        said, pids, gate, out = self.folder / "said", self.folder / "pids", self.folder / "gate", self.folder / "out" / build
        lines = "".join(f"{row}\\n" for row in rows)
        return (
            f"touch {pids}\nfor other in $(cat {pids}); do kill -0 $other 2> /dev/null && echo beside >> {said}; done\n"
            f"echo $$ >> {pids}\necho begun {build} >> {said}\n{before}\nwhile [ -e {gate} ]; do sleep 0.05; done\n"
            f"printf '{lines}' > {out}.new && mv {out}.new {out}\necho ended {build} >> {said}\n{after}\n"
        )

    def said(self) -> list[str]:
        """What scripts have said so far: `begun`, `ended`, and `beside` when two were at work at once."""
        file = self.folder / "said"
        return file.read_text().splitlines() if file.exists() else []

    def close(self) -> None:
        """Steps wait from now on."""
        (self.folder / "gate").touch()

    def open(self) -> None:
        (self.folder / "gate").unlink()

    def at_work(self, *, step: str = "begun 0a", count: int = 1) -> None:
        """Wait until so many scripts have begun."""
        wait_for(self.said, lambda said: said.count(step) >= count, f"{count} × {step}", 60)

    def hold(self, when: str, function: str) -> dict[str, str]:
        """A point at which processes are held until they are released."""
        (self.folder / "hold").touch()
        return {"when": when, "function": function, "until_gone": str(self.folder / "hold")}

    def held(self, count: int) -> None:
        """Wait until so many processes are held."""
        wait_for(lambda: list(self.folder.glob("hold@*")), lambda found: len(found) == count, "processes held", 60)

    def release(self) -> None:
        (self.folder / "hold").unlink()

    def alive(self) -> list[int]:
        """Processes of scripts that live."""
        file = self.folder / "pids"
        pids = [int(line) for line in file.read_text().split()] if file.exists() else []
        return [pid for pid in pids if Path(f"/proc/{pid}/stat").exists() and not _is_dead(pid)]

    # -- workers and triggerers ------------------------------------------------------------------------------------------

    def start(self, do: str, *, attempt: int = 7, build: str = "0a", script: str | None = None, **more: Any) -> Going:
        """Start a process that does something for an attempt of the task."""
        number = next(self._numbers)
        text = self.script(build=build) if script is None else script
        files = {"answer": self.folder / f"{number}.json", "log": self.folder / f"{number}.log"}
        order = {
            "do": do,
            "attempt": attempt,
            "build": build,
            "script": text,
            "proof": PROOF,
            "out": str(self.folder / "out"),
            "env": self._environment(),
            **{key: str(file) for key, file in files.items()},
            **more,
        }
        return Going(self.stage, self.stage.start(order), files["answer"], files["log"])

    def execute(self, **more: Any) -> Any:
        """A worker begins the task: what it comes to."""
        return self.start("execute", **more).end()

    def watch(self, *waits: Any) -> Any:
        """A triggerer waits for tasks that were deferred: what it fires."""
        return self.start("watch", all=list(waits)).end()

    def resume(self, waits: Any, event: Any, **more: Any) -> Any:
        """A worker goes on after the wait."""
        return self.start("resume", waits=waits, event=event, **more).end()

    def through(self, **more: Any) -> Any:
        """The task from its beginning to its end."""
        came = self.execute(**more)
        while came["did"] == "deferred":
            (event,) = self.watch(came)
            came = self.resume(came, event, **more)
        return came

    def _environment(self) -> dict[str, str]:
        address = {f"AWS_ENDPOINT_URL_{name}": self.endpoint.url for name in ("EMR", "S3")}
        keys = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nobody", "AWS_DEFAULT_REGION": REGION}
        chosen = {
            "CLUSTER": self.name,
            "SCRIPTS": f"s3://{BUCKET}/scripts",
            "LOG_URI": f"s3://{BUCKET}/logs",
            "SERVICE_ROLE": "service",
            "INSTANCE_PROFILE": "machines",
            "POLL_SECONDS": "1",
            "SETTLE_SECONDS": "0.1",
            "CONFIRM_SECONDS": "60",
        }
        return {**address, **keys, **{f"SETTLEMENT_EMR_{key}": value for key, value in chosen.items()}}


def endpoint(state: Path) -> Endpoint:
    """An endpoint on a free port, not started."""
    return Endpoint(state, {"aws": free_port()})


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True
