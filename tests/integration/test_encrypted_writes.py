"""With SETTLEMENT_KMS_KEY set, whatever is written into a bucket asks for SSE-KMS with that key: seen in the requests as sent.

A door in front of a real S3 server keeps every request. The server has no KMS: that it would encrypt is Amazon's part.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from local.services.s3 import BUCKETS
from settlement.cli.common import make_context
from settlement.engines.duckdb import write_rows
from settlement.ledger.anchors import Anchor, Anchors
from settlement.pipeline import DAY_STAGES, days_of
from settlement.settings import settings, sql_dir
from settlement.storage import Location, atomic_file, folder_of_files, location, put, put_folder
from settlement.tables import load
from settlement.warehouse import Warehouse
from tests.integration.buckets import BucketHouse, served
from tests.integration.example import MONTH
from tests.integration.recording import Asked, Door, door_to
from tests.integration.shelf import Shelf, settle_day_stage

KEY = "arn:aws:kms:ap-northeast-2:111122223333:key/1"
# A part of an upload is encrypted as the upload was begun.
BEGIN_AN_OBJECT = ("PutObject", "CreateMultipartUpload", "CopyObject")
ALGORITHM, NAMED = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"


@pytest.fixture(scope="module")
def door(work: Path) -> Iterator[Door]:
    """The way to the server that programs of this process take."""
    with served(work / "s3") as server, door_to(server.url) as door, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", door.url)
        patch.setenv("SETTLEMENT_SCRATCH", str(work / "scratch"))
        patch.setenv("SETTLEMENT_KMS_KEY", KEY)
        settings.cache_clear()
        yield door
    settings.cache_clear()


@pytest.fixture
def root(door: Door) -> Location:
    door.asked.clear()
    return location(f"s3://{BUCKETS[0]}/{secrets.token_hex(4)}")


def written(door: Door) -> list[Asked]:
    found = door.of(*BEGIN_AN_OBJECT)
    assert found, "nothing was written"
    return found


def encrypted(asked: Mapping[str, str]) -> tuple[str | None, str | None]:
    return asked.get(ALGORITHM), asked.get(NAMED)


def unencrypted(door: Door) -> list[str]:
    return [f"{one.operation} {one.key}" for one in written(door) if encrypted(one.headers) != ("aws:kms", KEY)]


# -- each way to write ---------------------------------------------------------------------------------------------------


def _as_whole_file(root: Location, _: Path) -> None:
    with atomic_file(root / "file") as path:
        path.write_bytes(b"whole")


def _as_folder(root: Location, _: Path) -> None:
    with folder_of_files(root / "folder") as folder:
        (folder / "one").write_bytes(b"1")
        (folder / "two").write_bytes(b"2")


def _as_copied_folder(root: Location, tmp_path: Path) -> None:
    assert not isinstance(root, Path)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "one").write_bytes(b"1")
    put_folder(tmp_path / "files", root)


def _as_bytes_of_a_path(root: Location, _: Path) -> None:
    (root / "bytes").write_bytes(b"bytes")


def _as_stream(root: Location, _: Path) -> None:
    with (root / "stream").open("wb") as stream:
        stream.write(b"streamed")


def _as_marker(root: Location, _: Path) -> None:
    (root / "_SUCCESS").touch()


def _as_copy(root: Location, _: Path) -> None:
    assert not isinstance(root, Path)
    (root / "first").write_bytes(b"first")
    root.fs.copy((root / "first").path, (root / "second").path)


def _as_table(root: Location, _: Path) -> None:
    posting = load(sql_dir())["mart.posting"]
    row = {"settled_month": "2026-02", "version_from": 1, "version_to": 2, "reason": "late delivery"}
    write_rows(posting, [row], root / "table")
    (file,) = (root / "table").glob("*.parquet")
    with file.open("rb") as stream:
        assert pq.read_table(stream).num_rows == 1


def _as_anchor(root: Location, _: Path) -> None:
    Anchors(root / "anchors").write(Anchor(1, "a" * 64, "2026-03-01T00:00:00Z", 1))


def _as_probe(root: Location, _: Path) -> None:
    Warehouse.open(str(root))


WAYS = [
    _as_whole_file, _as_folder, _as_copied_folder, _as_bytes_of_a_path, _as_stream, _as_marker, _as_copy, _as_table, _as_anchor,
    _as_probe,
]  # fmt: skip


@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_what_is_written_asks_for_the_key(
    door: Door, root: Location, tmp_path: Path, write: Callable[[Location, Path], None]
) -> None:
    write(root, tmp_path)
    assert unencrypted(door) == []


def test_a_large_file_is_put_in_parts_of_an_upload_that_asks_for_the_key(door: Door, root: Location, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(110 << 20)  # s3fs puts up to twice 50 MiB at once
    assert not isinstance(root, Path)
    put(large, root / "large")
    assert [one.operation for one in written(door)] == ["CreateMultipartUpload"]
    assert len(door.of("UploadPart")) > 1
    assert unencrypted(door) == []
    assert (root / "large").stat().st_size == large.stat().st_size


def test_a_stream_that_grows_large_asks_for_the_key_too(door: Door, root: Location) -> None:
    with (root / "grown").open("wb") as stream:
        for _ in range(3):
            stream.write(bytes(32 << 20))
    assert [one.operation for one in written(door)] == ["CreateMultipartUpload"]
    assert unencrypted(door) == []


def test_a_settled_day_has_no_object_without_the_key(door: Door, root: Location, shelf: Shelf) -> None:
    house, day = shelf.house("new"), days_of(MONTH)[0]
    house.warehouse.mkdir(exist_ok=True)  # the ledger's
    assert not isinstance(root, Path)
    for kind in house.landing.iterdir():
        put_folder(house.folder(kind.name, day), root / "landing" / kind.name / f"dt={day}")
    bucket = BucketHouse(house, root)
    door.asked.clear()
    with bucket.ledger():
        context = make_context(bucket.warehouse, house.reference, "Ann")
        for stage in DAY_STAGES:
            settle_day_stage(context, root / "landing", stage, day)
    kinds = {one.key.split("/warehouse/")[1].split("/")[0] for one in written(door)}
    assert kinds >= {"tables", "verdicts", "anchors", "releases"}
    assert unencrypted(door) == []


def test_without_a_key_the_bucket_decides(door: Door, root: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTLEMENT_KMS_KEY")
    settings.cache_clear()
    (location(str(root)) / "plain").write_bytes(b"plain")
    assert [encrypted(one.headers) for one in written(door)] == [(None, None)]
    monkeypatch.undo()
    settings.cache_clear()
