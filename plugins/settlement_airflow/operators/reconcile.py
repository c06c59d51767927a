"""After a publication: does Trino, which people read, show what the ledger says was published?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from settlement_airflow.operators.step import StepMixin
from settlement_airflow.operators.trino_query import Asked, TrinoQueryOperator

if TYPE_CHECKING:
    from settlement_airflow.hooks.trino_queries import Result


class ReconcileOperator(StepMixin, TrinoQueryOperator):
    """Ask Trino for rows and money totals of the stage's published partition, and compare them with the published build.

    It reads only. Killed here → nothing happened; run again, it compares what is published then.
    Another run publishes in between, or the metastore doesn't point to the head yet → the task tries again.
    Trino finds other rows or totals in the very build → fails for good: data won't change by themselves.
    Where DuckDB alone reads the warehouse → says so, and asks nothing.

    :param stage: the stage's name, as `settlement.pipeline` lists it.
    """

    template_fields: Sequence[str] = ("stage",)
    ui_color = "#f5ecd2"

    def __init__(self, *, stage: str, **kwargs: Any) -> None:
        super().__init__(work=ReconcileWork(self), **kwargs)
        self.stage = stage

    def on_kill(self) -> None:
        """Called by Airflow when the task is cleared, marked or stopped while it runs."""
        super().on_kill()
        TrinoQueryOperator.on_kill(self)


class ReconcileWork:
    """What Trino is asked, and how its answer is held against the ledger; both are steps of the package."""

    def __init__(self, operator: ReconcileOperator) -> None:
        self._operator = operator

    def prepare(self, context: Any) -> Asked | str:
        """The question; or the sentence that says that there is none."""
        answer = self._operator.step(context, "reconcile-ask", "--stage", self._operator.stage)
        if answer["outcome"] != "ask":
            return str(answer["sentence"])
        return Asked(answer["sql"], {"build": answer["build_id"]})

    def finish(self, context: Any, asked: Asked, result: Result) -> str:
        """Compare; raises what the step says of a difference."""
        options = ("--stage", self._operator.stage, "--build", asked.about["build"], "--rows", json.dumps(result.rows))
        return str(self._operator.step(context, "reconcile", *options)["sentence"])
