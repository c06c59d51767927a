"""Build the image of a target and keep its archive: one for each content of what it is made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.images.base import base, images
from local.services.install import aside, of_content, program, run, say
from local.services.service import ROOT
from settlement import __version__
from settlement.release import release_id
from settlement.settings import reference_dir, sql_dir

TARGETS = ("audit", "api", "airflow")
_HERE = Path(__file__).parent
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # what is fetched within a build trusts what this machine trusts
_LOCKS = {"audit": "requirements-audit.txt", "api": "requirements-api.txt", "airflow": "requirements.txt"}
_FOLDERS = {"audit": ("include",), "api": ("include",), "airflow": ("include", "plugins", "dags")}
_KEPT = 3  # archives of a target, beside the one that is being made
_LAYER_HOURS = 48
ENVIRONMENT = {"CONTAINERS_CONF": str(_HERE / "containers.conf")}


@dataclass(frozen=True)
class Image:
    """An image that is built.

    Attributes:
        name: `localhost/settlement-<target>:<release id>`; never `latest`.
        archive: a docker-archive of it, as `podman load` and `ctr images import` read it.
    """

    name: str
    archive: Path


def build(target: str) -> Image:
    """The image of `audit`, `api` or `airflow` of this checkout; built when it isn't in the cache, which keeps the newest ones.

    Raises:
        ServiceError: a program or a library can't be had, or the build fails: the end of what it said.
    """
    name = f"localhost/settlement-{target}:{release_id(sql_dir(), reference_dir())}"
    kept = images() / f"{target}-{content(target)}"
    with aside(kept) as made:
        if made is not None:
            say(f"image {name} …")
            _build(target, name, made / "image.tar")
            _forget_old(target)
    return Image(name, kept / "image.tar")


def content(target: str) -> str:
    """Eight characters that change with whatever the image of a target is made of."""
    files = [ROOT / name for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "requirements-image.txt", _LOCKS[target])]
    files += [_HERE / "libraries", _HERE / "package", _HERE / "base.py"]
    for folder in _FOLDERS[target]:
        files += sorted(path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc")
    return of_content(*files)


def podman() -> list[str | Path]:
    """podman with a store of its own in the cache: layers that don't change are not built again."""
    if not shutil.which("runc"):
        program("runc", "runc")
    store = images() / ".store"
    places = [f"--{kind}={store / kind}" for kind in ("root", "runroot", "tmpdir")]
    return [program("podman", "podman"), *places]


def _build(target: str, name: str, archive: Path) -> None:
    bases = {"BASE": _imported("python"), "BUILD_BASE": _imported("python-binutils")}
    if target == "airflow":
        bases["AIRFLOW_BASE"] = _imported("python-git")
    given = {**bases, "COMMIT": _commit(), "RELEASE": name.rpartition(":")[2], "VERSION": __version__}
    # The machine's own network, certificates and cache of packages; nothing of them stays in the image.
    lent = ["--network", "host", "--volume", f"{_CERTIFICATES}:{_CERTIFICATES}:ro", "--volume", f"{_uv_cache()}:/uv-cache"]
    arguments = [f"--build-arg={key}={value}" for key, value in given.items()]
    tools = f"--build-context=uv={Path(sys.executable).parent}"
    run([*podman(), "build", "--quiet", *lent, tools, *arguments, "--target", target, "--tag", name, ROOT], ENVIRONMENT)
    run([*podman(), "save", "--quiet", "--format", "docker-archive", "--output", archive, name], ENVIRONMENT)


def _forget_old(target: str) -> None:
    """Give back the room of archives that were made long before others, and of layers that no build has used for days."""
    for folder in sorted(images().glob(f"{target}-*"), key=lambda folder: folder.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
    prune = [*podman(), "image", "prune", "--force", f"--filter=until={_LAYER_HOURS}h"]
    subprocess.run(prune, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _imported(name: str) -> str:
    """A base as an image in the store of the builds."""
    root = base(name)
    tag = f"localhost/settlement-{name}:{of_content(_HERE / 'base.py')}"
    if subprocess.run([*podman(), "image", "exists", tag], env={**os.environ, **ENVIRONMENT}, check=False).returncode:
        path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        run([*podman(), "import", "--quiet", "--change", path, root, tag], ENVIRONMENT)
    return tag


def _commit() -> str:
    """The commit of the checkout, with `-dirty` behind it when files differ; empty without git."""
    if not shutil.which("git") or not (ROOT / ".git").exists():
        return ""
    return run(["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"], cwd=ROOT).strip()


def _uv_cache() -> Path:
    folder = images().parent / "uv"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
