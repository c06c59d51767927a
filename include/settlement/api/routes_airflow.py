"""`/v1/reports` and `/v1/months/…/approval`: what Airflow does when people ask, or answer."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from settlement.api.airflow_api import OPTIONS, Approval, Scheduler
from settlement.api.callers import BEARER, CONFLICT, REFUSALS, AirflowToken, EntryOf, ServiceOf, SignedIn
from settlement.api.house import Statement
from settlement.api.identity import Caller, Scope
from settlement.api.problems import BadQuestion, Conflict, Forbidden, NotFound
from settlement.api.report_files import written
from settlement.api.routes_house import FileName, Month
from settlement.api.sending import FILE, AsLink, sent
from settlement.api.service import Service
from settlement.api.shapes_of_airflow import AnswerShape, ApprovalShape, ReportFilesShape, ReportShape, ReportsShape
from settlement.pipeline import months
from settlement.steps.on_demand import Asked

router = APIRouter(prefix="/v1", dependencies=BEARER)
_MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
_MOST_MONTHS = 24
_DONE = "success"
_FORM = ("partner", "first_month", "last_month", "format")
Run = Annotated[str, Path(max_length=250, examples=["api__5015f02400a2deb5"])]


class Report(BaseModel):
    """A partner's report over closed months."""

    model_config = ConfigDict(extra="forbid")

    partner: int = Field(ge=0, le=10**18 - 1, examples=[3])
    first_month: str = Field(pattern=_MONTH, examples=["2026-01"])
    last_month: str = Field(pattern=_MONTH, examples=["2026-02"])
    format: Literal["csv", "xlsx", "pdf", "dsr"] = "xlsx"

    @model_validator(mode="after")
    def _is_a_range(self) -> Report:
        if self.first_month > self.last_month or len(months(f"{self.first_month}..{self.last_month}")) > _MOST_MONTHS:
            raise ValueError(f"last_month lies at or after first_month, and at most {_MOST_MONTHS} months are asked for at once")
        return self


class Answered(BaseModel):
    """What somebody answers, and to which version's question."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, examples=[1], description="the version whose question was read")
    answer: Literal["approve", "reject"]


@router.post("/reports", status_code=202, response_model=ReportShape, response_model_exclude_none=True, responses=REFUSALS)
async def ask_for_report(
    service: ServiceOf, entry: EntryOf, caller: SignedIn, response: Response, report: Report
) -> dict[str, Any]:
    """Have Airflow write a partner's report again: an operator's for any partner, a partner's for itself."""
    entry.about(report=report.model_dump())
    if not ("operator" in caller.roles or (not caller.scope.is_all and caller.scope.may_see(report.partner))):
        raise Forbidden("reports are asked for by operators, and by partners for themselves", "ask an operator")
    await entry.allow()
    note = f"asked for by {caller.name} through the query API"
    run = await asyncio.to_thread(service.scheduler.start_report, report.model_dump(), f"api__{entry.id}", note)
    entry.about(run=run["dag_run_id"])
    told = _report(run)
    response.headers["Location"] = told["url"]
    return told


@router.get("/reports", response_model=ReportsShape, response_model_exclude_none=True, responses=REFUSALS)
async def reports(service: ServiceOf, entry: EntryOf, caller: SignedIn) -> dict[str, Any]:
    """The last reports that somebody asked for, here or in Airflow, with their state; a partner's own only."""
    runs = await asyncio.to_thread(service.scheduler.reports)
    await entry.allow()
    return {"reports": [_report(run) for run in runs if _may_see(caller.scope, run)]}


@router.get("/reports/{run}", response_model=ReportShape, response_model_exclude_none=True, responses=REFUSALS)
async def report_state(service: ServiceOf, entry: EntryOf, caller: SignedIn, run: Run) -> dict[str, Any]:
    """How a report goes."""
    found = await asyncio.to_thread(_seen, service.scheduler, caller.scope, run)
    await entry.allow()
    return _report(found)


@router.get("/reports/{run}/files", response_model=ReportFilesShape, responses=REFUSALS)
async def report_files(service: ServiceOf, entry: EntryOf, caller: SignedIn, run: Run) -> dict[str, Any]:
    """The files of a report that is done, with their hashes, by month and version."""
    folders = await asyncio.to_thread(_written, service, caller.scope, run)
    files = await asyncio.to_thread(lambda: [_file(run, folder, file) for folder in folders for file in folder.files()])
    await entry.allow()
    return {"run": run, "files": files}


@router.get("/reports/{run}/files/{month}/{version}/{name}", response_class=Response, responses={**FILE, **REFUSALS})
async def report_file(  # what a route is given, by name
    service: ServiceOf,
    entry: EntryOf,
    caller: SignedIn,
    run: Run,
    month: Month,
    version: Annotated[int, Path(ge=1, le=999_999, examples=[1])],
    name: FileName,
    as_link: AsLink = False,
) -> Response:
    """A file of a report; where files are in a bucket, a signed link to it."""
    folders = await asyncio.to_thread(_written, service, caller.scope, run)
    of_version = [folder for folder in folders if (folder.month, folder.version) == (month, version)]
    if not of_version:
        raise NotFound(f"the report has nothing of {month} version {version}", "GET /v1/reports/<run>/files lists its files")
    place = await asyncio.to_thread(of_version[0].file, name)
    entry.about(run=run, month=month, version=version, partner=of_version[0].partner_id)
    await entry.allow()
    return await sent(service, place, name, as_link=as_link)


