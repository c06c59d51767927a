"""Hive: metastore and HiveServer2 in one process, Tez in it too, reading and writing s3:// paths; and beeline, its client."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from local.services.install import HERE, aside, debian, fill, jars, java_home, of_content, run, say
from local.services.s3 import keys
from local.services.service import HOST, REGION, Service, ServiceError, cache, refuse_silent

USER = "settlement"
_FILES = HERE / "hive"
_POM = _FILES / "pom.xml"
_BEELINE_POM = _FILES / "beeline" / "pom.xml"
_LAUNCHER = _FILES / "OneHive.java"
_JAVA = (17, 22)  # later ones lack what Hive needs of javax.security.auth.Subject


class Hive(Service):
    """Heap: `SETTLEMENT_HIVE_HEAP`, default 1g."""

    name = "hive"
    needs = ("s3",)
    port_names = ("metastore", "hive")
    start_seconds = 180

    @property
    def cached(self) -> Path:
        """The launcher, compiled, and the jars in `lib`."""
        return cache() / f"hive-4.0.1-{of_content(_POM, _LAUNCHER)}"

    def install(self) -> None:
        java()
        beeline_jars()
        with aside(self.cached) as made:
            if made is not None:
                say("Hive 4.0.1, Hadoop and Tez (290 MB) …")
                jars(_POM, made / "lib")
                run([java() / "bin" / "javac", "-nowarn", "-cp", f"{made}/lib/*", "-d", made, _LAUNCHER])

    def prepare(self) -> None:
        for folder in ("conf", "warehouse", "scratch", "scratch-local", "tez", "tmp"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "scratch").chmod(0o733)  # Hive wants it writable
        values = {
            "HOME": str(self.home),
            "HOST": HOST,
            "REGION": REGION,
            "S3": f"http://{HOST}:{self.ports['s3']}",
            "METASTORE_PORT": str(self.ports["metastore"]),
            "HIVE_PORT": str(self.port),
            "HEAP": os.environ.get("SETTLEMENT_HIVE_HEAP", "1g"),
        }
        for template in (_FILES / "conf").iterdir():
            fill(template, self.home / "conf" / template.name, values)

    def command(self) -> Sequence[str | Path]:
        classes = f"{self.home / 'conf'}:{self.cached}:{self.cached}/lib/*"
        return [
            java() / "bin" / "java",
            f"@{self.home / 'conf' / 'java.options'}",
            "-cp",
            classes,
            "OneHive",
            str(self.ports["metastore"]),
        ]

    def environment(self) -> dict[str, str]:
        key, secret = keys(self.state)
        return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": REGION}

    def ready(self) -> None:
        """Asks HiveServer2 for the databases, which asks the metastore, and for a sum."""
        refuse_silent(self.port)
        with self.cursor() as cursor:
            cursor.execute("SHOW DATABASES")
            databases = cursor.fetchall()
            cursor.execute("SELECT 1 + 1")
            if cursor.fetchall() != [(2,)] or ("default",) not in databases:
                raise RuntimeError(f"it knows the databases {databases}")

    @contextlib.contextmanager
    def cursor(self, database: str = "default") -> Iterator[Any]:
        """A PyHive cursor in a session of its own."""
        from pyhive import hive  # type: ignore[import-untyped]  # heavy

        with contextlib.closing(hive.connect(host=HOST, port=self.port, username=USER, database=database)) as connection:
            yield connection.cursor()

    def addresses(self) -> dict[str, str]:
        return {"hive": f"jdbc:hive2://{HOST}:{self.port}/default", "metastore": f"thrift://{HOST}:{self.ports['metastore']}"}

    def variables(self) -> dict[str, str]:
        return {"SETTLEMENT_HIVE_HOST": HOST, "SETTLEMENT_HIVE_PORT": str(self.port)}


def java() -> Path:
    """A JDK that Hive runs on; installed from Debian's packages when there is none.

    Raises:
        ServiceError: there is none and it can't be had.
    """
    found = java_home(*_JAVA, with_compiler=True)
    if found is None:
        debian("openjdk-17-jdk-headless")
        found = java_home(*_JAVA, with_compiler=True)
    if found is None:
        raise ServiceError("Hive needs a JDK of version 17 to 21: install one and set JAVA_HOME")
    return found


def beeline_jars() -> Path:
    """The folder of beeline's jars, brought into the cache when it isn't there."""
    target = cache() / f"beeline-{of_content(_BEELINE_POM)}"
    with aside(target) as made:
        if made is not None:
            say("beeline 3.1.3 (95 MB) …")
            jars(_BEELINE_POM, made)
    return target


def beeline(port: int, database: str = "default", host: str = HOST) -> list[str]:
    """The command that starts beeline on a HiveServer2; `-e`, `-f`, `--hivevar` and others may follow."""
    return [
        str(java() / "bin" / "java"),
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "--add-opens=java.base/java.lang=ALL-UNNAMED",
        "-cp",
        f"{beeline_jars()}/*",
        "org.apache.hive.beeline.BeeLine",
        "-u",
        f"jdbc:hive2://{host}:{port}/{database};auth=NONE",
        "-n",
        USER,
    ]
