"""A warehouse and a landing root in a bucket of a real S3 server: the same builds, the same published bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from local.services.s3 import BUCKETS, S3
from settlement.errors import AuditFailed, SettlementError
from settlement.steps.audit import audit
from settlement.storage import atomic_file, folder_of_files, list_files, location, put_folder, remove_folder
from settlement.warehouse import Warehouse
from tests.integration.buckets import BucketHouse, served
from tests.integration.example import LAST, MONTH
from tests.integration.house import APPROVER
from tests.integration.shelf import Shelf


@pytest.fixture(scope="module", autouse=True)
def server(work: Path) -> Iterator[S3]:
    with served(work / "s3") as server:
        yield server


@pytest.fixture(scope="module")
def settled(shelf: Shelf) -> BucketHouse:
    """A month of which the last day and the month were settled in the bucket."""
    house = BucketHouse.of(shelf.house("almost"), "settled")
    answer = house.run(MONTH, APPROVER)
    assert answer.code == 0, answer.err
    return house


def test_what_is_published_from_a_bucket_is_what_is_published_from_a_disk(settled: BucketHouse, shelf: Shelf) -> None:
    assert settled.published() == shelf.published()


def test_the_builds_of_a_bucket_hold_what_those_of_a_disk_hold(settled: BucketHouse, shelf: Shelf) -> None:
    with settled.ledger():
        there = settled.house.hashes()
    assert there == shelf.house("closed").hashes()


def test_run_again_nothing_is_done_twice(settled: BucketHouse) -> None:
    before = settled.house.heads()
    answer = settled.run(MONTH, APPROVER)
    assert (answer.code, "closed before" in answer.said) == (0, True), answer.said
    assert settled.house.heads() == before


def test_an_object_that_was_altered_is_refused(shelf: Shelf) -> None:
    house = BucketHouse.of(shelf.house("days"), "altered")
    with house.ledger():
        build = house.house.ledger.head_build("daily", next(p for p in house.house.ledger.heads("daily") if p.key == LAST))
        assert build is not None
        warehouse = Warehouse.open(house.warehouse)
        file = next(iter(warehouse.build_dir("mart.usage_daily", build.partition, build.build_id).glob("*.parquet")))
        file.write_bytes(file.read_bytes() + b"x")
        context = house.house.context("auditor")
        moved = type(context)(warehouse, context.ledger, context.engine, context.release, "auditor", "Ann")
        with pytest.raises(AuditFailed, match="are not those that were sealed"):
            audit(moved, build)


def test_left_by_an_error_nothing_is_put() -> None:
    root = location(f"s3://{BUCKETS[0]}/halves")

    def leave(writing: AbstractContextManager[Path], name: str) -> None:
        with writing as path:
            (path / name).write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave(atomic_file(root / "file"), "")
    with pytest.raises(KeyboardInterrupt):
        leave(folder_of_files(root / "folder"), "one")
    assert list_files(root, [root]) == []


def test_names_and_sizes_of_a_bucket_are_those_of_a_disk(tmp_path: Path) -> None:
    for name in ("a/b=1/가.txt", "a/c", "with space"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    root = location(f"s3://{BUCKETS[0]}/names")
    put_folder(tmp_path / "files", root)
    assert list_files(root, [root]) == list_files(tmp_path / "files", [tmp_path / "files"])
    remove_folder(root)
    assert list_files(root, [root]) == []


@pytest.mark.parametrize("bucket", ["there-is-no-such-bucket", BUCKETS[0]])
def test_a_bucket_that_is_missing_or_refuses_is_named(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if bucket == BUCKETS[0]:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    root = location(f"s3://{bucket}/w")
    root.fs.clear_instance_cache()
    with pytest.raises(SettlementError, match=f"warehouse s3://{bucket}/w can't be written"):
        Warehouse.open(f"s3://{bucket}/w")
    root.fs.clear_instance_cache()


def test_a_bucket_holds_no_ledger() -> None:
    with pytest.raises(SettlementError, match="is in a bucket, where its ledger can't be") as refused:
        _ = Warehouse(location(f"s3://{BUCKETS[0]}/w")).ledger_url
    assert "SETTLEMENT_LEDGER_URL" in refused.value.hint


def test_other_schemes_are_refused() -> None:
    with pytest.raises(SettlementError, match="not gs://"):
        location("gs://bucket/w")
