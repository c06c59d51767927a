"""A bucket that is missing, refuses, or goes away in the middle of a build: one clear error, nothing published, and a run
afterwards that succeeds. Steps run as commands do, against a real S3 server of the tests' own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from local.services.s3 import BUCKETS, S3
from settlement import storage
from settlement.engines.duckdb import Session
from settlement.pipeline import DAY_STAGES, days_of
from settlement.settings import settings
from settlement.steps.__main__ import main
from settlement.storage import location, put_folder
from settlement.warehouse import Partition
from tests.integration.buckets import BucketHouse, served
from tests.integration.example import MONTH
from tests.integration.house import House
from tests.integration.scheduled import DAILY
from tests.integration.shelf import Shelf, settle_days

NOWHERE = "s3://there-is-no-such-bucket"
CANARY = "canary-of-the-secret-key"
Rows = dict[str, dict[str, str]]
DAY = days_of(MONTH)[0]  # the first that landed: it needs no other
RUN_ID = f"{DAILY}/first"
RUN = ["--run", RUN_ID, "--partition", DAY]
BEGIN = ["begin", *RUN, "--by", "Ann", "--gate", "landing"]


@pytest.fixture(scope="module", autouse=True)
def server(work: Path) -> Iterator[S3]:
    with served(work / "s3") as server:
        yield server


@pytest.fixture(scope="module")
def expected(shelf: Shelf) -> Rows:
    """What the day comes to on a disk."""
    house = shelf.house("new")
    settle_days(house, [DAY])
    return rows_of(house)


@pytest.fixture
def bucket(shelf: Shelf, expected: Rows, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketHouse]:  # noqa: ARG001  # there
    """A house in the bucket in which a day has landed, and the settings of a worker; a server that is gone is tried twice."""
    options = storage._bucket_options
    impatient = {"retries": {"mode": "standard", "max_attempts": 1}, "connect_timeout": 2}
    monkeypatch.setattr(storage, "_bucket_options", lambda: {**options(), "config_kwargs": impatient})
    house, root = shelf.house("new"), location(f"s3://{BUCKETS[0]}/{secrets.token_hex(4)}")
    assert isinstance(root, UPath)
    for kind in house.landing.iterdir():
        put_folder(house.folder(kind.name, DAY), root / "landing" / kind.name / f"dt={DAY}")
    house.warehouse.mkdir(exist_ok=True)  # the ledger's
    bucket = BucketHouse(house, root)
    for name, value in {
        "LANDING": f"{bucket.root}/landing",
        "WAREHOUSE": bucket.warehouse,
        "REFERENCE": bucket.house.reference,
        "READER_PROCESSES": 1,
    }.items():
        monkeypatch.setenv(f"SETTLEMENT_{name}", str(value))
    with bucket.ledger():
        yield bucket
    bucket.root.fs.clear_instance_cache()


def rows_of(house: House) -> Rows:
    """Hashes of the content of each table of the day, by stage."""
    heads = {stage: house.ledger.head_build(stage, Partition(DAY)) for stage in DAY_STAGES}
    return {stage: dict(head.rows_hashes) for stage, head in heads.items() if head is not None}


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The answer of a step."""
    settings.cache_clear()
    code = main(arguments)
    said = capsys.readouterr().out
    answer: dict[str, Any] = json.loads(said)
    assert len(said.splitlines()) == 1
    assert (code == 0) == ("error" not in answer)
    return answer


def step(capsys: pytest.CaptureFixture[str], name: str, stage: str) -> dict[str, Any]:
    return ended(capsys, name, *RUN, "--stage", stage)


# -- missing -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bucket")
def test_a_warehouse_s_bucket_that_is_missing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLEMENT_WAREHOUSE", f"{NOWHERE}/warehouse")
    answer = ended(capsys, *BEGIN)
    assert (answer["error"], answer["transient"]) == ("StorageError", False)
    assert str(answer["message"]).startswith(f"warehouse {NOWHERE}/warehouse can't be written: {NOWHERE}/warehouse/.writable-")
    assert str(answer["message"]).endswith("the bucket doesn't exist (NoSuchBucket)")
    assert "make the bucket" in answer["hint"]


