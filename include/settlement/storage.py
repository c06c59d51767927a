"""Files on a disk or in a bucket: one kind of path for both, and files that come into being as a whole or not at all.

On a disk a file is written aside, synced and renamed into place. In a bucket it is written to a scratch folder of this
machine and put as one object; nobody sees it before.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from settlement.errors import SettlementError, StorageError, StorageUnavailable
from settlement.settings import settings

if TYPE_CHECKING:  # steps and DAG files reach this module; only buckets need what is heavy
    from pyarrow import fs
    from upath import UPath

# A folder or file of this machine, or a place in a bucket: alike for reading.
Location: TypeAlias = "Path | UPath"
_CHUNK = 8 << 20


def location(text: str | os.PathLike[str] | UPath) -> Location:
    """The place that a text names: a folder or file of this machine, or `s3://bucket/prefix`.

    Raises:
        SettlementError: another scheme.
    """
    if not isinstance(text, str | os.PathLike):
        return text  # a place in a bucket is no path of this machine
    name = os.fspath(text)
    scheme, colon, _ = name.partition("://")
    if not colon:
        return Path(name)
    if scheme != "s3":
        raise SettlementError(f"{name}: files are kept in a folder or under s3://, not {scheme}://")
    from fsspec import register_implementation  # type: ignore[import-untyped]
    from upath import UPath

    from settlement.bucket import Bucket

    register_implementation("s3", Bucket, clobber=True)  # paths find their file system by this name
    place: UPath = UPath(name, **_bucket_options())
    return place


def _bucket_options() -> dict[str, Any]:
    """How buckets are spoken to; address and credentials come from AWS's own environment variables."""
    key = settings().kms_key
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
    return {
        "use_listings_cache": False,  # others write while this process lives
        "s3_additional_kwargs": encrypted,
        "config_kwargs": {"retries": {"mode": "adaptive", "max_attempts": 8}},
    }


def arrow_filesystem() -> fs.S3FileSystem:
    """The same buckets for Arrow's readers, which fetch only what they need."""
    from pyarrow import fs

    address = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return fs.S3FileSystem(endpoint_override=address, region=region)


def scratch_folder() -> Path:
    """Where this machine keeps what it reads again or has not put yet."""
    folder = settings().scratch or Path(tempfile.gettempdir()) / f"settlement-{os.getuid()}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def sync_dir(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make a file's content durable."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def atomic_file(target: Location) -> Iterator[Path]:
    """Yield a path on a disk to write; it becomes `target` as a whole, durably, or not at all."""
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    else:
        aside = scratch_folder() / f"{secrets.token_hex(8)}-{target.name}"
    try:
        yield aside
        if isinstance(target, Path):
            sync_file(aside)
            rename(aside, target)
        else:
            put(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def put(source: Path, target: UPath) -> None:
    """Copy a file of this machine into a bucket.

    Raises:
        StorageError: the bucket isn't there, doesn't answer or refuses.
    """
    target.fs.put_file(str(source), target.path)


@contextmanager
def folder_of_files(target: Location) -> Iterator[Path]:
    """Yield a folder on a disk to write files into; they lie below `target` afterwards.

    On a disk it is `target` itself: `make_durable` is the caller's. Left by an error, nothing is put in a bucket.
    """
    if isinstance(target, Path):
        target.mkdir(parents=True, exist_ok=True)
        yield target
        return
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as name:
        folder = Path(name)
        yield folder
        put_folder(folder, target)


def put_folder(folder: Path, target: UPath, last: str = "") -> None:
    """Copy every file of a folder of this machine to the same place below a place in a bucket.

    The file named `last`, if any, is put when all others are there: it says that they are.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in sorted(paths, key=lambda path: path == folder / last):
        put(path, target / path.relative_to(folder).as_posix())


def fetch_folder(place: UPath, folder: Path) -> None:
    """Copy every file below a place in a bucket into a folder of this machine.

    Raises:
        FileNotFoundError: nothing is there.
    """
    found = [path for path in place.rglob("*") if path.is_file()]
    if not found:
        raise FileNotFoundError(ENOENT, "nothing is there", str(place))
    for path in found:
        target = folder / key_below(place, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.fs.get_file(path.path, str(target))


def link_folder(stored: Location, folder: Path) -> None:
    """Make a stored folder readable at a place of this machine: linked on a disk, fetched from a bucket."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(stored, Path):
        folder.symlink_to(stored, target_is_directory=True)
    else:
        fetch_folder(stored, folder)


def make_durable(folders: Iterable[Location], root: Location) -> None:
    """Make the files of folders below `root` durable; in a bucket they are, once put."""
    for target in folders:
        if not isinstance(target, Path):
            continue
        for path in target.iterdir():
            sync_file(path)
        for folder in (target, *target.parents):
            sync_dir(folder)
            if folder == root:
                break


def remove_folder(folder: Location) -> None:
    """Remove a folder and all below it, as far as it is there and may be removed.

    Raises:
        StorageUnavailable: the bucket doesn't answer; asking for the next folder would only take as long again.
    """
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        folder.fs.rm(folder.path, recursive=True)
    except StorageUnavailable:
        raise
    except (OSError, StorageError):
        pass  # what no record names harms nobody


def rename(source: Path, target: Path) -> None:
    """Move a finished file or folder into place, durably."""
    source.replace(target)
    sync_dir(target.parent)


def sha256_of(path: Location) -> str:
    with path.open("rb") as stream:
        digest = hashlib.sha256()
        while data := stream.read(_CHUNK):
            digest.update(data)
        return digest.hexdigest()


def list_files(root: Location, folders: Iterable[Location]) -> list[dict[str, Any]]:
    """Key (relative to `root`), size and SHA-256 of every file below the folders, sorted by key."""
    found = [{"key": key_below(root, path), "bytes": size, "sha256": sha256_of(path)} for path, size in _sized(folders)]
    return sorted(found, key=lambda file: str(file["key"]))


def bytes_below(folders: Iterable[Location]) -> int:
    """How many bytes the files below some folders have."""
    return sum(size for _, size in _sized(folders))


def _sized(folders: Iterable[Location]) -> Iterator[tuple[Location, int]]:
    for folder in folders:
        if isinstance(folder, Path):
            yield from ((path, path.stat().st_size) for path in files_below(folder))
            continue
        for name, info in folder.fs.find(folder.path, detail=True).items():  # one listing knows the sizes too
            if not name.endswith("/"):  # Hive leaves an empty object where a folder would be
                yield folder / name.removeprefix(folder.path).lstrip("/"), info["size"]


def key_below(root: Location, path: Location) -> str:
    """The name of a place below another one, with `/` between its parts."""
    return path.as_posix().removeprefix(root.as_posix()).lstrip("/")


def files_below(folder: Location) -> Iterator[Location]:
    """Every file below a folder, in no order; none when the folder isn't there."""
    return (path for path in folder.rglob("*") if path.is_file())
