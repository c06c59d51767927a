"""Settings of steps that run as Kubernetes pods: with which image, where, with how much, and how long one waits."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from settlement.settings import read, settings, split_names, split_pairs

_PREFIX = "SETTLEMENT_POD_"
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*(:[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})")
_DNS = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?(m|[KMGT]i?)?")
_TOLERATION = re.compile(r"(?P<key>[\w./-]+)(=(?P<value>[\w.-]*))?:(?P<effect>NoSchedule|PreferNoSchedule|NoExecute)")
_MEBIBYTES = {"Mi": 1, "Gi": 1024, "Ti": 1024**2}


class PodSettings(BaseSettings):
    """What an operator may set without touching code; every field is `SETTLEMENT_POD_<NAME>`.

    Secrets aren't among them: a pod gets the ledger's address and keys from the Kubernetes Secret that is named here.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    image: str = Field(
        "", description="the release's image, by digest or release tag; default: audits are the worker's processes"
    )
    pull_policy: Literal["IfNotPresent", "Always", "Never"] = Field("IfNotPresent", description="when a node fetches the image")
    pull_secrets: Annotated[tuple[str, ...], NoDecode] = Field((), description="Secrets for the image's registry, a,b,c")
    connection: str = Field("", description="Airflow connection of the cluster; default: the worker's own cluster, or KUBECONFIG")
    namespace: str = Field("settlement", description="where pods run")
    service_account: str = Field("settlement-audit", description="whose rights a pod has in AWS; it has none in Kubernetes")
    report_service_account: str = Field("settlement-report", description="the same of reports and previews: it writes on_demand/")
    secret: str = Field("settlement-audit", description="Secret with SETTLEMENT_LEDGER_URL and other secrets; empty: none")

    cpu: str = Field("1", description="processors of a pod, such as 2 or 500m")
    memory: str = Field("4Gi", description="memory of a pod: whole Mi, Gi or Ti; DuckDB gets 60 % of it")
    scratch: str = Field("8Gi", description="disk of a pod for spilled data and files on their way")
    node_selector: Annotated[dict[str, str], NoDecode] = Field({}, description="labels of the nodes, key=value,key=value")
    tolerations: Annotated[tuple[str, ...], NoDecode] = Field((), description="taints that are borne, key=value:NoSchedule,…")
    priority_class: str = Field("", description="priority class of the pods; default: the cluster's own")

    poll_seconds: float = Field(1, gt=0, description="how often a pod is looked at")
    start_seconds: float = Field(600, gt=0, description="a pod that hasn't started by then is removed, and its task fails")
    run_seconds: int = Field(3600, ge=1, description="a pod that runs longer is ended by Kubernetes")
    confirm_seconds: float = Field(60, gt=0, description="how long to wait until a removed pod is really gone")
    lost_seconds: float = Field(300, gt=0, description="how long the Kubernetes API may go unanswered")

    @field_validator("pull_secrets", "tolerations", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_names(value)

    @field_validator("node_selector", mode="before")
    @classmethod
    def _pair(cls, value: object) -> object:
        return split_pairs(value)

    @field_validator("image")
    @classmethod
    def _is_of_a_release(cls, value: str) -> str:
        if value and (not _IMAGE.fullmatch(value) or value.endswith(":latest")):
            raise ValueError("it must be <repository>@sha256:<digest> or <repository>:<release>, never :latest")
        return value

    @field_validator("namespace", "service_account", "report_service_account")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not _DNS.fullmatch(value):
            raise ValueError("it must be lower-case letters, digits and -, at most 63")
        return value

    @field_validator("cpu", "scratch")
    @classmethod
    def _is_amount(cls, value: str) -> str:
        if not _AMOUNT.fullmatch(value):
            raise ValueError("it must be an amount such as 500m, 2 or 4Gi")
        return value

    @field_validator("memory")
    @classmethod
    def _is_memory(cls, value: str) -> str:
        if not re.fullmatch(r"[1-9][0-9]*(Mi|Gi|Ti)", value):
            raise ValueError("it must be whole Mi, Gi or Ti, such as 4Gi")
        return value

    @field_validator("tolerations")
    @classmethod
    def _are_tolerations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if not _TOLERATION.fullmatch(one):
                raise ValueError("it must be key=value:NoSchedule or key:NoExecute, with commas between")
        return value

    @property
    def parsed_tolerations(self) -> list[dict[str, str]]:
        """Tolerations in Kubernetes' words."""
        found = [match.groupdict() for one in self.tolerations if (match := _TOLERATION.fullmatch(one))]
        return [
            {"key": one["key"], "effect": one["effect"]}
            | ({"operator": "Exists"} if one["value"] is None else {"operator": "Equal", "value": one["value"]})
            for one in found
        ]

    @property
    def duckdb_memory(self) -> str:
        """What DuckDB may use of a pod's memory; the rest is Python's and the libraries'."""
        amount, unit = int(self.memory[:-2]), self.memory[-2:]
        return f"{max(amount * _MEBIBYTES[unit] * 6 // 10, 1)}MiB"


@lru_cache(maxsize=1)
def pod_settings() -> PodSettings:
    """The pods' settings of this process, read once.

    Raises:
        SettlementError: names the variable whose value is off.
    """
    return read(PodSettings)


def in_pods() -> bool:
    """Whether steps that can run in a pod do: on the profile `services`, with an image. Else they are processes of the worker."""
    return settings().profile == "services" and bool(pod_settings().image)