@pytest.mark.usefixtures("bucket")
def test_a_landing_bucket_that_is_missing_is_no_day_that_has_not_arrived(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETTLEMENT_LANDING", f"{NOWHERE}/landing")
    answer = ended(capsys, *BEGIN)
    assert (answer["error"], answer["transient"]) == ("StorageError", False)
    assert str(answer["message"]).startswith(f"{NOWHERE}/landing/")
    assert "the bucket doesn't exist" in answer["message"]


# -- refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        ("AWS_SECRET_ACCESS_KEY", "the key is not accepted (SignatureDoesNotMatch)"),
        ("AWS_ACCESS_KEY_ID", "the key is not accepted (XAdminUserNotFound)"),
    ],
)
@pytest.mark.fault(32)
def test_a_wrong_key_is_said_without_it(
    bucket: BucketHouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str, reason: str
) -> None:
    monkeypatch.setenv(variable, CANARY)
    bucket.root.fs.clear_instance_cache()
    answer = ended(capsys, *BEGIN)
    assert (answer["error"], answer["transient"]) == ("StorageError", False)
    assert reason in answer["message"]
    assert f"s3://{BUCKETS[0]}/" in answer["message"]
    assert "AWS_SECRET_ACCESS_KEY" in answer["hint"]
    assert CANARY not in json.dumps(answer)


# -- gone ----------------------------------------------------------------------------------------------------------------


def stop_at(monkeypatch: pytest.MonkeyPatch, server: S3, module: Any, name: str, number: int) -> None:
    """Stop the server just before a function of a module is called for the nth time."""
    real, calls = getattr(module, name), [0]

    def stopping(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] == number:
            server.stop()
        return real(*given)

    monkeypatch.setattr(module, name, stopping)


@pytest.mark.parametrize(
    ("stage", "module", "name", "number"),
    [
        ("raw", storage, "put", 4),  # the first of each is the probe
        ("ods", storage, "put", 4),
        ("daily", Session, "build", 2),
    ],
    ids=["while raw files are put", "while tables are put", "while inputs are read"],
)
@pytest.mark.fault(33)
def test_a_server_that_stops_in_the_middle_of_a_build(
    bucket: BucketHouse,
    server: S3,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    expected: Rows,
    stage: str,
    module: Any,
    name: str,
    number: int,
) -> None:
    ended(capsys, *BEGIN)
    place = DAY_STAGES.index(stage)
    for before in DAY_STAGES[:place]:
        settle(capsys, before)
    heads = bucket.house.heads()
    try:
        with monkeypatch.context() as patch:
            stop_at(patch, server, module, name, number)
            answer = step(capsys, "build", stage)
        assert (answer["error"], answer["transient"]) == ("StorageUnavailable", True), answer
        assert f"s3://{BUCKETS[0]}/" in answer["message"]
        assert "doesn't answer" in answer["message"]
        assert "see that it runs" in answer["hint"]
        assert bucket.house.heads() == heads
        assert not [r for r in bucket.house.ledger.records(kind="sealed", run_id=RUN_ID) if r.stage == stage]
        answer = step(capsys, "build", stage)
        assert answer["error"] == "StorageUnavailable", "it says so at the first thing it does, too"
    finally:
        server.up()
    for after in DAY_STAGES[place:]:
        settle(capsys, after)
    assert rows_of(bucket.house) == expected, "as if nothing had happened"


def settle(capsys: pytest.CaptureFixture[str], stage: str) -> None:
    for name, outcome in (("build", "sealed"), ("audit", "passed"), ("publish", "new")):
        answer = step(capsys, name, stage)
        assert answer.get("outcome") == outcome, answer
