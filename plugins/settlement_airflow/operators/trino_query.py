"""A query of Trino as a task, safe against whatever dies in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from airflow.sdk import BaseOperator

from settlement_airflow.hooks.trino_names import QueryName
from settlement_airflow.links.query_page import TrinoQueryLink
from settlement_airflow.wording import in_airflow_s_words

if TYPE_CHECKING:  # DAG files reach this module: Trino's client is loaded where it is needed
    from settlement_airflow.hooks.trino_queries import Result, TrinoQueryHook


@dataclass(frozen=True)
class Asked:
    """What a task asks Trino.

    Args:
        sql: one statement that reads; never with a secret in it.
        about: what `finish` needs beside the result.
    """

    sql: str
    about: dict[str, Any] = field(default_factory=dict)


class QueryWork(Protocol):
    """What differs between queries. Each call may come again in another process, after any other."""

    def prepare(self, context: Any) -> Asked | str:
        """What is to be asked; or the sentence that says why nothing is."""

    def finish(self, context: Any, asked: Asked, result: Result) -> str:
        """Make use of the whole result, and say so in a sentence."""


class TrinoQueryOperator(BaseOperator):
    """Ask Trino a query that reads, fetch its result to the end, and make use of it.

    The task holds its worker meanwhile: Trino gives up a query whose result nobody fetches, so there is nothing to wait for
    deferred.

    Worker killed before the submission → nothing happened. After it → nobody fetches the result; the next attempt finds the
    query by its source, cancels it and sees that it has ended, before it asks its own.
    Cleared, marked, stopped or timed out while it runs → cancelled, and its end is seen in `system.runtime.queries`; what the
    signal didn't reach is cancelled by the next attempt.
    An older attempt that goes on after its task was cleared → its query is ended by the newer one; it asks none beside it.
    Takes longer than `timeout` → Trino ends it, and the task fails for good.
    Success is a result that was read to its last row, of a query that Trino says is FINISHED.

    :param work: what is asked, and what is done with the result.
    :param timeout: how long the query may take, its wait in the queue included; default: SETTLEMENT_TRINO_RUN_SECONDS.
    :param max_rows: more rows are a failure; default: SETTLEMENT_TRINO_MAX_ROWS.
    """

    ui_color = "#e9e3f3"
    operator_extra_links = (TrinoQueryLink(),)
    query_page = ""  # the address of the query's page, once it is asked
    _trino: TrinoQueryHook | None = None

    def __init__(self, *, work: QueryWork, timeout: timedelta | None = None, max_rows: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.work = work
        self.timeout = timeout
        self.max_rows = max_rows

    def execute(self, context: Any) -> str:
        with in_airflow_s_words():
            asked = self.work.prepare(context)
            if not isinstance(asked, str):
                asked = self.work.finish(context, asked, self._ask(context, asked.sql))
        self.log.info(asked)
        return asked

    def on_kill(self) -> None:
        """Called by Airflow when the task is cleared, marked or stopped while it runs."""
        if self._trino is not None:
            self._trino.stop()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _ask(self, context: Any, sql: str) -> Result:
        from airflow.sdk.exceptions import AirflowException

        from settlement_airflow.hooks.trino_queries import TrinoQueryHook

        def started(query: str, page: str) -> None:  # noqa: ARG001  # the page names it
            self.query_page = page
            # Airflow keeps links when a task ends; people want this one while it runs.
            context["ti"].xcom_push(key=TrinoQueryLink().xcom_key, value=page)

        self._trino = TrinoQueryHook()
        seconds = self.timeout.total_seconds() if self.timeout else None
        try:
            return self._trino.run(QueryName.of(context), sql, seconds=seconds, max_rows=self.max_rows, started=started)
        except AirflowException as error:
            for line in str(error).splitlines():
                self.log.error(line)  # whole lines that can be read: the exception's is one long line above its frames
            raise
