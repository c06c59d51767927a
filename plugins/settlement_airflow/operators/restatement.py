"""The two ends of a restatement: asked for with a reason, and posted into the next month to be settled."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param

from settlement_airflow.operators.step import StepOperator
from settlement_airflow.runs import MONTH, RunName

REASON = "reason"
MONTH_FORM = r"^[0-9]{4}-(0[1-9]|1[0-2])$"


def restatement_params() -> dict[str, Param]:
    """The form of a restatement: both fields must be filled in."""
    return {
        MONTH: Param(
            type="string",
            pattern=MONTH_FORM,
            title="Month",
            description="The closed month to restate, YYYY-MM.",
        ),
        REASON: Param(
            type="string",
            format="multiline",
            minLength=3,
            title="Reason",
            description="What was wrong, and what corrects it. The ledger keeps it, and the partners' reports show it.",
        ),
    }


class RequestRestatementOperator(StepOperator):
    """Freeze the run's release and reserve the next version of the closed month, with the reason of the form.

    Killed before the record → nothing is reserved. Killed after it, retried or cleared → the run finds the version that it
    has reserved; requester and reason stay those of the first time.
    Rejected before → refused: a new run asks anew. Posted before → reserves nothing.
    The month is open, or another restatement of it is under way → refused; names it.
    """

    ui_color = "#e9e4f0"

    def execute(self, context: Any) -> str:
        requested_by = RunName.of(context).requested_by
        # One argument each, however it begins: a reason is anybody's text.
        return self.told(self.step(context, "restate", f"--by={requested_by}", f"--reason={context['params'][REASON]}"))


class PostRestatementOperator(StepOperator):
    """Post the deltas of the approved version into the next month to be settled, once.

    Killed before the record → nothing is posted. Killed after it, retried or cleared → says into which month it was posted.
    Not approved, or rejected → refused; nothing that was published before changes in any case.
    """

    ui_color = "#c9d9e8"

    def execute(self, context: Any) -> str:
        return self.told(self.step(context, "post"))
