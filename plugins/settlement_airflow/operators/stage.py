"""Build, audit and publish of a stage: three tasks, each safe to clear at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from settlement.settings import settings
from settlement_airflow.hooks.emr_names import StepName, run_token, script_token, sha256
from settlement_airflow.operators.emr_step import EmrHiveStepOperator, Prepared, Unproven
from settlement_airflow.operators.step import StepMixin, StepOperator
from settlement_airflow.runs import RunName

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

POOL = "engine"  # as many slots as engines fit into the memory of the place where steps run
TAKE_OVER = "take_over"


def take_over_param() -> Param:
    """The one parameter of the monthly run's form."""
    return Param(
        False,
        type="boolean",
        title="Take over",
        description="Go on with a version that another run has reserved from the same inputs and rules.",
    )


class StageOperator(StepOperator):
    """A step of one stage.

    :param stage: the stage's name, as `settlement.pipeline` lists it.
    """

    template_fields: Sequence[str] = ("stage",)

    def __init__(self, *, stage: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stage = stage


class BuildOperator(StepMixin, EmrHiveStepOperator):
    """Compute a stage's tables for the run's partition and seal a candidate. Publishes nothing.

    Where the settings say so a cluster computes: the task then waits for its step, deferred, and seals what it has written.

    Killed here → files that no record names; readers stay on what is published. Run again → new files, a new candidate; a
    cluster's step is found again and goes on.
    Cleared while it runs, dispatched twice, a zombie → every attempt enters itself into the ledger when it begins, and only
    the newest of the run may seal: an older one is refused, whatever it has computed.
    The same inputs published before → says by whom, and the audit and publish after it have nothing to do.

    :param stage: the stage's name, as `settlement.pipeline` lists it.
    """

    template_fields: Sequence[str] = ("stage",)
    ui_color = "#e3edd8"

    def __init__(self, *, stage: str, **kwargs: Any) -> None:
        super().__init__(work=StageWork(self), pool=POOL, **kwargs)
        self.stage = stage

    def on_kill(self) -> None:
        """Called by Airflow when the task is cleared, marked or stopped while it runs."""
        super().on_kill()
        EmrHiveStepOperator.on_kill(self)


class StageWork:
    """What a cluster is to run for a build, and the seal on what it has written; both are steps of the package."""

    def __init__(self, operator: BuildOperator) -> None:
        self._operator = operator

    def prepare(self, context: Any) -> Prepared | str:
        """The cluster's work; or the sentence that says what was built here, or that nothing is to do."""
        operator = self._operator
        take_over = ["--take-over"] if context["params"].get(TAKE_OVER) else []
        # Tries of an attempt have the same last one; clearing the task moves it.
        attempt = ["--attempt", f"until try {context['ti'].max_tries}"]
        answer = operator.step(context, "build", "--stage", operator.stage, *take_over, *attempt)
        if answer["outcome"] != "prepared":
            return str(answer["sentence"])
        run = RunName.of(context)
        name = StepName(
            env=settings().env,
            stage=operator.stage,
            partition=answer["partition"],
            run=run_token(run.run_id),
            attempt=answer["attempt"],
            build_id=answer["build_id"],
            script=script_token(sha256(answer["script"])),
        )
        return Prepared(name, answer["script"])

    def finish(self, context: Any, name: StepName, proof: dict[str, Any]) -> str:  # noqa: ARG002  # the name says it all
        """Seal the build; raises Unproven when its files aren't there."""
        operator = self._operator
        options = ("--stage", operator.stage, "--build", name.build_id, "--step-name", str(name))
        answer = operator.step(context, "seal", *options)
        if answer["outcome"] == "unproven":
            raise Unproven(str(answer["sentence"]))
        return str(answer["sentence"])


class AuditOperator(StageOperator):
    """Check the run's newest candidate; the verdict is an object bound to the hash of its files.

    Killed here → no verdict, or the old one; publish refuses without one that is about exactly these files.
    Run again → the same verdict. A failed check fails the task without a retry: the data won't change by itself.
    """

    ui_color = "#f5ecd2"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(pool=POOL, **kwargs)

    def execute(self, context: Any) -> str:
        return self.told(self.step(context, "audit", "--stage", self.stage))


class PublishOperator(StageOperator):
    """Make the audited candidate the head, by the ledger's compare-and-set. Never computes.

    Killed before the append → the old head stands. Killed after it → it is published; run again, it says so.
    Another run was first → success if its content is the same, else a failure that names it.
    """

    ui_color = "#d8e6f3"

    def execute(self, context: Any) -> str:
        return self.told(self.step(context, "publish", "--stage", self.stage))

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage:
        """Called by Airflow after a publication, where OpenLineage is set up; what fails here fails no task."""
        from settlement_airflow.openlineage import facets_of  # half a second that only lineage needs

        return facets_of(self.step(task_instance.get_template_context(), "lineage", "--stage", self.stage))
