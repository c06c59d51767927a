"""Settings of the EMR side: where steps run, what a cluster is made of, how long one waits for it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from settlement.errors import SettlementError
from settlement.settings import read, settings, split_names, split_pairs

_PREFIX = "SETTLEMENT_EMR_"
_S3 = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^/].*)?")
_Pairs = Annotated[dict[str, str], NoDecode]  # said as key=value,key=value
_Names = Annotated[tuple[str, ...], NoDecode]  # said as a,b,c


class EmrSettings(BaseSettings):
    """What an operator may set without touching code; every field is `SETTLEMENT_EMR_<NAME>`.

    Secrets aren't among them: keys are in the Airflow connection, or in the role of the workers. The KMS key is the one of
    everything that is put in a bucket: `SETTLEMENT_KMS_KEY`, for a cluster as an ARN.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    connection: str = Field("", description="Airflow connection of EMR and S3; default: the role or environment of the worker")
    region: str = Field("ap-northeast-2", description="region of the cluster")
    cluster: str = Field("", description="name of the cluster; default: settlement-<environment>")
    scripts: str = Field("", description="s3:// folder for scripts, each under the hash of its content")

    poll_seconds: float = Field(30, ge=1, description="how often running steps are looked at, all of a cluster's together")
    confirm_seconds: float = Field(600, gt=0, description="how long to wait until a cancelled step has really ended")
    settle_seconds: float = Field(5, ge=0, description="wait after an answer was lost, before looking what came of the request")
    step_hours: float = Field(6, gt=0, description="a step that runs longer is cancelled, and its task fails")
    lookback_days: int = Field(14, ge=1, description="clusters made in the last days are asked for steps although they ended")

    release: str = Field("emr-7.9.0", description="EMR release of a new cluster")
    log_uri: str = Field("", description="s3:// folder for the cluster's logs")
    service_role: str = Field("", description="role of the EMR service")
    instance_profile: str = Field("", description="instance profile of the cluster's machines: reads nothing of the data")
    runtime_role: str = Field("", description="ARN of the role that steps run as; it may read and write the tables")
    autoscaling_role: str = Field("", description="role for scaling, where the account needs one")
    subnets: _Names = Field((), description="private subnets to choose from, a,b,c")
    primary_types: _Names = Field(("m7g.xlarge", "m6g.xlarge"), description="machines of the primary node, best first")
    core_types: _Names = Field(("r7g.2xlarge", "r6g.2xlarge", "r6gd.2xlarge"), description="machines that compute, best first")
    core_units: int = Field(2, ge=1, description="core machines, always on demand")
    max_units: int = Field(20, ge=1, description="machines at most, core and task together")
    max_on_demand_units: int = Field(4, ge=1, description="of them on demand; the rest are spot")
    idle_minutes: int = Field(30, ge=1, le=10_080, description="an idle cluster ends itself after this time")
    concurrency: int = Field(4, ge=1, le=256, description="steps at work at once")
    certificates: str = Field("", description="s3:// zip of certificates for traffic within the cluster")
    glue_catalog: bool = Field(True, description="whether the cluster's Hive uses the Glue catalogue")
    metastore_uri: str = Field("", description="thrift://host:port of the metastore, without the Glue catalogue")
    tags: _Pairs = Field({}, description="further tags of the cluster, key=value,key=value")

    @field_validator("subnets", "primary_types", "core_types", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_names(value)

    @field_validator("tags", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        return split_pairs(value)

    @field_validator("scripts", "log_uri", "certificates")
    @classmethod
    def _is_s3(cls, value: str) -> str:
        if value and not _S3.fullmatch(value):
            raise ValueError("it must be s3://<bucket>/<folder>")
        return value.rstrip("/")

    @property
    def cluster_name(self) -> str:
        """The cluster's name: one for each environment."""
        return self.cluster or f"settlement-{settings().env}"

    @property
    def kms_key(self) -> str:
        """The key for data, scripts, logs and disks; empty for none."""
        return settings().kms_key

    def required(self, name: str) -> str:
        """A setting that can't be done without.

        Raises:
            SettlementError: it isn't set.
        """
        value: str = getattr(self, name)
        if not value:
            variable = f"{_PREFIX}{name.upper()}"
            raise SettlementError(f"{variable} is not set", f"set {variable} for the scheduler, the triggerer and every worker")
        return value


@lru_cache(maxsize=1)
def emr_settings() -> EmrSettings:
    """The EMR settings of this process, read once.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    return read(EmrSettings)
