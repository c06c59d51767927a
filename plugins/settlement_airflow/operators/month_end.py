"""The end of a month: partner reports and the closing."""

from __future__ import annotations

from typing import Any

from settlement_airflow.links.published_month import PublishedMonthLink
from settlement_airflow.operators.step import StepOperator


class ReportsOperator(StepOperator):
    """Base of the two: `published` is the folder of the reports below the publish root, for the link in the UI."""

    published: str | None = None
    operator_extra_links = (PublishedMonthLink(),)

    def settle(self, context: Any, step: str) -> str:
        answer = self.step(context, step)
        self.published = answer["path"]
        return self.told(answer)


class PublishReportsOperator(ReportsOperator):
    """Put the partners' files of the approved version under the publish root, still without `_SUCCESS`.

    Killed here → some files without a marker. Run again → the same bytes fill the gaps; other content under a name that
    exists is refused. Refuses a version that isn't approved, or whose approver had asked for it.
    """

    ui_color = "#d8e6f3"

    def execute(self, context: Any) -> str:
        return self.settle(context, "reports")


class CloseMonthOperator(ReportsOperator):
    """Close the month in the ledger, once, then put the `_SUCCESS` markers.

    Renders the reports once more and closes only over exactly these bytes. Killed before the record → the month is open.
    Killed between record and markers → closed; run again, it puts the markers. Closed before → says so.
    """

    ui_color = "#c9d9e8"

    def execute(self, context: Any) -> str:
        return self.settle(context, "close")
