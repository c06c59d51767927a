"""An AWS endpoint on this machine: EMR, Glue and KMS as moto has them, with EMR steps that are really run by Hive."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.services.hive import beeline
from local.services.s3 import keys
from local.services.service import HOST, REGION, ROOT, Service, ServiceError


class Aws(Service):
    """moto, and the step runner in the same process. It keeps everything in memory: stopped, it has forgotten all.

    Steps read their scripts from the S3 service, run on the Hive service, and keep their logs in S3.
    """

    name = "aws"
    start_seconds = 60

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def install(self) -> None:
        if importlib.util.find_spec("moto") is None:
            raise ServiceError("aws needs moto, which is among the packages for tests: run make setup")
        self.hive()

    def hive(self) -> list[str]:
        """The command that runs a file of HiveQL."""
        return beeline(self.ports["hive"])

    def command(self) -> Sequence[str | Path]:
        work = self.home / "steps"
        hive = json.dumps(self.hive())
        options = ("--port", str(self.port), "--work", work, "--hive", hive)
        return [sys.executable, "-m", "local.services.aws_server", *options]

    def environment(self) -> dict[str, str]:
        key, secret = keys(self.state)
        return {
            "PYTHONPATH": str(ROOT),
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{self.ports['s3']}",
        }

    def ready(self) -> None:
        """Asks each of the three for what it knows."""
        self.client("emr").list_clusters()
        self.client("glue").get_databases()
        self.client("kms").list_keys()

    def client(self, service: str) -> Any:
        """A boto3 client of this endpoint; it takes any keys."""
        import boto3  # heavy
        from botocore.config import Config

        config = Config(retries={"max_attempts": 2}, connect_timeout=3, read_timeout=20)
        keys_of_nobody = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nobody"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config, **keys_of_nobody)

    def addresses(self) -> dict[str, str]:
        return {"aws": self.url}

    def variables(self) -> dict[str, str]:
        """Programs find EMR, Glue and KMS by AWS's own variables; keys are those of the S3 service."""
        return {f"AWS_ENDPOINT_URL_{name}": self.url for name in ("EMR", "GLUE", "KMS")} | {
            "SETTLEMENT_EMR_REGION": REGION,
            "SETTLEMENT_EMR_SCRIPTS": "s3://settlement-dev-lake/scripts",
            "SETTLEMENT_EMR_LOG_URI": "s3://settlement-dev-lake/emr-logs",
            "SETTLEMENT_EMR_SERVICE_ROLE": "settlement-emr",
            "SETTLEMENT_EMR_INSTANCE_PROFILE": "settlement-emr-machines",
            "SETTLEMENT_EMR_GLUE_CATALOG": "false",
            "SETTLEMENT_EMR_METASTORE_URI": f"thrift://{HOST}:{self.ports['metastore']}",
            "SETTLEMENT_EMR_POLL_SECONDS": "5",
            "SETTLEMENT_EMR_CONCURRENCY": "1",  # sessions of one Hive share its Tez: two at once mix up their plans
        }
