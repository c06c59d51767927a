"""Steps of the EMR cluster: never two of one task, found again by name, cancelled until they have really ended."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from settlement.settings_emr import EmrSettings, emr_settings
from settlement_airflow.hooks.emr_clusters import ONCE, Cluster, EmrClusterHook
from settlement_airflow.hooks.emr_errors import ClusterEnding, NotDone, Unknown, asking, submitting
from settlement_airflow.hooks.emr_names import LIVE, Step, StepName, script_token, sha256
from settlement_airflow.hooks.emr_objects import EmrObjectsHook

TRIES = 5
_ARGUMENT_CHARACTERS = 10_240  # of AddJobFlowSteps
_AT_ONCE = 10  # ids that ListSteps takes
# For the moment between the first and the last signal to a worker: five seconds.
_QUICK = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)
_QUICK_SECONDS = 3.0


class Stopped(AirflowException):
    """The task was cleared, marked or stopped: nothing may be submitted any more."""


@dataclass(frozen=True)
class Ensured:
    """What `ensure` came to: the step, and how: `attached`, `adopted` (it had completed) or `submitted`."""

    step: Step
    how: str


class EmrStepHook(BaseHook):
    """Runs scripts as steps. AddJobFlowSteps has no client token, so the name of a step is what it is found by.

    It uses the provider's `EmrHook` for clients only: its `add_job_flow_steps` submits without looking, through a client that
    repeats the request after a lost answer, and waits by attempts, after which the step goes on unseen.
    """

    def __init__(self, chosen: EmrSettings | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__()
        self.settings = chosen or emr_settings()
        self.clusters = EmrClusterHook(self.settings)
        self.objects = EmrObjectsHook(self.settings)
        self._sleep = sleep
        self._quick: Any = None
        self._wanted: StepName | None = None
        self._on: Cluster | None = None
        self._stopped = False

    # -- running -----------------------------------------------------------------------------------------------------

    def ensure(self, name: StepName, script: str, *, since: datetime | None = None, again: bool = False) -> Ensured:
        """The one step of this name: attached to, adopted when it has completed, or submitted.

        Before anything is submitted, what older attempts of the same task left behind is cancelled, and has ended. Steps of
        other runs are let be: they write other builds, and the ledger decides.

        Killed at any point → run again, it finds what there is. An answer that was lost → it looks before it asks again.

        Args:
            name: of the step; its `script` is the hash of `script`.
            script: HiveQL.
            since: completed steps before this moment aren't looked for; None: all that EMR knows.
            again: submit even though a step of the name completed, because its result isn't there.

        Raises:
            AirflowFailException: a newer attempt is known; two clusters share the name; AWS refuses.
            AirflowException: what may pass: throttled, step limit reached, an old step that doesn't end.
            Stopped: `stop` was called.
        """
        if name.script != script_token(sha256(script)):
            raise ValueError(f"{name} isn't about this script")
        self._wanted = name
        self._quick = self.clusters.client("quick", _QUICK)  # made now: a signal handler must not look up connections
        arguments = ["hive-script", "--run-hive-script", "--args", "-f", self.objects.put_script(script)]
        if sum(map(len, arguments)) > _ARGUMENT_CHARACTERS:
            raise AirflowFailException(f"{name}: its arguments are longer than EMR takes\n  → shorten SETTLEMENT_EMR_SCRIPTS")
        for pause in range(TRIES):
            found = self._settled(name, since)
            if found is not None and not (again and found.state == "COMPLETED"):
                return self._ensured(found)
            try:
                submitted = self._submit(name, arguments)
            except (NotDone, Unknown, ClusterEnding) as error:
                self.log.warning("%s; looking what came of it before asking again", error)
                self._pause(self.settings.settle_seconds * 2**pause)
                continue
            kept = self._only_one(name, submitted, again)
            return self._ensured(kept, "submitted") if kept.id == submitted.id else self._ensured(kept)
        raise AirflowException(
            f"{name} could not be submitted in {TRIES} tries\n  → see the warnings above; the task tries again"
        )

    def describe(self, cluster: str, step: str) -> Step | None:
        """A step as it is now; None when its cluster is gone."""
        with asking(f"EMR ListSteps on {cluster}"):
            try:
                listed = self.clusters.client().list_steps(ClusterId=cluster, StepIds=[step])["Steps"]
            except self.clusters.client().exceptions.InvalidRequestException:
                return None
        return Step.of(cluster, listed[0]) if listed else None

    # -- ending ------------------------------------------------------------------------------------------------------

    def cancel(self, steps: Sequence[Step]) -> None:
        """Cancel steps and return when all of them have ended. First they are interrupted; those that don't mind are killed.

        Raises:
            AirflowException: one is still at work after `confirm_seconds`; nothing new may be started.
        """
        if not steps:
            return
        until = time.monotonic() + self.settings.confirm_seconds
        half = time.monotonic() + self.settings.confirm_seconds / 2
        options = iter(("SEND_INTERRUPT", "TERMINATE_PROCESS"))
        live = list(steps)
        self._ask_to_cancel(live, next(options))
        pressed = False
        while live := [step for step in self._now(live) if step.is_live]:
            if time.monotonic() > until:
                named = ", ".join(map(str, live))
                raise AirflowException(
                    f"cancelled, and still at work after {self.settings.confirm_seconds:.0f} s: {named}\n"
                    f"  → nothing new was started beside it; look at it in EMR, the task tries again"
                )
            if not pressed and time.monotonic() > half:
                self._ask_to_cancel(live, next(options))
                pressed = True
            self._sleep(min(2.0, self.settings.poll_seconds) * random.uniform(0.8, 1.2))  # noqa: S311  # jitter

    def stop(self) -> None:
        """Ask EMR to cancel what this hook submitted or waits for, at once: called in the worker's signal handler.

        Another client than the interrupted code's, since that may hold a lock. The next attempt confirms the end.
        """
        self._stopped = True
        wanted, on = self._wanted, self._on
        if wanted is None or on is None or self._quick is None:
            return
        try:
            listed = self._quick.list_steps(ClusterId=on.id, StepStates=["PENDING", "RUNNING"])["Steps"]  # newest first
            ids = [step["Id"] for step in listed if step["Name"] == str(wanted)]
            if ids:
                self.log.info("Cancelling %s on cluster %s", ids, on.id)
                self._quick.cancel_steps(ClusterId=on.id, StepIds=ids, StepCancellationOption="SEND_INTERRUPT")
            until = time.monotonic() + _QUICK_SECONDS
            while ids and time.monotonic() < until:
                listed = self._quick.list_steps(ClusterId=on.id, StepIds=ids)["Steps"]
                if not any(step["Status"]["State"] in LIVE for step in listed):
                    self.log.info("Cancelled and ended: %s", ids)
                    return
                time.sleep(0.2)
        except (ClientError, BotoCoreError) as error:
            self.log.warning("Can't cancel now (%s): the next attempt does", error)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _ensured(self, step: Step, how: str = "") -> Ensured:
        how = how or ("adopted" if step.state == "COMPLETED" else "attached")
        self.log.info("%s: %s %s", step.name, how, step)
        return Ensured(step, how)

    def _settled(self, name: StepName, since: datetime | None) -> Step | None:
        """The live or completed step of this name, after older attempts were ended; None when there is none."""
        clusters = self.clusters.clusters()
        self.clusters.the_open_one(clusters)  # two of the name: refused before anything is touched
        steps = [(found, step) for step in self._steps(clusters, since) if (found := StepName.parse(step.name))]
        others = {str(step) for found, step in steps if found.work == name.work and found.task != name.task and step.is_live}
        if others:
            self.log.info("Other runs are at work on %s %s: %s", name.stage, name.partition, ", ".join(sorted(others)))
        task = [(found, step) for found, step in steps if found.task == name.task]
        newer = [step for found, step in task if found.attempt > name.attempt]
        if newer:
            raise _overtaken(name)
        orphans = [step for found, step in task if found != name and step.is_live]
        if orphans:
            self.log.warning("Cancelling what older attempts left at work: %s", ", ".join(map(str, orphans)))
            self.cancel(orphans)
        return self._one_of([step for found, step in task if found == name], clusters)

    def _one_of(self, mine: list[Step], clusters: list[Cluster]) -> Step | None:
        takes = {cluster.id for cluster in clusters if cluster.is_open}
        live = sorted((step for step in mine if step.is_live), key=_age)
        going = [step for step in live if step.state != "CANCEL_PENDING" and step.cluster in takes]
        # What somebody cancelled, or what ends with its cluster, isn't waited for as a result, but it must have ended.
        self.cancel([step for step in live if step not in going[:1]])
        if going:
            self._on = next(cluster for cluster in clusters if cluster.id == going[0].cluster)
            return going[0]
        completed = sorted((step for step in mine if step.state == "COMPLETED"), key=_age)
        return completed[-1] if completed else None

    def _steps(self, clusters: Iterable[Cluster], since: datetime | None) -> list[Step]:
        """Live steps, then completed ones: one that completes in between is seen at least once, and counts as it ended."""
        found: dict[str, Step] = {}
        for cluster in clusters:
            with asking(f"EMR ListSteps on {cluster.id}"):
                pages = self.clusters.client().get_paginator("list_steps")
                for states in (LIVE, ("COMPLETED",)):
                    for page in pages.paginate(ClusterId=cluster.id, StepStates=list(states)):
                        steps = [Step.of(cluster.id, listed) for listed in page["Steps"]]
                        found |= {step.id: step for step in steps}
                        if states != LIVE and since is not None and steps and steps[-1].created < since:
                            break  # the newest come first
        return list(found.values())

    def _submit(self, name: StepName, arguments: list[str]) -> Step:
        cluster = self.clusters.ensure()
        self._on = cluster
        self._require_going()
        runtime = {"ExecutionRoleArn": self.settings.runtime_role} if self.settings.runtime_role else {}
        step = {
            "Name": str(name),
            "ActionOnFailure": "CONTINUE",  # a step of another partition has nothing to do with it
            "HadoopJarStep": {"Jar": "command-runner.jar", "Args": arguments},
        }
        with submitting(f"EMR AddJobFlowSteps on {cluster.id}"):
            (made,) = self.clusters.client("once", ONCE).add_job_flow_steps(JobFlowId=cluster.id, Steps=[step], **runtime)[
                "StepIds"
            ]
        return Step(made, cluster.id, str(name), "PENDING", datetime.now(UTC))

    def _only_one(self, name: StepName, submitted: Step, again: bool) -> Step:
        """Of several steps of a task, submitted at the same moment, everybody keeps the same one.

        The newest attempt's, and of two of one name the older one, also when it has completed meanwhile.
        """
        if self._stopped:
            self.cancel([submitted])
        self._require_going()
        steps = self._steps([self._on] if self._on else [], submitted.created)
        task = [(found, step) for step in steps if (found := StepName.parse(step.name)) and found.task == name.task]
        live = [(found, step) for found, step in task if step.is_live]
        if any(found.attempt > name.attempt for found, _ in live):
            self.cancel([step for found, step in live if found == name])
            raise _overtaken(name)
        self.cancel([step for found, step in live if found != name])
        counts = ("PENDING", "RUNNING") if again else ("PENDING", "RUNNING", "COMPLETED")
        same = sorted((step for found, step in task if found == name and step.state in counts), key=_age)
        self.cancel([step for step in same[1:] if step.is_live])
        return same[0] if same else submitted

    def _now(self, steps: Sequence[Step]) -> list[Step]:
        """Steps as they are now; those of a cluster that is gone are gone with it."""
        current: list[Step] = []
        for cluster in sorted({step.cluster for step in steps}):
            ids = [step.id for step in steps if step.cluster == cluster]
            with asking(f"EMR ListSteps on {cluster}"):
                for start in range(0, len(ids), _AT_ONCE):
                    try:
                        listed = self.clusters.client().list_steps(ClusterId=cluster, StepIds=ids[start : start + _AT_ONCE])
                    except self.clusters.client().exceptions.InvalidRequestException:
                        break
                    current += [Step.of(cluster, one) for one in listed["Steps"]]
        return current

    def _ask_to_cancel(self, steps: Sequence[Step], option: str) -> None:
        for cluster in sorted({step.cluster for step in steps}):
            ids = [step.id for step in steps if step.cluster == cluster]
            with asking(f"EMR CancelSteps on {cluster}"):
                try:
                    told = self.clusters.client().cancel_steps(ClusterId=cluster, StepIds=ids, StepCancellationOption=option)
                except self.clusters.client().exceptions.InvalidRequestException as error:
                    self.log.info("Cluster %s takes no cancellation: %s", cluster, error)  # it ends, and its steps with it
                    continue
            for info in told.get("CancelStepsInfoList", []):
                if info["Status"] == "FAILED":  # it has ended by itself, or can't be: the look afterwards tells
                    self.log.info("EMR didn't cancel %s: %s", info["StepId"], info.get("Reason", ""))

    def _pause(self, seconds: float) -> None:
        self._require_going()
        self._sleep(seconds * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
        self._require_going()

    def _require_going(self) -> None:
        if self._stopped:
            raise Stopped("the task was cleared, marked or stopped while it was about to submit a step")


def _overtaken(name: StepName) -> AirflowFailException:
    return AirflowFailException(f"{name} is overtaken by a newer attempt of this task\n  → nothing to do: the newer one goes on")


def _age(step: Step) -> tuple[datetime, str]:
    return step.created, step.id
