"""`python -m settlement.steps`: one step of a scheduled run in a process of its own, wherever the profile puts it.

Standard output is one JSON object: what the step did, or the error in its parts; standard error tells how far it is.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 nothing for this run to do.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import ModuleType
from typing import Any

from settlement import storage_errors
from settlement.errors import EngineError, LedgerUnavailable, NothingToDo, SettlementError, StorageUnavailable, of_system
from settlement.pipeline import STAGES, months, one_month
from settlement.steps import lineage, on_demand, preview_request, reconcile, restatement_run, settling, tasks
from settlement.steps.place import Place
from settlement.steps.remote import Prepared
from settlement.steps.settling import Question
from settlement.steps.tasks import Outcome, Run

FAILED, NOTHING_TO_DO = 1, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the step that the arguments name; returns the exit code."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        answer, code = _run(asked), 0
    except Exception as error:
        known = storage_errors.behind(error) or error
        if not isinstance(known, SettlementError | OSError):
            raise
        answer, code = _failed(known)
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return code


def _run(asked: argparse.Namespace) -> dict[str, Any]:
    place, run = Place.open(), Run(asked.run, asked.partition)
    if asked.step == "begin":
        begun = tasks.begin(place, run, asked.by)
        return {**asdict(begun), "waits_for": list(tasks.waits_for(place, run, asked.gate))}
    return asdict(_STEPS[asked.step](place, run, asked))


Answer = Outcome | Prepared | Question | reconcile.Asked | lineage.Lineage
_STEPS: dict[str, Callable[[Place, Run, argparse.Namespace], Answer]] = {
    "build": lambda place, run, asked: tasks.build(place, run, asked.stage, asked.take_over, asked.attempt),
    "seal": lambda place, run, asked: tasks.seal(place, run, asked.stage, asked.build, asked.step_name),
    "audit": lambda place, run, asked: tasks.audit(place, run, asked.stage),
    "candidate": lambda place, run, asked: tasks.candidate(place, run, asked.stage),
    "verdict": lambda place, run, asked: tasks.verdict(place, run, asked.stage, asked.build),
    "publish": lambda place, run, asked: tasks.publish(place, run, asked.stage),
    "lineage": lambda place, run, asked: lineage.of_publication(place, run, asked.stage),
    "reconcile-ask": lambda place, run, asked: reconcile.ask(place, run, asked.stage),
    "reconcile": lambda place, run, asked: reconcile.compare(place, run, asked.stage, asked.build, asked.rows),
    "restate": lambda place, run, asked: restatement_run.begin(place, run, asked.by, asked.reason),
    "ask": lambda place, run, _: _answering(place, run).ask(place, run),
    "approve": lambda place, run, asked: _answering(place, run).approve(place, run, asked.by, asked.cleared_by),
    "reject": lambda place, run, asked: _answering(place, run).reject(place, run, asked.by),
    "refuse": lambda place, run, asked: settling.refuse(place, run, asked.by, asked.reason),
    "post": lambda place, run, _: restatement_run.post(place, run),
    "reports": lambda place, run, _: settling.publish_reports(place, run),
    "close": lambda place, run, _: settling.close(place, run),
    "partner-report": lambda place, run, asked: _partner_report(place, run, asked.partner, asked.format),
    "partner-reported": lambda place, run, asked: on_demand.look_for(
        place.warehouse, place.ledger, on_demand.Asked(asked.partner, months(run.key), asked.format)
    ),
    "month-preview": lambda place, run, asked: preview_request.request(
        place, preview_request.Asked(one_month(run.key), run.run_id, asked.attempt), asked.by, _info
    ),
    "month-previewed": lambda place, run, asked: preview_request.look_for(
        place, preview_request.Asked(one_month(run.key), run.run_id, asked.attempt)
    ),
}


def _info(what: str) -> None:
    logging.getLogger(__name__).info(what)


def _partner_report(place: Place, run: Run, partner: int, form: str) -> Outcome:
    asked = on_demand.Asked(partner, months(run.key), form)
    return on_demand.report(place.warehouse, place.ledger, place.engine, asked, _info)


def _answering(place: Place, run: Run) -> ModuleType:
    """Whether people are asked about a month's statements or about a restatement."""
    restated = place.ledger.restatement(tasks.version_of(place, run))
    return settling if restated is None else restatement_run


