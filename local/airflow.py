"""A whole Airflow on this machine: scheduler, DAG processor, triggerer and API server, each in a process group of its own.

Everything it writes lies in one home folder: database, logs, passwords, process ids. Nothing outside is touched, so several
can run side by side on different ports.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from local.api import Api, Unreachable
from settlement.processes import die_with_parent

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
USERS = {"admin": "admin", "operator": "op", "approver": "op", "viewer": "viewer", "settlement-service": "viewer"}
SERVICE_USER = "settlement-service"
ENGINE_SLOTS = 2
_HEALTHY = ("scheduler", "triggerer", "dag_processor", "metadatabase")
_START_SECONDS = 180
_STOP_SECONDS = 30
_STATE, _GROUP, _STARTED = 0, 2, 19  # fields of /proc/<pid>/stat, counted after the name


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
    _started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict, init=False, repr=False)

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
                if is_taken(port):
                    raise RuntimeError(f"port {port} is taken: choose another with PORT=…")
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
        if self.running()[component]:
            return
        log = self._log(component)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [BIN / "airflow", component],
                env=self.environment(),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGTERM) if self.tied else None,  # noqa: PLW1509  # two system calls
            )
        self._started[component] = process
        stat = _stat(process.pid)
        assert stat is not None, "not reaped yet, so it is there"
        self._pid_file(component).write_text(f"{process.pid} {stat[_STARTED]}")

    def kill(self, component: str, *, whole_group: bool = True) -> None:
        """End a component at once, as a lost machine would."""
        pid = self._pid(component)
        if pid is None:
            return
        if whole_group:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
        self._gone(pid, _STOP_SECONDS)

    def down(self) -> None:
        """Stop every component and all it started; what runs ends, what waits goes on at the next start."""
        pids = {component: self._pid(component) for component in reversed(COMPONENTS)}
        for kind, patience in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5)):
            for pid in pids.values():
                if pid is not None:
                    _signal_group(pid, kind)
            gone = [pid is None or self._gone(pid, patience) for pid in pids.values()]  # each, also after one that stays
            if all(gone):
                break
        for component in COMPONENTS:
            self._pid_file(component).unlink(missing_ok=True)

    def running(self) -> dict[str, bool]:
        """Which components run."""
        return {component: self._pid(component) is not None for component in COMPONENTS}

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
                raise RuntimeError(f"airflow {ended[0]} ended: see {self._log(ended[0])}")
            try:
                health = self.api().get("monitor/health")
                if all(
                    health[name]["status"] == "healthy" for name in ("scheduler", "triggerer", "dag_processor", "metadatabase")
                ):
                    return
            except Unreachable:
                health = {}
            if time.monotonic() > until:
                raise RuntimeError(f"Airflow is not ready after {_START_SECONDS} s: {health}; see {self.home / 'logs'}")
            time.sleep(0.5)

    def _pid_file(self, component: str) -> Path:
        return self.home / f"{component}.pid"

    def _log(self, component: str) -> Path:
        return self.home / "logs" / f"{component}.log"

    def _reap(self) -> None:
        """Collect components that have ended and that this process started."""
        for process in self._started.values():
            process.poll()

    def _pid(self, component: str) -> int | None:
        """The component's process, if it still is the one that was started."""
        try:
            pid, started = self._pid_file(component).read_text().split()
        except (OSError, ValueError):
            return None
        self._reap()
        stat = _stat(int(pid))
        return int(pid) if stat is not None and stat[_STATE] != "Z" and stat[_STARTED] == started else None

    def _gone(self, pid: int, patience: float) -> bool:
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not _group_lives(pid) and self._is_reaped(pid):
                return True
            time.sleep(0.1)
        return False

    def _is_reaped(self, pid: int) -> bool:
        """Whether a process is collected, or isn't ours to collect. One whose first thread has ended may still have others."""
        return all(process.poll() is not None for process in self._started.values() if process.pid == pid)


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


def _signal_group(pid: int, kind: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, kind)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/<pid>/stat after the process's name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _group_lives(group: int) -> bool:
    stats = (_stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return any(stat is not None and int(stat[_GROUP]) == group and stat[_STATE] != "Z" for stat in stats)