@router.get("/months/{month}/approval", response_model=ApprovalShape, response_model_exclude_none=True, responses=REFUSALS)
async def approval(service: ServiceOf, entry: EntryOf, caller: SignedIn, month: Month) -> dict[str, Any]:
    """What people are asked about a month's newest version, and what they answered."""
    _require_house(caller)
    found = await asyncio.to_thread(_newest, service.scheduler, month)
    await entry.allow()
    return told_approval(found)


@router.post("/months/{month}/approval", response_model=AnswerShape, responses={**REFUSALS, **CONFLICT})
async def approve(
    service: ServiceOf,
    entry: EntryOf,
    caller: SignedIn,
    month: Month,
    answered: Answered,
    airflow_token: AirflowToken = "",
) -> dict[str, Any]:
    """Answer for a month. It counts when Airflow's task `approve` has recorded it; requesters are refused there."""
    entry.about(month=month, **answered.model_dump())
    if "approver" not in caller.roles:
        raise Forbidden("only approvers answer", "ask for the role approver")
    if not airflow_token:
        raise BadQuestion(
            "the answer is given in your own name in Airflow, which needs your token of it",
            "send it as X-Airflow-Token (POST /auth/token of Airflow makes one), or answer in Airflow, Required Actions",
        )
    found = await asyncio.to_thread(_newest, service.scheduler, month)
    if found.version != answered.version:
        raise Conflict(f"{month} version {found.version} is asked about, not {answered.version}", "read the question again")
    if not found.is_open:
        raise Conflict(f"{found.answered_by} has answered before", "GET /v1/months tells the answer")
    entry.about(run=found.run)
    await entry.allow()
    told = await asyncio.to_thread(service.scheduler.answer, found, OPTIONS[answered.answer], airflow_token)
    by = str(told["responded_by"]["name"])
    await entry.finish("complete", answered_by=by)
    return {"month": month, "version": found.version, "run": found.run, "answer": answered.answer, "answered_by": by}


def told_approval(approval: Approval) -> dict[str, Any]:
    """A question as JSON."""
    return {
        "month": approval.month,
        "version": approval.version,
        "state": "asked" if approval.is_open else "answered",
        "run": approval.run,
        "task_state": approval.state,
        "subject": approval.subject,
        "body": approval.body,
        "asked_at": approval.asked_at,
        "answer": approval.answer or None,
        "answered_by": approval.answered_by or None,
        "answered_at": approval.answered_at or None,
    }


def _newest(scheduler: Scheduler, month: str) -> Approval:
    found = [approval for approval in scheduler.approvals() if approval.month == month]
    if not found:
        raise NotFound(f"nobody has been asked about {month} yet", "GET /v1/months lists what there is")
    return max(found, key=lambda approval: approval.version)


def _require_house(caller: Caller) -> None:
    if not caller.scope.is_all:
        raise Forbidden("approvals are the house's", "ask for statements")


def _may_see(scope: Scope, run: dict[str, Any]) -> bool:
    partner = (run.get("conf") or {}).get("partner")
    return scope.is_all or (isinstance(partner, int) and scope.may_see(partner))


def _report(run: dict[str, Any]) -> dict[str, Any]:
    url = f"/v1/reports/{run['dag_run_id']}"
    return {
        "run": run["dag_run_id"],
        "state": run["state"],
        "url": url,
        **_form(run),
        "asked_at": run.get("queued_at"),
        "ended_at": run.get("end_date"),
        "files": f"{url}/files" if run["state"] == _DONE else None,
    }


def _form(run: dict[str, Any]) -> dict[str, Any]:
    """What a run was asked for; people may have started it in Airflow."""
    form = run.get("conf") or {}
    return {name: form[name] for name in _FORM if name in form}


def _written(service: Service, scope: Scope, run: str) -> list[Statement]:
    """The folders that a report has written; raises NotFound also when it is somebody else's."""
    found = _seen(service.scheduler, scope, run)
    if found["state"] != _DONE:
        raise NotFound(f"the report is {found['state']}: it has no files", "ask for its state until it is success")
    try:
        report = Report.model_validate(_form(found))
    except ValidationError:
        raise NotFound("the run doesn't say whose report it is", "ask for a report with POST /v1/reports") from None
    asked = Asked(report.partner, months(f"{report.first_month}..{report.last_month}"), report.format)
    return written(service.warehouse, asked)


def _seen(scheduler: Scheduler, scope: Scope, run: str) -> dict[str, Any]:
    found = scheduler.report(run)
    if not _may_see(scope, found):
        raise NotFound("Airflow has no such run", "ask for the list")
    return found


def _file(run: str, folder: Statement, file: dict[str, Any]) -> dict[str, Any]:
    url = f"/v1/reports/{run}/files/{folder.month}/{folder.version}/{file['name']}"
    return {**file, "month": folder.month, "version": folder.version, "url": url}
