"""Airflow's REST API as this service needs it: partners' reports on request, and the question of a month's approval.

It asks and reads as a user of its own. An answer is given as the person who answers, with that person's own token of Airflow:
the ledger's approver is who answered in Airflow, so no account of a service may ever do it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import quote

from settlement.api.problems import Busy, Conflict, Forbidden, NotFound, NotSetUp
from settlement.api.settings import ApiSettings

if TYPE_CHECKING:
    import httpx

REPORT, MONTHLY, APPROVE = "partner_report", "settlement_monthly", "approve"
OPTIONS = {"approve": "Approve", "reject": "Reject"}
_TIMEOUT = 30
_LATER = 30
_MOST = 100
_SUBJECT = re.compile(r"Settlement ([0-9]{4}-[0-9]{2}) version ([0-9]{1,6}): ")


@dataclass(frozen=True)
class Approval:
    """A question to people about a month's statements, as Airflow shows it, and its answer if it has one."""

    month: str
    version: int
    run: str
    state: str
    subject: str
    body: str
    asked_at: str
    answer: str = ""
    answered_by: str = ""
    answered_at: str = ""

    @property
    def is_open(self) -> bool:
        return not self.answered_by

    def short(self) -> dict[str, Any]:
        """Its state as JSON, without the question."""
        return {
            "version": self.version,
            "state": "asked" if self.is_open else "answered",
            "asked_at": self.asked_at,
            "answer": self.answer,
            "answered_by": self.answered_by,
            "answered_at": self.answered_at,
            "run": self.run,
        }


class Scheduler(Protocol):
    """What is asked of Airflow."""

    @property
    def is_set(self) -> bool:
        """Whether there is one to ask."""

    def start_report(self, form: Mapping[str, Any], run: str, note: str) -> dict[str, Any]:
        """Ask for a report; the run as Airflow tells it."""

    def reports(self) -> list[dict[str, Any]]:
        """The last runs, newest first."""

    def report(self, run: str) -> dict[str, Any]:
        """One run; raises NotFound."""

    def approvals(self) -> list[Approval]:
        """The last question of each month's version."""

    def answer(self, approval: Approval, option: str, token: str) -> dict[str, Any]:
        """Answer a question as the person whose token of Airflow it is."""


class NoAirflow:
    """No Airflow is set."""

    is_set = False

    def _missing(self) -> NotSetUp:
        return NotSetUp(
            "SETTLEMENT_API_AIRFLOW_URL is not set: Airflow can't be asked",
            "set SETTLEMENT_API_AIRFLOW_URL, _AIRFLOW_USER and _AIRFLOW_PASSWORD_FILE",
        )

    def start_report(self, form: Mapping[str, Any], run: str, note: str) -> dict[str, Any]:  # noqa: ARG002
        raise self._missing()

    def reports(self) -> list[dict[str, Any]]:
        raise self._missing()

    def report(self, run: str) -> dict[str, Any]:  # noqa: ARG002
        raise self._missing()

    def approvals(self) -> list[Approval]:
        raise self._missing()

    def answer(self, approval: Approval, option: str, token: str) -> dict[str, Any]:  # noqa: ARG002
        raise self._missing()


