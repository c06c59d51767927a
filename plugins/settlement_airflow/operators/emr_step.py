"""A Hive script as a step of the EMR cluster, safe against whatever dies in between."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from settlement.settings_emr import emr_settings
from settlement_airflow.hooks.emr_names import LATE, Step, StepName, sha256
from settlement_airflow.links.emr_log import ClusterLink, EmrStepLogLink, log_folder
from settlement_airflow.wording import in_airflow_s_words

if TYPE_CHECKING:  # DAG files reach this module: AWS's client is loaded where it is needed
    from settlement_airflow.hooks.emr_steps import EmrStepHook

_OURS = ("SemanticException", "ParseException", "AnalysisException")  # the script is wrong: it stays wrong
_HINTS = {
    "NoSuchBucket": "make the bucket or correct SETTLEMENT_EMR_*",
    "AccessDenied": "let SETTLEMENT_EMR_RUNTIME_ROLE read and write the tables' folders, and use the key",
    "Access Denied": "let SETTLEMENT_EMR_RUNTIME_ROLE read and write the tables' folders, and use the key",
    "MetaException": "check that the metastore answers",
    "Could not connect to meta store": "check that the metastore answers",
    "OutOfMemory": "raise SETTLEMENT_EMR_MAX_UNITS or take larger SETTLEMENT_EMR_CORE_TYPES",
    "Connection refused": "check that HiveServer2 and the metastore run",
}


class Unproven(AirflowException):
    """The step has ended well, and its output is missing or isn't what it must be."""


@dataclass(frozen=True)
class Prepared:
    """What a step is to do.

    Args:
        name: of the step.
        script: HiveQL.
        since: when the attempt that the name speaks of began; completed steps before it aren't looked for.
        proof: what `finish` needs to prove the result, beside the name; JSON, no secret: it is kept in Airflow's database.
    """

    name: StepName
    script: str
    since: datetime | None = None
    proof: dict[str, Any] = field(default_factory=dict)


class StepWork(Protocol):
    """What differs between steps. Each call may come again in another process, after any other."""

    def prepare(self, context: Any) -> Prepared | str:
        """What is to be run; or the sentence that says why nothing is. The same attempt gets the same name again."""

    def finish(self, context: Any, name: StepName, proof: dict[str, Any]) -> str:
        """Prove the result by its output, hand it over, and say so in a sentence.

        Raises:
            Unproven: partition, rows or control total are missing or wrong.
        """


