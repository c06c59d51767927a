"""PostgreSQL, as Debian has it: the databases of Airflow and of the ledger, each owned by a role of its name."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from local.services.install import aside, debian, run
from local.services.process import locked
from local.services.service import HOST, Service, ServiceError

DATABASES = ("airflow", "ledger")
SUPERUSER = "postgres"
_DEBIAN = Path("/usr/lib/postgresql")
_ROOT_ONLY = 0
_UNPRIVILEGED = ("postgres", "nobody")
_ACCESS = f"host all all {HOST}/32 scram-sha-256\n"
_INITDB = ("--username", SUPERUSER, "--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "reject")
_NO_CLUSTER = "create_main_cluster = false\n"
_NO_CLUSTER_FILE = Path("/etc/postgresql-common/createcluster.d/settlement-without-cluster.conf")


class Postgres(Service):
    """Data below `<state>/postgres/data`, passwords in `<state>/postgres/passwords.json`.

    `SETTLEMENT_POSTGRES_FSYNC=off` makes it faster; a machine that goes down then loses what was committed.
    """

    name = "postgres"
    start_seconds = 60
    tied: ClassVar[bool] = False  # whether it ends with the process that started it

    # -- installing ------------------------------------------------------------------------------------------------------

    def install(self) -> None:
        if _programs() is None:
            _install()
        programs()

    def prepare(self) -> None:
        """Make the cluster with its roles and databases, unless it is there."""
        with aside(self.home / "data") as made:
            if made is not None:
                self._own(made)
                run([*self._as_owner(), programs() / "initdb", "--pgdata", made, *_INITDB])
                (made / "pg_hba.conf").write_text(_ACCESS)
                self._make_databases(made)

    def _own(self, folder: Path) -> None:
        folder.chmod(0o700)
        if os.geteuid() == _ROOT_ONLY:
            os.chown(folder, _owner().pw_uid, _owner().pw_gid)

    def _as_owner(self) -> list[str | Path]:
        """What a command is started with: PostgreSQL refuses to run as root.

        As another user it still has to pass through the folders of root that the state may lie in.
        """
        tied = ["--pdeathsig", "INT"] if self.tied else []
        if os.geteuid() != _ROOT_ONLY:
            return ["setpriv", *tied] if tied else []
        owner, may = _owner(), "+dac_read_search"
        ids = (f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups")
        return ["setpriv", *ids, f"--inh-caps={may}", f"--ambient-caps={may}", *tied]

    def _make_databases(self, data: Path) -> None:
        """Roles, passwords and databases in a cluster that no server runs on yet.

        Raises:
            ServiceError: a statement failed; it isn't shown, since it may hold a password.
        """
        statements = [f"ALTER ROLE {SUPERUSER} PASSWORD '{self.password(SUPERUSER)}'"]
        for name in DATABASES:
            statements += [
                f"CREATE ROLE {name} LOGIN PASSWORD '{self.password(name)}'",
                f"CREATE DATABASE {name} OWNER {name}",
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            ]
        options = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
        done = subprocess.run(
            [*self._as_owner(), programs() / "postgres", "--single", "-D", data, *options, "postgres"],
            input="".join(f"{statement}\n" for statement in statements),
            capture_output=True,
            text=True,
            check=False,
            cwd=data,
        )
        if done.returncode:
            raise ServiceError(f"postgres: the databases can't be made:\n{done.stderr[-2000:]}")

    # -- running ---------------------------------------------------------------------------------------------------------

    def command(self) -> Sequence[str | Path]:
        options = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "max_connections": 100,
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "jit": "off",
            "fsync": os.environ.get("SETTLEMENT_POSTGRES_FSYNC", "on"),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] %q%u@%d %a ",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [*self._as_owner(), programs() / "postgres", "-D", self.home / "data", *settings]

    def ready(self) -> None:
        """Asks each database for something, as its own role."""
        import psycopg  # not needed to install

        for name in DATABASES:
            with psycopg.connect(self.url(name, "postgresql"), connect_timeout=3) as connection:
                if connection.execute("SELECT 1").fetchall() != [(1,)]:
                    raise RuntimeError(f"{name} doesn't know what 1 is")

    def stop(self) -> None:
        """Stop it, if it runs. Told by SIGTERM alone it would wait for its clients, by SIGINT it sends them away."""
        with locked(self.home / "lock"):
            pid = self.process.pid()
            if pid is not None:
                os.kill(pid, signal.SIGINT)
            self.process.stop(self.stop_seconds)

    def kill(self) -> None:
        """End it at once with all of its processes, as a lost machine would."""
        pid = self.process.pid()
        children = _children(pid) if pid is not None else []
        super().kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    def memory(self) -> int:
        """Bytes in memory, what its processes share counted once."""
        pid = self.process.pid()
        return 0 if pid is None else sum(_own_share(member) for member in [pid, *_children(pid)])

    # -- using -----------------------------------------------------------------------------------------------------------

    def addresses(self) -> dict[str, str]:
        return {name: f"{HOST}:{self.port}/{name}" for name in DATABASES}

    def variables(self) -> dict[str, str]:
        return {
            "SETTLEMENT_LEDGER_URL": self.url("ledger"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.url("airflow", "postgresql+psycopg2"),
        }

    def url(self, role: str, scheme: str = "postgresql+psycopg", database: str | None = None) -> str:
        """Address with password: of the database of a role, or another one."""
        return f"{scheme}://{role}:{self.password(role)}@{HOST}:{self.port}/{database or role}"

    def made(self, role: str, database: str, scheme: str = "postgresql+psycopg") -> str:
        """Address with password of a role's own database, which is made when it isn't there."""
        import psycopg  # not needed to install
        from psycopg import sql

        with (
            contextlib.suppress(psycopg.errors.DuplicateDatabase),
            psycopg.connect(self.url(SUPERUSER, "postgresql", "postgres"), autocommit=True) as connection,
        ):
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(role)))
        return self.url(role, scheme, database)

    def password(self, role: str) -> str:
        """A role's password, made up once; readable by the owner of the state folder only."""
        path = self.home / "passwords.json"
        with locked(self.home / "passwords.lock"):
            if not path.exists():
                made = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, *DATABASES)}
                with os.fdopen(os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                    json.dump(made, stream)
                path.with_suffix(".new").rename(path)
        kept: dict[str, str] = json.loads(path.read_text())
        return kept[role]


def programs() -> Path:
    """The folder with `postgres` and `initdb`.

    Raises:
        ServiceError: there is none.
    """
    found = _programs()
    if found is None:
        raise ServiceError("PostgreSQL is needed: install the package postgresql")
    return found


def _programs() -> Path | None:
    """Debian's newest, or the one that the PATH leads to."""
    linked = [Path(found).resolve().parent for found in [shutil.which("postgres")] if found]
    versions = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True)
    return next(
        (folder for folder in [*versions, *linked] if (folder / "initdb").exists() and (folder / "postgres").exists()), None
    )


def _install() -> None:
    """Debian's packages without the cluster that they would make and start."""
    debian("postgresql-common")
    root = [] if os.geteuid() == _ROOT_ONLY else ["sudo", "-n"]
    run([*root, "mkdir", "-p", _NO_CLUSTER_FILE.parent])
    subprocess.run([*root, "tee", _NO_CLUSTER_FILE], input=_NO_CLUSTER, text=True, check=True, stdout=subprocess.DEVNULL)
    try:
        debian("postgresql")
    finally:
        run([*root, "rm", _NO_CLUSTER_FILE])


def _owner() -> pwd.struct_passwd:
    """Whom the server runs as in place of root."""
    for name in _UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ServiceError(f"PostgreSQL doesn't run as root, and there is no user {' or '.join(_UNPRIVILEGED)}")


def _children(pid: int) -> list[int]:
    """Each client's process and the helpers, which are in sessions of their own."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _own_share(pid: int) -> int:
    """A process's memory in bytes, with its part of what it shares."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