@dataclass
class AirflowApi:
    """One Airflow. Every method may raise Busy: it doesn't answer, or doesn't let this service in.

    Args:
        url: where it is, without `/api/v2`.
        user: asks and reads; may trigger `partner_report` and read `settlement_monthly`.
        password_file: holds the user's password, or a JSON object of passwords by user; read at each sign-in.
    """

    url: str
    user: str
    password_file: Path
    is_set: ClassVar[bool] = True
    _token: str = field(default="", init=False, repr=False)

    def start_report(self, form: Mapping[str, Any], run: str, note: str) -> dict[str, Any]:
        body = {"logical_date": None, "dag_run_id": run, "conf": dict(form), "note": note}
        return self._own("POST", f"dags/{REPORT}/dagRuns", body)

    def reports(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._own("GET", f"dags/{REPORT}/dagRuns?limit={_MOST}&order_by=-run_after")["dag_runs"]
        return found

    def report(self, run: str) -> dict[str, Any]:
        return self._own("GET", f"dags/{REPORT}/dagRuns/{quote(run, safe='')}")

    def approvals(self) -> list[Approval]:
        told = self._own("GET", f"dags/{MONTHLY}/dagRuns/~/hitlDetails?limit={_MOST}&order_by=-created_at")
        found: dict[tuple[str, int], Approval] = {}
        for detail in told["hitl_details"]:
            approval = _approval(detail)
            if approval is not None:
                found.setdefault((approval.month, approval.version), approval)
        return list(found.values())

    def answer(self, approval: Approval, option: str, token: str) -> dict[str, Any]:
        path = f"dags/{MONTHLY}/dagRuns/{quote(approval.run, safe='')}/taskInstances/{APPROVE}/-1/hitlDetails"
        response = self._sent("PATCH", f"/api/v2/{path}", {"chosen_options": [option], "params_input": {}}, token)
        return self._told(response)

    def _own(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """A request in this service's own name; a token that has run out is renewed once."""
        for is_again in (False, True):
            if not self._token or is_again:
                self._token = self._signed_in()
            response = self._sent(method, f"/api/v2/{path}", body, self._token)
            if response.status_code != 401:
                break
        if response.status_code in (401, 403):
            raise Busy(f"Airflow at {self.url} doesn't let {self.user} do this", "give the user the right to", _LATER)
        return self._told(response)

    def _signed_in(self) -> str:
        try:
            text = self.password_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            hint = "SETTLEMENT_API_AIRFLOW_PASSWORD_FILE names it"
            raise NotSetUp("the file with the password for Airflow can't be read", hint) from None
        credentials = {"username": self.user, "password": _password(text, self.user)}
        response = self._sent("POST", "/auth/token", credentials, "")
        token = response.json().get("access_token") if response.is_success else None
        if not token:
            raise Busy(f"Airflow at {self.url} doesn't let {self.user} sign in", "see its password", _LATER)
        return str(token)

    def _sent(self, method: str, path: str, body: dict[str, Any] | None, token: str) -> httpx.Response:
        import httpx

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=_TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"Airflow at {self.url} doesn't answer: {type(error).__name__}"
            raise Busy(reason, "see that it runs and SETTLEMENT_API_AIRFLOW_URL names it", _LATER) from None

    def _told(self, response: httpx.Response) -> dict[str, Any]:
        """The body of an answer; what Airflow says of a refusal goes to nobody."""
        if response.status_code in (401, 403):
            raise Forbidden("Airflow doesn't let you do this", "sign in to Airflow as somebody who may")
        if response.status_code == 404:
            raise NotFound("Airflow has no such run", "ask for the list")
        if response.status_code == 409:
            raise Conflict("it has been answered before", "GET /v1/months tells the answer")
        try:
            found: dict[str, Any] = response.raise_for_status().json()
        except Exception:
            raise Busy(f"Airflow at {self.url} answered HTTP {response.status_code}", "look into its log", _LATER) from None
        return found


def _approval(detail: Mapping[str, Any]) -> Approval | None:
    task, match = detail["task_instance"], _SUBJECT.match(detail["subject"])
    if task["task_id"] != APPROVE or match is None:
        return None
    by = detail.get("responded_by_user") or {}
    return Approval(
        month=match[1],
        version=int(match[2]),
        run=task["dag_run_id"],
        state=task["state"] or "",
        subject=detail["subject"],
        body=detail.get("body") or "",
        asked_at=detail["created_at"],
        answer=", ".join(detail.get("chosen_options") or []),
        answered_by=by.get("name") or "",
        answered_at=detail.get("responded_at") or "",
    )


def _password(text: str, user: str) -> str:
    try:
        by_user = json.loads(text)
    except ValueError:
        return text
    return str(by_user.get(user, "")) if isinstance(by_user, dict) else text


def scheduler_of(settings: ApiSettings) -> Scheduler:
    """The Airflow that the settings name, or none."""
    if not settings.airflow_url or settings.airflow_password_file is None:
        return NoAirflow()
    return AirflowApi(settings.airflow_url.rstrip("/"), settings.airflow_user, settings.airflow_password_file)
