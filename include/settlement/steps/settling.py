"""The end of a month as tasks of a scheduled run: what an approver is asked, the answer, the reports, the closing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from settlement.errors import NotAllowed
from settlement.ledger.records import Build
from settlement.steps import month as months
from settlement.steps import summary
from settlement.steps.context import Context
from settlement.steps.deliver import complete, deliver, is_complete
from settlement.steps.markdown import plain
from settlement.steps.pinning import closed_version
from settlement.steps.place import Place
from settlement.steps.reported import Total, totals
from settlement.steps.tasks import Outcome, Run, context_of, version_of
from settlement.warehouse import Partition, hash_json

_SHOWN_PARTNERS = 10


@dataclass(frozen=True)
class Question:
    """What an approver is asked (Markdown); or that the version is approved already."""

    subject: str
    body: str
    approved: bool


@dataclass(frozen=True)
class Published(Outcome):
    """What was done, and the folder of the reports below the publish root."""

    path: str


def ask(place: Place, run: Run) -> Question:
    """The question about the run's version; its statements must be published.

    Raises:
        SettlementError: there are no statements of this version yet, or another run's are in force.
    """
    context = context_of(place, run)
    partition = version_of(place, run)
    statements = months.to_approve(context, partition)
    rows = totals(context, partition)
    approved = place.ledger.last("approved", partition) is not None
    paid = [row for row in rows if row.partner_id]
    held = sum(row.royalty_krw for row in rows if not row.partner_id)
    suspense = f" ({held:,} won stay in suspense)" if held else ""
    return Question(
        subject=f"Settlement {partition}: publish {sum(r.royalty_krw for r in paid):,} won to {len(paid)} partners{suspense}?",
        body="\n".join(
            [
                *_table(rows),
                "",
                *summary.figures_table(context, statements),
                "",
                *summary.movers(context, partition),
                "",
                *summary.warnings(context, statements),
                *_origin(context, statements),
            ]
        ),
        approved=approved,
    )


def approve(place: Place, run: Run, approved_by: str, cleared_by: Collection[str]) -> Outcome:
    """Record an approval of the run's version.

    Args:
        place: where the run works.
        run: the run that asked.
        approved_by: who answered.
        cleared_by: everyone who cleared a task of the run: they are requesters too.

    Raises:
        NotAllowed: the approver is among the requesters, or the month is closed; recorded as `refused`.
        PublishRefused: another version has been reserved in the meantime.
    """
    context, partition = context_of(place, run), version_of(place, run)
    try:
        months.approve(context, partition, approved_by, cleared_by)
    except NotAllowed as error:
        place.ledger.append("refused", run.run_id, {"by": approved_by, "reason": error.message}, partition)
        raise
    return Outcome("approved", f"{partition} is approved by {_approver(place, partition)}")


def reject(place: Place, run: Run, rejected_by: str) -> Outcome:
    """Record that somebody answered no; the month stays open."""
    partition = version_of(place, run)
    place.ledger.append("rejected", run.run_id, {"by": rejected_by}, partition)
    return Outcome("rejected", f"{partition} is rejected by {rejected_by}: nothing was published, the month stays open")


def refuse(place: Place, run: Run, answered_by: str, reason: str) -> Outcome:
    """Record that an answer doesn't count, and why: of a month's version, or of a restatement."""
    partition = version_of(place, run)
    place.ledger.append("refused", run.run_id, {"by": answered_by, "reason": reason}, partition)
    return Outcome("refused", f"the answer of {answered_by} doesn't count for {partition}: {reason}")


def publish_reports(place: Place, run: Run) -> Published:
    """Put the reports of the approved version under the publish root, without markers.

    Raises:
        NotAllowed: the version isn't approved, its approver is among the requesters, or the month is closed with another one.
        PublishRefused: a file of that name holds something else.
    """
    context, partition = context_of(place, run), _approved(place, run)
    delivery = deliver(context, partition)
    sentence = f"{partition}: reports of {len(delivery.reports)} partners in {delivery.folder}"
    return Published("published", sentence, partition.path)


def close(place: Place, run: Run) -> Published:
    """Close the month with the approved version and put the markers, which come last.

    The reports are rendered once more: what lies under the publish root must be exactly that.

    Raises:
        NotAllowed, PublishRefused: as `publish_reports`.
    """
    context, partition = context_of(place, run), _approved(place, run)
    if closed_version(place.ledger, run.key) == partition and is_complete(context, partition):
        return Published("done", f"{partition} was closed before", partition.path)
    delivery = deliver(context, partition)
    months.close(context, partition, delivery.hash)
    complete(delivery)
    return Published("closed", f"{partition} is closed; open {delivery.folder / 'index.html'}", partition.path)


def _approved(place: Place, run: Run) -> Partition:
    partition = version_of(place, run)
    closed = closed_version(place.ledger, run.key)
    if closed not in (None, partition):
        raise NotAllowed(f"{closed} is closed, so {partition} can't be published", "a closed month is corrected by a restatement")
    record = place.ledger.last("approved", partition)
    if record is None:
        raise NotAllowed(f"{partition} is not approved", "have it approved by someone other than its requesters")
    if record.body["approved_by"] in record.body["requesters"]:
        raise NotAllowed(f"{partition} was approved by {record.body['approved_by']}, who had asked for it", "verify the ledger")
    return partition


def _approver(place: Place, partition: Partition) -> str:
    record = place.ledger.last("approved", partition)
    assert record is not None, "it was recorded just before"
    return str(record.body["approved_by"])


def _table(rows: list[Total]) -> list[str]:
    lines = ["| partner | name | lines | royalty, won | paid, won |", "| ---: | --- | ---: | ---: | ---: |"]
    lines += [
        f"| {r.partner_id} | {plain(r.name)} | {r.lines:,} | {r.royalty_krw:,} | {r.paid_krw:,} |" for r in rows[:_SHOWN_PARTNERS]
    ]
    rest = rows[_SHOWN_PARTNERS:]
    if rest:
        count, royalty, paid = (sum(column) for column in zip(*((r.lines, r.royalty_krw, r.paid_krw) for r in rest), strict=True))
        lines.append(f"| | {len(rest)} more | {count:,} | {royalty:,} | {paid:,} |")
    return lines


def _origin(context: Context, statements: Build) -> list[str]:
    rejected = sum(record.kind == "rejected" for record in context.ledger.records(partition=statements.partition.key))
    asked_by = ", ".join(map(plain, sorted(months.requesters(context, statements.partition))))
    return [
        f"- statements: {hash_json(dict(statements.rows_hashes))[:16]} (what this approval is bound to)",
        f"- rules: {context.release.rules_hash[:16]}",
        *([f"- rejected before: {rejected} times"] if rejected else []),
        f"- asked for by: {asked_by}; they can't approve",
    ]
