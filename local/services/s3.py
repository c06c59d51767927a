"""A real S3 server: versitygw over a folder."""

from __future__ import annotations

import json
import os
import secrets
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.services.install import HERE, aside, go, of_content, say
from local.services.process import locked
from local.services.service import HOST, REGION, Service, cache

VERSION = "v1.8.0"
_MODULE = f"github.com/versity/versitygw@{VERSION}"
_PATCH = HERE / "versitygw.patch"  # a marker of a folder can be copied: Hive does, when a statement has no rows
BUCKETS = ("settlement-dev-lake", "settlement-dev-landing", "settlement-dev-published")


class S3(Service):
    """versitygw: objects are files below `<state>/s3/objects`, old versions below `<state>/s3/versions`."""

    name = "s3"
    start_seconds = 30

    @property
    def cached(self) -> Path:
        return cache() / f"versitygw-{VERSION}-{of_content(_PATCH)}"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def access_log(self) -> Path:
        """A line a request since the start, in the format of AWS's own access logs."""
        return self.home / "access.log"

    def install(self) -> None:
        with aside(self.cached) as made:
            if made is not None:
                say(f"versitygw {VERSION}: built from source …")
                go(_MODULE, "./cmd/versitygw", _PATCH, made)

    def prepare(self) -> None:
        for folder in ("objects", "versions"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self.access_log.unlink(missing_ok=True)

    def command(self) -> Sequence[str | Path]:
        listen = ("--port", f"{HOST}:{self.port}", "--region", REGION, "--quiet", "--access-log", self.access_log)
        return [self.cached / "versitygw", *listen, "posix", "--versioning-dir", self.home / "versions", self.home / "objects"]

    def environment(self) -> dict[str, str]:
        key, secret = keys(self.state)
        return {"ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret}

    def ready(self) -> None:
        """Puts an object, gets it again and removes it; makes the buckets first."""
        client = self.client()
        there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
        for bucket in BUCKETS:
            if bucket not in there:
                client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        probe = {"Bucket": BUCKETS[0], "Key": f".ready/{uuid.uuid4()}"}
        client.put_object(**probe, Body=b"ready")
        got = client.get_object(**probe)["Body"].read()
        client.delete_object(**probe)
        if got != b"ready":
            raise RuntimeError(f"put `ready`, got {got!r}")

    def client(self) -> Any:
        """A boto3 client that may do everything."""
        import boto3  # type: ignore[import-untyped]  # heavy
        from botocore.config import Config  # type: ignore[import-untyped]

        key, secret = keys(self.state)
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}, connect_timeout=3, read_timeout=20),
        )

    def addresses(self) -> dict[str, str]:
        return {"s3": self.url}

    def variables(self) -> dict[str, str]:
        key, secret = keys(self.state)
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.url,
        }


def keys(state: Path) -> tuple[str, str]:
    """Access key and secret key of the state folder's S3: made up once, readable by the owner only."""
    path = state.resolve() / "s3" / "keys.json"
    with locked(path.with_name("keys.lock")):
        if not path.exists():
            made = {"access": secrets.token_hex(10).upper(), "secret": secrets.token_urlsafe(30)}
            with os.fdopen(os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
                json.dump(made, stream)
            path.with_suffix(".new").rename(path)
    kept = json.loads(path.read_text())
    return kept["access"], kept["secret"]