def _failed(error: SettlementError | OSError) -> tuple[dict[str, Any], int]:
    shown = error if isinstance(error, SettlementError) else of_system(error)
    # What a machine may have caused is worth another try; what data, rules or people caused is not.
    transient = isinstance(error, OSError | EngineError | LedgerUnavailable | StorageUnavailable)
    answer = {"error": type(shown).__name__, "message": shown.message, "hint": shown.hint, "transient": transient}
    return answer, NOTHING_TO_DO if isinstance(error, NothingToDo) else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m settlement.steps", description="One step of a scheduled run.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--run", required=True, help="the run's name in the ledger")
    common.add_argument("--partition", required=True, help="day YYYY-MM-DD or month YYYY-MM")
    steps = parser.add_subparsers(dest="step", required=True)
    begin = steps.add_parser("begin", parents=[common], help="freeze the release; say what is waited for")
    begin.add_argument("--by", required=True, help="who asked for the run")
    begin.add_argument("--gate", required=True, choices=["landing", "raw", "days"])
    for name in ("build", "seal", "audit", "candidate", "verdict", "publish", "lineage", "reconcile-ask", "reconcile"):
        step = steps.add_parser(name, parents=[common], help=f"{name} of a stage")
        step.add_argument("--stage", required=True, choices=[stage.name for stage in STAGES])
        if name == "build":
            step.add_argument("--take-over", action="store_true", help="go on with what another run has reserved")
            step.add_argument("--attempt", default="", help="tries that resume one another share it")
        if name == "seal":
            step.add_argument("--build", required=True, help="the build that a cluster has filled")
            step.add_argument("--step-name", required=True, help="the cluster's name for its work")
        if name == "verdict":
            step.add_argument("--build", required=True, help="the build that was audited elsewhere")
        if name == "reconcile":
            step.add_argument("--build", required=True, help="the build that was published when Trino was asked")
            step.add_argument("--rows", required=True, help="what Trino has answered, as JSON")
    restate = steps.add_parser("restate", parents=[common], help="freeze the release; ask for a restatement")
    restate.add_argument("--by", required=True, help="who asks")
    restate.add_argument("--reason", required=True, help="what was wrong, and what corrects it")
    steps.add_parser("post", parents=[common], help="post an approved restatement into the next month to be settled")
    steps.add_parser("ask", parents=[common], help="what the approver is asked")
    approve = steps.add_parser("approve", parents=[common], help="record an approval")
    approve.add_argument("--by", required=True, help="who approves")
    approve.add_argument("--cleared-by", action="append", default=[], help="someone who cleared a task of the run")
    steps.add_parser("reject", parents=[common], help="record a rejection").add_argument("--by", required=True)
    refuse = steps.add_parser("refuse", parents=[common], help="record that an answer doesn't count")
    refuse.add_argument("--by", required=True, help="who answered")
    refuse.add_argument("--reason", required=True, help="why it doesn't count")
    steps.add_parser("reports", parents=[common], help="publish the partners' reports")
    steps.add_parser("close", parents=[common], help="close the month")
    for name, what in (("partner-report", "make"), ("partner-reported", "look for")):
        report = steps.add_parser(name, parents=[common], help=f"{what} a partner's report of closed months YYYY-MM..YYYY-MM")
        report.add_argument("--partner", required=True, type=int, help="the partner's id; 0 is suspense")
        report.add_argument("--format", required=True, choices=on_demand.FORMATS)
    for name, what in (("month-preview", "compute"), ("month-previewed", "look for")):
        preview = steps.add_parser(name, parents=[common], help=f"{what} what a month would come to")
        preview.add_argument("--attempt", required=True, type=int, help="tries that resume one another share it")
        if name == "month-preview":
            preview.add_argument("--by", required=True, help="who asks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
