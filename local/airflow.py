"""A whole Airflow on this machine: scheduler, DAG processor, triggerer and API server, each in a process group of its own.

Everything it writes lies in one home folder: database, logs, passwords, process ids. Nothing outside is touched, so several
can run side by side on different ports.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from local.api import Api, Unreachable
from local.services.process import Process, listener

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
USERS = {"admin": "admin", "operator": "op", "approver": "op", "viewer": "viewer", "settlement-service": "viewer"}
SERVICE_USER = "settlement-service"
ENGINE_SLOTS = 2
_HEALTHY = ("scheduler", "triggerer", "dag_processor", "metadatabase")
_START_SECONDS = 300
_STOP_SECONDS = 30


@dataclass
class Airflow:
    """One Airflow installation.

    Args:
        home: its folder, made when it isn't there.
        settings: SETTLEMENT_* and further variables of its processes.
        port: of the API and the UI; task logs are served on the two ports after it.
        tied: whether its components end with the process that started them.
    """

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 8080
    tied: bool = False
    _processes: dict[str, Process] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._processes = {
            component: Process(self.home / f"{component}.pid", self.home / "logs" / f"{component}.log", self.tied)
            for component in COMPONENTS
        }

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def api(self, user: str = "admin") -> Api:
        """The REST API as one of `USERS`."""
        return Api(self.url, user, self.passwords()[user])

    # -- starting and stopping ---------------------------------------------------------------------------------------

    def up(self) -> None:
        """Start what isn't running and wait until it works.

        Raises:
            RuntimeError: a port is taken by somebody else, or a component ended or doesn't get ready; names its log.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        if not any(self.running().values()):
            for port in (self.port, self.port + 1, self.port + 2):
                if (somebody := listener(port)) is not None:
                    raise RuntimeError(f"port {port} is taken by {somebody}: choose another with PORT=…")
        self.passwords()
        if not (self.home / ".ready").exists():
            self.cli("db", "migrate")
            self.cli("pools", "set", "engine", str(ENGINE_SLOTS), "builds and audits at work at once")
            (self.home / ".ready").touch()
        for component in COMPONENTS:
            self.start(component)
        self._wait()

    def start(self, component: str) -> None:
        """Start one component unless it runs."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._processes[component].start([BIN / "airflow", component], self.environment(), self.home)

    def kill(self, component: str) -> None:
        """End a component at once with all it started, as a lost machine would."""
        self._processes[component].kill()

    def down(self) -> None:
        """Stop every component and all it started; what runs ends, what waits goes on at the next start."""
        with ThreadPoolExecutor(len(COMPONENTS)) as pool:
            list(pool.map(lambda process: process.stop(_STOP_SECONDS), self._processes.values()))

    def running(self) -> dict[str, bool]:
        """Which components run."""
        return {component: process.pid() is not None for component, process in self._processes.items()}

    # -- using -------------------------------------------------------------------------------------------------------

    def cli(self, *arguments: str, check: bool = True) -> str:
        """Run an `airflow` command and return what it printed.

        Raises:
            RuntimeError: it failed; the end of what it said.
        """
        done = subprocess.run(
            [BIN / "airflow", *arguments], env=self.environment(), cwd=self.home, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise RuntimeError(f"airflow {' '.join(arguments)} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def passwords(self) -> dict[str, str]:
        """The users' passwords, made up once; readable by the owner only."""
        path = self.home / "passwords.json"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                json.dump({user: secrets.token_urlsafe(18) for user in USERS}, stream)
        made: dict[str, str] = json.loads(path.read_text())
        return made

    def environment(self) -> dict[str, str]:
        """Variables of every process of this installation."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "SETTLEMENT_"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        service = {"conn_type": "http", "host": "localhost", "port": self.port, "login": SERVICE_USER}
        airflow = {
            "CORE__LOAD_EXAMPLES": "False",
            "CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "16",
            "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API__SECRET_KEY": self._key("api"),
            "API_AUTH__JWT_SECRET": self._key("jwt"),
            "CORE__FERNET_KEY": "",
            "LOGGING__WORKER_LOG_SERVER_PORT": str(self.port + 1),
            "LOGGING__TRIGGER_LOG_SERVER_PORT": str(self.port + 2),
            "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
            "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",  # what a killed scheduler left is taken up again
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "OPENLINEAGE__DISABLED": "True",
            "USAGE_DATA_COLLECTION__ENABLED": "False",
        }
        return {
            **kept,
            "PATH": f"{BIN}{os.pathsep}{kept.get('PATH', '')}",
            "TZ": "UTC",
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW_CONN_SETTLEMENT_AIRFLOW_API": json.dumps({**service, "password": self.passwords()[SERVICE_USER]}),
            **{f"AIRFLOW__{name}": value for name, value in airflow.items()},
            **self.settings,
        }

    # -- inside ------------------------------------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        path = self.home / f".{name}-key"
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_urlsafe(48))
        return path.read_text()

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while True:
            ended = [component for component, runs in self.running().items() if not runs]
            if ended:
                raise RuntimeError(f"airflow {ended[0]} ended: see {self._processes[ended[0]].log}")
            try:
                health = self.api().get("monitor/health")
                if all(health[name]["status"] == "healthy" for name in _HEALTHY) and self._has_read_dags():
                    return
            except Unreachable:
                health = {}
            if time.monotonic() > until:
                raise RuntimeError(f"Airflow is not ready after {_START_SECONDS} s: {health}; see {self.home / 'logs'}")
            time.sleep(0.5)

    def _has_read_dags(self) -> bool:
        """Whether every DAG's file is known, if only by its error."""
        known = [self.api().get(kind, limit=1)["total_entries"] for kind in ("dags", "importErrors")]
        return sum(known) >= len(list((ROOT / "dags").glob("*.py")))


def free_port() -> int:
    """The first of three ports that nobody has."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 65_000 and not any(map(is_taken, (port, port + 1, port + 2))):
            return port


def remove(home: Path) -> None:
    """Remove an installation that doesn't run."""
    shutil.rmtree(home, ignore_errors=True)


def is_taken(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
