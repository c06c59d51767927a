"""The S3 server by itself: who may, old versions, and that a lost server is put right."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError

from local.services.s3 import BUCKETS, S3, keys
from local.services.service import REGION
from local.services.stack import Stack


@pytest.fixture
def s3(own_stack: Stack) -> Iterator[S3]:
    own_stack.up(["s3"])
    return own_stack.of(S3)


def _client(s3: S3, key: str, secret: str) -> Any:
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return boto3.client(
        "s3", endpoint_url=s3.url, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret, config=config
    )


def test_the_buckets_are_there(s3: S3) -> None:
    assert {bucket["Name"] for bucket in s3.client().list_buckets()["Buckets"]} == set(BUCKETS)


def test_wrong_keys_are_refused(s3: S3) -> None:
    key, secret = keys(s3.state)
    # The second is versitygw's own; Amazon says InvalidAccessKeyId.
    for wrong, code in (((key, "wrong"), "SignatureDoesNotMatch"), (("nobody", secret), "XAdminUserNotFound")):
        with pytest.raises(ClientError) as refused:
            _client(s3, *wrong).list_objects_v2(Bucket=BUCKETS[0])
        assert refused.value.response["Error"]["Code"] == code
    assert "Contents" not in _client(s3, key, secret).list_objects_v2(Bucket=BUCKETS[0])


def test_keys_are_the_owners_alone_and_in_no_log(s3: S3) -> None:
    key, secret = keys(s3.state)
    kept = s3.home / "keys.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    holding = [path for path in s3.state.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert holding == [kept]
    assert secret.encode() not in Path(f"/proc/{s3.process.pid()}/cmdline").read_bytes()
    assert (key, secret) == keys(s3.state)


def test_an_object_that_is_there_is_not_written_again_on_condition(s3: S3) -> None:
    client, where = s3.client(), {"Bucket": BUCKETS[2], "Key": "report.csv"}
    client.put_object(**where, Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        client.put_object(**where, Body=b"second", IfNoneMatch="*")
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    assert client.get_object(**where)["Body"].read() == b"first"


def test_old_versions_are_kept_where_a_bucket_asks_for_it(s3: S3) -> None:
    client, where = s3.client(), {"Bucket": BUCKETS[2], "Key": "report.csv"}
    client.put_bucket_versioning(Bucket=BUCKETS[2], VersioningConfiguration={"Status": "Enabled"})
    first = client.put_object(**where, Body=b"first")["VersionId"]
    client.put_object(**where, Body=b"second")
    assert client.get_object(**where)["Body"].read() == b"second"
    assert client.get_object(**where, VersionId=first)["Body"].read() == b"first"


def test_a_killed_server_is_seen_and_put_right_with_its_data(s3: S3, own_stack: Stack) -> None:
    where = {"Bucket": BUCKETS[0], "Key": "kept"}
    s3.client().put_object(**where, Body=b"kept")
    before = s3.process.pid()
    s3.kill()
    found = {status.name: status for status in own_stack.status()}["s3"]
    assert (found.running, found.ready, found.memory) == (False, False, 0)
    with pytest.raises(EndpointConnectionError):
        s3.client().list_buckets()
    own_stack.up(["s3"])
    assert s3.process.pid() not in (None, before)
    assert s3.client().get_object(**where)["Body"].read() == b"kept"
