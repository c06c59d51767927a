"""Container images as files, written without a builder: layers and a configuration in the form that `docker load` reads."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

_CHUNK = 2**20


def write_image(target: Path, name: str, layers: Sequence[Path], config: Mapping[str, Any]) -> None:
    """Write an image.

    Args:
        target: the archive.
        name: repository and tag.
        layers: tar files, the lowest first.
        config: of its containers, in the words of the OCI image specification: `Entrypoint`, `Env`, `User` …
    """
    digests = [_digest(layer) for layer in layers]
    image = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }
    text = json.dumps(image, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(text).hexdigest()}.json"
    names = [f"{digest}/layer.tar" for digest in digests]
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": names}]
    with tarfile.open(target, "w") as archive:
        _add_bytes(archive, config_name, text)
        for layer, layer_name in zip(layers, names, strict=True):
            if layer_name not in archive.getnames():
                archive.add(layer, layer_name)
        _add_bytes(archive, "manifest.json", json.dumps(manifest).encode())


def write_layer(target: Path, files: Iterable[tuple[Path, str]]) -> None:
    """Write a layer: root owns everything, and times don't count.

    Args:
        target: the tar file.
        files: files or folders of this machine, and their paths in the image.
    """

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(target, "w") as archive:
        for source, path in files:
            archive.add(source, path, filter=plain)


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
