"""The audit of a stage in a pod."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from settlement_airflow.hooks.pod_names import PodName
from settlement_airflow.hooks.step_process import arguments_of
from settlement_airflow.operators.stage import POOL
from settlement_airflow.operators.step_pod import StepPodOperator, Work
from settlement_airflow.runs import RunName


class AuditPodOperator(StepPodOperator):
    """Check the run's newest candidate in a pod; the verdict is an object in the warehouse, bound to the hash of its files.

    The verdict travels by no log, no exit code and no sidecar: the worker reads the object once the pod has ended well. Missing,
    torn, about other files, or "no" → the task fails. A pod that died → fails, whatever verdict an earlier audit has left.
    The pod is bound to the build and its files: one that audits another build is removed, never waited for.
    Killed, retried, cleared → as `StepPodOperator` says.

    :param stage: the stage's name, as `settlement.pipeline` lists it.
    """

    template_fields: Sequence[str] = ("stage",)

    def __init__(self, *, stage: str, **kwargs: Any) -> None:
        super().__init__(pool=POOL, **kwargs)
        self.stage = stage

    def prepare(self, context: Any) -> Work | str:
        """The audit of the run's newest candidate; or that there is none, since another run has published it."""
        candidate = self.step(context, "candidate", "--stage", self.stage)
        if candidate["outcome"] != "sealed":
            return str(candidate["sentence"])
        run = RunName.of(context)
        name = PodName(
            component="audit",
            task=f"{run.run_id}/{self.task_id}",
            attempt=context["ti"].max_tries,  # tries of an attempt have the same last one; clearing the task moves it
            image=self.image,
            stage=self.stage,
            partition=run.partition,
            build_id=candidate["build_id"],
            files_hash=candidate["files_hash"],
        )
        return Work(name, ["audit", *arguments_of(run.run_id, run.partition), "--stage", self.stage])

    def finish(self, context: Any, name: PodName) -> str:
        """What the verdict says, held against the ledger by a step of this worker."""
        return self.told(self.step(context, "verdict", "--stage", self.stage, "--build", name.build_id))
