"""The EMR cluster of an environment: found by its name and tag, made when there is none, never two of them."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.emr import EmrHook
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from botocore.config import Config

from settlement.settings import settings
from settlement.settings_emr import EmrSettings, emr_settings
from settlement_airflow.hooks.emr_errors import ClusterEnding, NotDone, Unknown, asking, submitting
from settlement_airflow.hooks.emr_request import TAG, job_flow, security

# Reads may be repeated: backed off with jitter, and slowed down while AWS throttles.
READS = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
# Requests without a client token are sent once: a repetition that nobody sees would make a second cluster or step.
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
_OPEN = ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING")
_ENDED = ("TERMINATED", "TERMINATED_WITH_ERRORS")
_TRIES = 5


@dataclass(frozen=True)
class Cluster:
    """A cluster as EMR lists it: id, state, when it was made."""

    id: str
    state: str
    created: datetime

    @property
    def is_open(self) -> bool:
        """Whether it takes steps."""
        return self.state in _OPEN


class EmrClusterHook(BaseHook):
    """Finds and makes the cluster.

    It uses the provider's `EmrHook` for clients only: its `get_cluster_id_by_name` doesn't say which two clusters share a
    name, and its `create_job_flow` goes through a client that repeats RunJobFlow after a lost answer: two clusters.
    """

    def __init__(self, chosen: EmrSettings | None = None) -> None:
        super().__init__()
        self.settings = chosen or emr_settings()
        self.name = self.settings.cluster_name
        self._clients: dict[str, Any] = {}

    def client(self, kind: str = "reads", config: Config = READS) -> Any:
        """An EMR client of its own for each kind of use."""
        if kind not in self._clients:
            self._clients[kind] = emr(self.settings, config).get_conn()
        return self._clients[kind]

    def clusters(self) -> list[Cluster]:
        """All clusters of the name that are alive, or were made in the last days; the oldest first.

        Raises:
            AirflowException: EMR can't be asked, or refuses; says what to do.
        """
        since = datetime.now(UTC) - timedelta(days=self.settings.lookback_days)
        with asking(f"EMR ListClusters for {self.name}"):
            pages = self.client().get_paginator("list_clusters")
            alive = pages.paginate(ClusterStates=[*_OPEN, "TERMINATING"])
            ended = pages.paginate(ClusterStates=list(_ENDED), CreatedAfter=since)
            found = [cluster for listed in (alive, ended) for page in listed for cluster in page["Clusters"]]
        named = {c["Id"]: _cluster(c) for c in found if c["Name"] == self.name}
        return sorted(named.values(), key=lambda cluster: (cluster.created, cluster.id))

    def the_open_one(self, clusters: list[Cluster]) -> Cluster | None:
        """The cluster that takes steps; None when there is none.

        Raises:
            AirflowFailException: there are two of the name; names both.
        """
        opened = [cluster for cluster in clusters if cluster.is_open]
        if len(opened) > 1:
            ids = " and ".join(cluster.id for cluster in opened)
            raise AirflowFailException(
                f"clusters {ids} share the name {self.name}: where would a step run?\n"
                f"  → terminate all but one of them, the one without running steps first, then clear the task"
            )
        return opened[0] if opened else None

    def ensure(self) -> Cluster:
        """The cluster of the environment; made when there is none. Doesn't wait until it has started.

        Killed after the request → found by its name the next time. Two makers at once → both end up with the older one.

        Raises:
            AirflowFailException: two clusters share the name, or the request is refused.
            AirflowException: it can't be made now.
            SettlementError: a setting is missing.
        """
        for pause in range(_TRIES):
            found = self.the_open_one(self.clusters())
            if found is not None:
                self._require_ours(found)
                return found
            request = job_flow(self.settings, self._security())
            try:
                with submitting(f"EMR RunJobFlow for {self.name}"):
                    made = self.client("once", ONCE).run_job_flow(**request)["JobFlowId"]
            except (NotDone, Unknown) as error:
                self.log.warning("%s; looking for it before asking again", error)
                time.sleep(self.settings.settle_seconds * 2**pause)
            else:
                self.log.info("Made cluster %s (%s)", made, self.name)
                return self._oldest(made)
        raise AirflowException(f"cluster {self.name} could not be made in {_TRIES} tries\n  → see the warnings above")

    def describe(self, cluster_id: str) -> dict[str, Any]:
        """What EMR says of a cluster.

        Raises:
            ClusterEnding: there is no such cluster.
        """
        with asking(f"EMR DescribeCluster {cluster_id}"):
            try:
                described: dict[str, Any] = self.client().describe_cluster(ClusterId=cluster_id)["Cluster"]
            except self.client().exceptions.InvalidRequestException as error:
                raise ClusterEnding(f"cluster {cluster_id} is gone: {error}") from error
            return described

    def _security(self) -> str:
        """The name of the security configuration that the settings ask for, made when it isn't there; empty for none."""
        asked = security(self.settings)
        if not asked:
            return ""
        document = json.dumps(asked, sort_keys=True)
        name = f"{self.name}-{hashlib.sha256(document.encode()).hexdigest()[:12]}"  # they can't be changed, so the name tells
        with asking(f"EMR CreateSecurityConfiguration {name}"):
            try:
                self.client().describe_security_configuration(Name=name)
            except self.client().exceptions.InvalidRequestException:  # there is none
                self.client().create_security_configuration(Name=name, SecurityConfiguration=document)
        return name

    def _oldest(self, made: str) -> Cluster:
        """The oldest cluster that is open; ours is ended again if somebody else's was first."""
        opened = [cluster for cluster in self.clusters() if cluster.is_open]
        if opened and opened[0].id != made and any(cluster.id == made for cluster in opened):
            self.log.warning("Cluster %s was made at the same time and is older: ending %s", opened[0].id, made)
            with asking(f"EMR TerminateJobFlows {made}"):
                self.client().terminate_job_flows(JobFlowIds=[made])
        if not opened:
            raise AirflowException(f"cluster {made} ended as soon as it was made\n  → see its state change reason in EMR")
        return opened[0]

    def _require_ours(self, cluster: Cluster) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in self.describe(cluster.id).get("Tags", [])}
        if tags.get(TAG) != settings().env:
            raise AirflowFailException(
                f"cluster {cluster.id} is called {self.name} and has the tag {TAG}={tags.get(TAG)!r}, not {settings().env!r}\n"
                f"  → it is somebody else's: rename or end it, or set SETTLEMENT_EMR_CLUSTER"
            )


def emr(chosen: EmrSettings, config: Config = READS) -> EmrHook:
    """The provider's hook, as the settings say: it makes clients, also those of a triggerer."""
    return EmrHook(emr_conn_id=None, aws_conn_id=chosen.connection or None, region_name=chosen.region, config=config)


def _cluster(listed: dict[str, Any]) -> Cluster:
    status = listed["Status"]
    return Cluster(listed["Id"], status["State"], _aware(status["Timeline"]["CreationDateTime"]))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
