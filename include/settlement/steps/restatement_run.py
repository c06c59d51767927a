"""A restatement as tasks of a run: asked for, its deltas shown to an approver, posted."""

from __future__ import annotations

from collections.abc import Collection

from settlement.errors import NotAllowed
from settlement.reports.changes import Delta
from settlement.steps import month as months
from settlement.steps import restating
from settlement.steps.markdown import plain
from settlement.steps.place import Place
from settlement.steps.settling import Question
from settlement.steps.tasks import Outcome, Run, context_of, freeze, version_of

_SHOWN = 20


def begin(place: Place, run: Run, requested_by: str, reason: str) -> Outcome:
    """Freeze the run's release and reserve the version of its restatement; again, its own.

    Raises:
        NotAllowed: no reason, the month isn't closed, or another restatement of it is under way.
    """
    freeze(place, run, requested_by, restates=True)
    restatement = restating.request(context_of(place, run), run.key, reason)
    return Outcome(
        "requested",
        f"{restatement.partition} restates version {restatement.version_from}: {restatement.reason}; "
        f"asked for by {restatement.requested_by}",
    )


def ask(place: Place, run: Run) -> Question:
    """The question about the run's restatement; its lines must be published."""
    context, partition = context_of(place, run), version_of(place, run)
    restatement = restating.found(context, partition)
    if restatement.state == "rejected":
        raise NotAllowed(f"{partition} was rejected", "start a new run")
    rows = restating.deltas(context, restatement)
    asked_by = ", ".join(map(plain, sorted(months.requesters(context, partition))))
    origin = [
        f"- reason: {plain(restatement.reason)}",
        f"- lines: {restating.lines_hash(context, partition)} (what this approval is bound to)",
        f"- rules: {context.release.rules_hash[:16]}",
        f"- asked for by: {asked_by}; they can't approve",
    ]
    total = sum(row.delta_krw for row in rows)
    return Question(
        subject=f"Restatement {partition}: post {len(rows)} deltas, {total:+,} won in all, into the next month?",
        body="\n".join([*_table(rows), "", *origin]),
        approved=restatement.state in ("approved", "posted"),
    )


def approve(place: Place, run: Run, approved_by: str, cleared_by: Collection[str]) -> Outcome:
    """Record an approval of the run's restatement; arguments and errors as `settling.approve`."""
    context, partition = context_of(place, run), version_of(place, run)
    restating.approve(context, partition, approved_by, cleared_by)
    return Outcome("approved", f"{partition} is approved by {restating.found(context, partition).approved_by}")


def reject(place: Place, run: Run, rejected_by: str) -> Outcome:
    """Record that somebody answered no: nothing is posted."""
    context, partition = context_of(place, run), version_of(place, run)
    restating.reject(context, partition, rejected_by)
    return Outcome("rejected", f"{partition} is rejected by {rejected_by}: nothing is posted")


def post(place: Place, run: Run) -> Outcome:
    """Post the run's approved restatement into the next month to be settled, once."""
    posted = restating.post(context_of(place, run), version_of(place, run))
    return Outcome("posted", f"the deltas of {posted.partition} are posted into {posted.posted_month}")


def _table(rows: list[Delta]) -> list[str]:
    lines = [
        "| partner | name | product | right type | before | now | change |",
        "| ---: | --- | --- | --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {r.partner_id} | {plain(r.name)} | {plain(r.product_id)} | {r.right_type} "
        f"| {r.old_krw:,} | {r.new_krw:,} | {r.delta_krw:+,} |"
        for r in rows[:_SHOWN]
    ]
    rest = rows[_SHOWN:]
    if rest:
        lines.append(f"| | {len(rest)} more | | | | | {sum(r.delta_krw for r in rest):+,} |")
    return lines
