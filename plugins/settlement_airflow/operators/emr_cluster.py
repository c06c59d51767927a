"""The EMR cluster of an environment, made when it isn't there."""

from __future__ import annotations

from typing import Any

from airflow.providers.amazon.aws.triggers.emr import EmrCreateJobFlowTrigger
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from settlement_airflow.hooks.emr_clusters import EmrClusterHook
from settlement_airflow.links.emr_log import ClusterLink
from settlement_airflow.wording import in_airflow_s_words

_LOOKS = 60


class EmrClusterOperator(BaseOperator):
    """Have the cluster that the settings describe, and wait, deferred, until it takes steps.

    There already → found by name and tag, nothing is made. Two of the name → fails and names both.
    Killed after the request → found again by the next try. Cleared or marked → the cluster stays: an idle one ends itself.
    The provider's `EmrCreateJobFlowTrigger` waits for the start: it only looks, and a cluster outlives the task that made it.
    The provider's `EmrCreateJobFlowOperator` isn't used: it makes a cluster each time it runs.
    """

    ui_color = "#eef3f8"
    operator_extra_links = (ClusterLink(),)

    def execute(self, context: Any) -> str:
        with in_airflow_s_words():
            hook = EmrClusterHook()
            cluster = hook.ensure()
        region = hook.settings.region
        ClusterLink.persist(context=context, operator=self, region_name=region, aws_partition="aws", job_flow_id=cluster.id)
        if cluster.state in ("STARTING", "BOOTSTRAPPING"):
            trigger = EmrCreateJobFlowTrigger(
                cluster.id,
                aws_conn_id=hook.settings.connection or None,
                region_name=region,
                waiter_delay=max(10, int(hook.settings.poll_seconds)),
                waiter_max_attempts=_LOOKS,
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        return self._told(hook.name, cluster.id, cluster.state)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> str:  # noqa: ARG002  # the interface's names
        """Say what became of the cluster: asked, whatever the trigger saw."""
        hook = EmrClusterHook()
        described = hook.describe(event["job_flow_id"])
        state, reason = described["Status"]["State"], described["Status"].get("StateChangeReason") or {}
        if state not in ("WAITING", "RUNNING"):
            said = reason.get("Message") or "no reason given"
            raise AirflowException(
                f"cluster {event['job_flow_id']} ({hook.name}) is {state}: {said}\n"
                f"  → correct what it names (roles, subnets, machines, limits: SETTLEMENT_EMR_*); the task tries again"
            )
        return self._told(hook.name, event["job_flow_id"], state)

    def _told(self, name: str, cluster: str, state: str) -> str:
        sentence = f"{name}: cluster {cluster} is {state}"
        self.log.info(sentence)
        return sentence
