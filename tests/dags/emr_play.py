"""EMR and S3 as moto has them, in this process, without a runner: tests say themselves what becomes of a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook
from moto import mock_aws
from moto.emr.models import emr_backends

from local.services.moto_mended import mend
from local.services.service import REGION
from settlement.settings import settings
from settlement.settings_emr import emr_settings
from settlement_airflow.hooks.emr_names import StepName, run_token, script_token
from settlement_airflow.hooks.emr_objects import sha256

SCRIPT = "INSERT OVERWRITE TABLE b.ods_play PARTITION (dt = '2026-02-28', build = '0a') SELECT 1;"
BUCKET = "settlement-dev-lake"
_SESSION = boto3.Session(region_name=REGION)  # one for all: each reads the descriptions of the services anew
_SETTINGS = {
    "SCRIPTS": f"s3://{BUCKET}/scripts",
    "LOG_URI": f"s3://{BUCKET}/logs",
    "SERVICE_ROLE": "service",
    "INSTANCE_PROFILE": "machines",
    "POLL_SECONDS": "1",
    "SETTLE_SECONDS": "0",
    "CONFIRM_SECONDS": "5",
}


def name(attempt: int = 7, build_id: str = "0a", run: str = "settlement_daily/manual__1", **others: Any) -> StepName:
    """The name of a step that runs `SCRIPT`."""
    usual = {"env": "dev", "stage": "ods", "partition": "2026-02-28", "script": script_token(sha256(SCRIPT))}
    return StepName(**{**usual, "run": run_token(run), "attempt": attempt, "build_id": build_id, **others})


@dataclass(frozen=True)
class Played:
    """Clients of the played AWS, and a hand in it."""

    emr: Any
    s3: Any

    def cluster(self, name: str = "settlement-dev", **others: Any) -> str:
        """A cluster that takes steps."""
        request = {
            "Name": name,
            "ReleaseLabel": "emr-7.9.0",
            "LogUri": f"s3://{BUCKET}/logs/",
            "Instances": {"KeepJobFlowAliveWhenNoSteps": True},
            "Tags": [{"Key": "settlement:env", "Value": "dev"}],
        }
        return str(self.emr.run_job_flow(**{**request, **others})["JobFlowId"])

    def step(self, cluster: str, called: object, state: str = "PENDING") -> str:
        """A step that somebody submitted, in a state."""
        jar = {"Jar": "command-runner.jar", "Args": ["hive-script"]}
        made = self.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[{"Name": str(called), "HadoopJarStep": jar}])
        (step,) = made["StepIds"]
        self.becomes(step, state)
        return str(step)

    def becomes(self, step: str, state: str, **details: str) -> None:
        """Put a step into a state."""
        found = next(one for cluster in self.clusters() for one in cluster.steps if one.id == step)
        found.state = state
        if details:
            found.failure_details = details

    def clusters(self) -> list[Any]:
        return [c for account in emr_backends.values() for region in account.values() for c in region.clusters.values()]

    def steps(self) -> dict[str, str]:
        """State by id of all steps."""
        return {step.id: step.state for cluster in self.clusters() for step in cluster.steps}

    def ended(self, cluster: str, state: str = "TERMINATED") -> None:
        """End a cluster, with its steps as they are."""
        next(c for c in self.clusters() if c.id == cluster).state = state


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    for key, value in _SETTINGS.items():
        monkeypatch.setenv(f"SETTLEMENT_EMR_{key}", value)
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "nobody")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    settings.cache_clear()
    emr_settings.cache_clear()
    mend()
    monkeypatch.setattr(AwsGenericHook, "get_session", lambda *_, **__: _SESSION)
    with mock_aws():
        clients = Played(_SESSION.client("emr"), _SESSION.client("s3"))
        clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield clients
    settings.cache_clear()
    emr_settings.cache_clear()


def task_context(**pushed: Any) -> dict[str, Any]:
    """A task's context that keeps what is pushed for links."""

    def push(key: str, value: Any) -> None:
        pushed[key] = value

    return {"ti": SimpleNamespace(xcom_push=push, pushed=pushed)}
