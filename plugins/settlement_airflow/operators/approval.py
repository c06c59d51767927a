"""The approval of a month's statements: asked of people, answered by people, recorded in the ledger."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from settlement.errors import ApproverIsRequester
from settlement_airflow.hooks.audit_log import AuditLogHook
from settlement_airflow.hooks.shown_question import ShownQuestionHook
from settlement_airflow.operators.step import StepMixin

# Lines of a question that say nothing about what is approved; they change from try to try.
_HISTORY = ("- rejected before: ", "- asked for by: ")
_ASK_ANEW = (
    "Airflow shows a task instance's first question for good: delete this task instance, then clear the task before it with "
    "downstream, on the latest version (runbook, `Asked about other figures`)"
)


class StatementApprovalOperator(StepMixin, ApprovalOperator):
    """Ask whether a month's statements may be published; wait in `awaiting_input` until somebody answers.

    Nothing answers by itself: there is no default and no time-out. The answer counts when the ledger has recorded it.
    Answered by a requester (who started the run or cleared one of its tasks) → refused, recorded, and asked again.
    Killed before the record → the retry takes up the answer; else it asks again. Killed after it, retried or cleared → the
    ledger knows the approval and nobody is asked twice. Another version reserved meanwhile → refused, the task fails.
    Cleared after the figures have changed → Airflow would still show those of before: nobody is asked, the task fails and says
    what to do. An answer to a question about other figures is refused and recorded, and the task fails likewise.
    """

    template_fields = ()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject="Publish the month's statements?", **kwargs)

    def execute(self, context: Any) -> Any:
        return self._ask(context, takes_up=self._is_retry(context["task_instance"]))

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        if "error" in event:
            return super().execute_complete(context, event)
        answered_by = event["responded_by_user"]["name"]
        self._require_todays_question(context, answered_by)
        if event["chosen_options"] != [self.APPROVE]:
            raise AirflowFailException(self.step(context, "reject", f"--by={answered_by}")["sentence"])
        dag_run = context["dag_run"]
        cleared_by = AuditLogHook().cleared_by(dag_run.dag_id, dag_run.run_id)
        cleared = [f"--cleared-by={name}" for name in sorted(cleared_by)]
        try:
            return self.told(self.step(context, "approve", f"--by={answered_by}", *cleared))
        except AirflowFailException as error:
            if not str(error).startswith(ApproverIsRequester.__name__):
                raise
            self.log.warning("The answer of %s is refused: %s", answered_by, error)
            return self._ask(context, takes_up=False)  # back to awaiting_input

    def _ask(self, context: Any, *, takes_up: bool) -> Any:
        question = self.step(context, "ask")
        if question["approved"]:
            self.log.info("Approved before, as the ledger says")
            return question["subject"]
        try:
            shown = self._shown(context)
        except AirflowException as error:
            self.log.warning("Asked all the same: %s", error)  # an answer is not taken until it can be read
            shown = None
        # Airflow ends a resumed attempt when it hears only then that the worker which asked is done (apache/airflow #72716).
        # Asking again would erase the answer.
        if takes_up and shown and shown["responded_by_user"]:
            self.log.warning("The attempt before lost the answer of %s; it is taken up", shown["responded_by_user"]["name"])
            return self.execute_complete(context, shown)
        if shown and not _is_same(shown, question):
            raise AirflowFailException(f"Nobody is asked: the question on show is {_about(shown, question)}\n  → {_ASK_ANEW}")
        self.subject, self.body = question["subject"], question["body"]
        return super().execute(context)

    def _require_todays_question(self, context: Any, answered_by: str) -> None:
        """Refuse, on record, an answer of somebody who saw another question than the one that is asked now.

        Raises:
            AirflowFailException: it is refused.
            AirflowException: it can't be read what was shown; nothing is recorded.
        """
        shown, question = self._shown(context), self.step(context, "ask")
        if shown is None or not _is_same(shown, question):
            reason = f"the question shown was {_about(shown, question)}" if shown else "no question is shown any more"
            refused = self.step(context, "refuse", f"--by={answered_by}", f"--reason={reason}")
            raise AirflowFailException(f"{refused['sentence']}\n  → {_ASK_ANEW}")

    def _is_retry(self, task_instance: Any) -> bool:
        """Whether Airflow started the task again by itself. A clear raises `max_tries`: then people are asked anew."""
        cleared_at = task_instance.max_tries - self.retries
        return bool(task_instance.try_number > cleared_at + 1)

    def _shown(self, context: Any) -> dict[str, Any] | None:
        dag_run = context["dag_run"]
        return ShownQuestionHook().shown(dag_run.dag_id, dag_run.run_id, self.task_id)


def _is_same(shown: dict[str, Any], question: dict[str, Any]) -> bool:
    """Whether two questions are about the same version and figures."""
    return bool(shown["subject"] == question["subject"]) and _figures(shown["body"]) == _figures(question["body"])


def _figures(body: str | None) -> list[str]:
    return [line for line in (body or "").splitlines() if not line.startswith(_HISTORY)]


def _about(shown: dict[str, Any], question: dict[str, Any]) -> str:
    other = "about other figures"
    if shown["subject"] == question["subject"]:
        return other
    return f"{other}: {shown['subject']!r} was asked, now it is {question['subject']!r}"