class EmrHiveStepOperator(BaseOperator):
    """Run a script as an EMR step and wait for it, deferred.

    Worker killed before the submission → nothing happened. After it, before anybody noted the id → the retry finds the step
    by its name and attaches. While polling, or while nobody watched → attaches, or adopts what has completed.
    Cleared, marked or stopped while it runs or waits → the step is cancelled; what the signal didn't reach is cancelled by the
    next attempt, which starts nothing before the old step has ended. Triggerer restarted → the step goes on.
    Takes longer than `timeout` → cancelled, its end confirmed, then a failure. The wait itself never runs out before that.
    Success is what `work.finish` proves from the output; a step's exit code proves nothing. An adopted step whose output isn't
    there is run again.

    :param work: what is run and how its result is proven.
    :param timeout: how long the step may take, from its submission; default: SETTLEMENT_EMR_STEP_HOURS.
    """

    ui_color = "#e3edd8"
    operator_extra_links = (ClusterLink(), EmrStepLogLink())
    _emr: EmrStepHook | None = None

    def __init__(self, *, work: StepWork, timeout: timedelta | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.timeout = timeout

    def execute(self, context: Any) -> str:
        with in_airflow_s_words():
            prepared = self.work.prepare(context)
            return self._told(prepared) if isinstance(prepared, str) else self._run(context, prepared)

    def execute_complete(self, context: Any, event: dict[str, Any], sought: dict[str, Any]) -> str:
        """Go on after the wait; what the trigger saw may have changed since: look again."""
        hook, name = self._new_hook(), StepName(**sought["name"])
        step = hook.describe(event["cluster"], event["step"])
        if step is None:
            raise AirflowException(
                f"{name}: cluster {event['cluster']} is gone, and step {event['step']} with it\n"
                f"  → the task tries again, on another cluster"
            )
        if step.is_live and event["state"] != LATE and time.time() < sought["until"]:
            self._wait_for(step, sought)
        with in_airflow_s_words():
            if step.is_live:
                raise self._late(hook, step)
            return self._end(context, hook, step, sought)

    def on_kill(self) -> None:
        """Called by Airflow when the task is cleared, marked or stopped while it runs."""
        if self._emr is not None:
            self._emr.stop()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _run(self, context: Any, prepared: Prepared) -> str:
        hook, name = self._new_hook(), prepared.name
        ensured = hook.ensure(name, prepared.script, since=prepared.since)
        if ensured.step.state == "COMPLETED":
            try:
                return self._told(self.work.finish(context, name, prepared.proof))
            except Unproven as error:
                self.log.warning("%s has completed, but %s: running it again", ensured.step, error)
                ensured = hook.ensure(name, prepared.script, since=prepared.since, again=True)
        self._link(context, hook, ensured.step)
        seconds = (self.timeout or timedelta(hours=emr_settings().step_hours)).total_seconds()
        until = ensured.step.created.timestamp() + seconds
        sought = {"name": asdict(name), "script": sha256(prepared.script), "proof": prepared.proof, "until": until}
        return self._wait_for(ensured.step, sought)

    def _wait_for(self, step: Step, sought: dict[str, Any]) -> NoReturn:
        from settlement_airflow.triggers.emr_wait import EmrStepTrigger

        trigger = EmrStepTrigger(step.cluster, step.id, sought["until"])
        self.defer(trigger=trigger, method_name="execute_complete", kwargs={"sought": sought})

    def _end(self, context: Any, hook: EmrStepHook, step: Step, sought: dict[str, Any]) -> str:
        name = StepName(**sought["name"])
        if step.name != str(name):
            raise AirflowFailException(f"{step} is {step.name}, not {name}\n  → clear the task")
        if step.state == "COMPLETED":
            hook.objects.require_script(sought["script"])  # EMR reads it when the step starts, long after it was put
            return self._told(self.work.finish(context, name, sought["proof"]))
        if step.state == "FAILED":
            raise self._failed(hook, step)
        if self._is_open(hook, step.cluster):
            said = step.reason or "no reason given"
            raise AirflowFailException(f"{step.name}: somebody else ended {step}: {said}\n  → clear the task to run it again")
        raise AirflowException(f"{step.name}: {step} ended with its cluster\n  → the task tries again, on another cluster")

    def _failed(self, hook: EmrStepHook, step: Step) -> AirflowException:
        address = step.log_file or self._log_address(hook, step)
        tail = hook.objects.log_tail(address) if address else "the cluster keeps no logs: set SETTLEMENT_EMR_LOG_URI"
        said = f"{step.reason}\n{tail}"
        hint = next((hint for word, hint in _HINTS.items() if word in said), "see the log")
        permanent = any(word in said for word in _OURS)
        what = "correct the script, then clear the task" if permanent else f"{hint}; nothing was published, the task tries again"
        text = f"{step.name}: {step} failed: {step.reason or 'no reason given'}\n  → {what}"
        for line in f"{text}\n{tail}".splitlines():
            self.log.error(line)  # whole lines that can be read: the exception's is one long line above its frames
        raised = AirflowFailException if permanent else AirflowException
        return raised(f"{text}\n{tail}")

    def _late(self, hook: EmrStepHook, step: Step) -> AirflowException:
        hook.cancel([step])
        return AirflowFailException(
            f"{step.name}: {step} took longer than it may; it was cancelled and has ended\n"
            f"  → see why in its log, or raise SETTLEMENT_EMR_STEP_HOURS; then clear the task"
        )

    def _link(self, context: Any, hook: EmrStepHook, step: Step) -> None:
        """Leave what the links need. They are for people; nothing else reads them."""
        where = {"region_name": hook.settings.region, "aws_partition": "aws"}
        ClusterLink.persist(context=context, operator=self, job_flow_id=step.cluster, **where)
        bucket, prefix = log_folder(self._log_uri(hook, step.cluster), step.cluster, step.id)
        EmrStepLogLink.persist(context=context, operator=self, bucket=bucket, prefix=prefix, **where)

    def _log_uri(self, hook: EmrStepHook, cluster: str) -> str:
        from settlement_airflow.hooks.emr_errors import ClusterEnding

        try:
            return str(hook.clusters.describe(cluster).get("LogUri") or "")
        except ClusterEnding:
            return ""

    def _log_address(self, hook: EmrStepHook, step: Step) -> str:
        bucket, prefix = log_folder(self._log_uri(hook, step.cluster), step.cluster, step.id)
        return f"s3://{bucket}/{prefix}stderr.gz" if bucket else ""

    def _is_open(self, hook: EmrStepHook, cluster: str) -> bool:
        return any(known.id == cluster and known.is_open for known in hook.clusters.clusters())

    def _new_hook(self) -> EmrStepHook:
        from settlement_airflow.hooks.emr_steps import EmrStepHook

        self._emr = EmrStepHook()
        return self._emr

    def _told(self, sentence: str) -> str:
        self.log.info(sentence)
        return sentence
