"""The steps as tasks of a scheduled run: what one hands to the next lies in the ledger, under the run's name.

Each may be run again at any time, twice, or while its old attempt still works: a newer attempt of a build fences the older
one off, an audit writes its verdict as a whole, a publication is a compare-and-set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from settlement import __version__
from settlement.audit.checks import Finding
from settlement.errors import AuditFailed, NotArrived, NothingToDo, SettlementError, WrongRelease
from settlement.landing.folders import Landing
from settlement.ledger.records import Build
from settlement.pipeline import DAY_STAGES, MONTH_STAGES
from settlement.processes import reader_pool
from settlement.release import Release
from settlement.settings import reference_dir, settings, sql_dir
from settlement.steps import audit as audits
from settlement.steps import month as months
from settlement.steps import publish as publishing
from settlement.steps import ready, remote, restating
from settlement.steps.build import build_raw, build_tables
from settlement.steps.compute import is_on_cluster
from settlement.steps.context import Context, record_release
from settlement.steps.pinning import closed_version
from settlement.steps.place import Place
from settlement.steps.remote import Prepared
from settlement.warehouse import Partition


@dataclass(frozen=True)
class Outcome:
    """What a task did: a word for machines and a sentence for people."""

    outcome: str
    sentence: str


@dataclass(frozen=True)
class Run:
    """A scheduled run: its name in the ledger and the key of its partition, a day or a month."""

    run_id: str
    key: str

    @property
    def partition(self) -> Partition:
        return Partition(self.key)


@dataclass(frozen=True)
class Candidate(Outcome):
    """What an audit is about: `sealed` with the build and the hash of its files, or `unchanged` with neither."""

    build_id: str = ""
    files_hash: str = ""


def begin(place: Place, run: Run, requested_by: str) -> Outcome:
    """Freeze the run's release, once: a task that is cleared goes on with the SQL and the rows the run began with.

    Raises:
        NothingToDo: the month is closed.
        TableError, BadInput: what is wrong with the SQL or the reference rows.
    """
    if run.partition.is_month:
        closed = closed_version(place.ledger, run.key)
        if closed is not None:
            raise NothingToDo(f"{closed} is closed", "a closed month is corrected by a restatement")
    return freeze(place, run, requested_by)


def freeze(place: Place, run: Run, requested_by: str, restates: bool = False) -> Outcome:
    """Freeze today's SQL and reference rows for a run, once; `restates` marks the run of a restatement.

    Raises:
        TableError, BadInput: what is wrong with them.
    """
    known = place.ledger.released(run.run_id)
    if known is None:
        release = Release.freeze(sql_dir(), settings().reference or reference_dir(), place.warehouse)
        known = record_release(place.ledger, run.run_id, release, requested_by, run.partition, restates)
    return Outcome("released", f"release {known.body['release'][:12]}, asked for by {known.body['requested_by']}")


def waits_for(place: Place, run: Run, gate: str) -> Sequence[str]:
    """What a gate (`landing`, `raw` or `days`) of a run still waits for; empty when it may go on."""
    if gate == "landing":
        return ready.landing_waits_for(Landing(place.landing), run.key)
    if gate == "raw":
        return ready.day_waits_for(place.ledger, Landing(place.landing), run.key)
    return ready.month_waits_for(place.ledger, run.key)


def build(place: Place, run: Run, stage: str, take_over: bool = False, attempt: str = "") -> Outcome | Prepared:
    """Build a stage and seal the candidate, or record that its inputs are published already.

    Where a cluster computes, the answer says what it is to run; `seal` takes up what it has written.

    Args:
        place: where the run works.
        run: the run.
        stage: which is built.
        take_over: go on with a version of the month that another run has reserved.
        attempt: tries that resume one another share it.

    Raises:
        NothingToDo: another run settles the month from the same inputs and rules.
        SettlementError: what is missing or wrong; nothing was sealed.
    """
    context = context_of(place, run)
    partition = run.partition
    if stage == MONTH_STAGES[0]:
        partition = _reserve(place, context, run, take_over)
    elif stage in MONTH_STAGES:
        partition = version_of(place, run)
    is_remote = stage != DAY_STAGES[0] and is_on_cluster(context)
    if is_remote:
        begun = remote.attempt_of(place, run.run_id, stage, partition, attempt)
    else:
        begun = place.ledger.append("begun", run.run_id, {}, partition, stage)
    context = replace(context, attempt=begun.seq)
    built: Build | Prepared | None
    if stage == DAY_STAGES[0]:
        with reader_pool(settings().reader_processes) as pool:
            built = build_raw(context, Landing(place.landing), run.key, pool)
    else:
        compute = remote.prepare if is_remote else build_tables
        # what is approved isn't computed again: the approval is bound to it
        built = None if _is_approved_restatement(place, partition) else compute(context, stage, partition)
    if isinstance(built, Prepared):
        return built
    if built is not None:
        return _sealed(built)
    head = place.ledger.head_build(stage, partition)
    assert head is not None, "unchanged means that a head was found"
    place.ledger.append("unchanged", run.run_id, {"head": head.build_id}, partition, stage, head.build_id, begun.seq)
    return Outcome("unchanged", _unchanged(stage, partition, head))


def seal(place: Place, run: Run, stage: str, build_id: str, step: str) -> Outcome:
    """Seal what a cluster has computed for a run; `unproven` when its output isn't there.

    Raises:
        SettlementError: the run has planned no such build, or what was written isn't what its tables declare.
    """
    built = remote.finish(context_of(place, run), stage, version_of(place, run, stage), build_id, step)
    if built is None:
        return Outcome("unproven", f"{stage} {run.key}: {step} has left no file of build {build_id}")
    return _sealed(built)


def _sealed(built: Build) -> Outcome:
    return Outcome("sealed", f"{built.stage} {built.partition}: sealed build {built.build_id}")


def _is_approved_restatement(place: Place, partition: Partition) -> bool:
    restatement = place.ledger.restatement(partition) if partition.is_month else None
    return restatement is not None and restatement.state == "approved"


def _reserve(place: Place, context: Context, run: Run, take_over: bool) -> Partition:
    """The version that the run settles, or restates."""
    restated = next((r for r in reversed(place.ledger.restatements(run.key)) if r.run_id == run.run_id), None)
    if restated is not None:
        if restated.state == "posted":
            raise NothingToDo(f"{restated.partition} is posted into {restated.posted_month}", "ask for another restatement")
        return restating.request(context, run.key, restated.reason).partition
    released = place.ledger.released(run.run_id)
    if released is not None and released.body.get("restates"):
        raise SettlementError(f"run {run.run_id} has asked for no restatement of {run.key}", "clear its first task")
    months.require_turn(place.ledger, run.key)
    waiting = ready.month_waits_for(place.ledger, run.key)
    if waiting:
        raise NotArrived(f"{run.key} needs {waiting[0]}", "settle the day, then run again")
    return months.reserve(context, run.key, "take_over" if take_over else "refuse")


def audit(place: Place, run: Run, stage: str) -> Outcome:
    """Audit the run's newest candidate of a stage.

    Raises:
        AuditFailed: what its checks found, or that nothing has been built yet.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    built, is_new = _result(context, stage, partition)
    if not is_new:
        return Outcome("unchanged", _unchanged(stage, partition, built))
    return _passed(built, audits.audit(context, built))


def candidate(place: Place, run: Run, stage: str) -> Candidate:
    """What an audit of the run's stage is about, for whoever has it made elsewhere.

    Raises:
        AuditFailed: nothing has been built yet.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    built, is_new = _result(context, stage, partition)
    if not is_new:
        return Candidate("unchanged", _unchanged(stage, partition, built))
    return Candidate("sealed", f"{stage} {partition}: build {built.build_id}", built.build_id, built.files_hash)


def verdict(place: Place, run: Run, stage: str, build_id: str) -> Outcome:
    """Take up the verdict on a build that an audit elsewhere has written; it is believed only about exactly its files.

    Raises:
        AuditFailed: it is missing, torn, of other files, or says no; or the run has built anew since.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    built, _ = _result(context, stage, partition)
    if built.build_id != build_id:
        raise AuditFailed(
            f"{stage} {partition}: build {build_id} was audited, and the run has sealed {built.build_id} since", "clear the audit"
        )
    return _passed(built, audits.findings_of(audits.require_verdict(context, built)))


def _passed(built: Build, warnings: Sequence[Finding]) -> Outcome:
    listed = "".join(f"\n  warning: {finding}" for finding in warnings)
    return Outcome("passed", f"{built.stage} {built.partition}: build {built.build_id} passed its audit{listed}")


def publish(place: Place, run: Run, stage: str) -> Outcome:
    """Publish the run's newest candidate of a stage.

    Raises:
        AuditFailed: there is no verdict on exactly its files that passed.
        PublishRefused: another run published first, or an input moved; names both.
    """
    context, partition = context_of(place, run), version_of(place, run, stage)
    built, is_new = _result(context, stage, partition)
    if not is_new:
        return Outcome("unchanged", _unchanged(stage, partition, built))
    published = publishing.publish(context, built)
    if published.outcome == "same":
        return Outcome("same", f"{stage} {partition}: already published by {published.run_id} with the same content")
    before = " before" if published.outcome == "done" else ""
    return Outcome(published.outcome, f"{stage} {partition}: published build {published.build_id}{before}")


def version_of(place: Place, run: Run, stage: str | None = None) -> Partition:
    """A run's partition; of a month with the version that the run has reserved.

    Raises:
        SettlementError: it has reserved none yet.
    """
    if stage in DAY_STAGES:
        return run.partition
    reserved = list(place.ledger.records(kind="reserved", run_id=run.run_id, partition=run.key))
    if not reserved:
        raise SettlementError(f"run {run.run_id} has reserved no version of {run.key}", "clear the build of pools first")
    return reserved[-1].partition


def context_of(place: Place, run: Run) -> Context:
    """A run's context with the release that it began with.

    Raises:
        SettlementError: the run hasn't begun.
        WrongRelease: it began with another version of the package.
    """
    released = place.ledger.released(run.run_id)
    if released is None:
        raise SettlementError(f"run {run.run_id} has not begun: no release is frozen for it", "clear its first task")
    package = released.body["package"]
    if package != __version__:
        raise WrongRelease(
            f"run {run.run_id} began with settlement {package}, and this worker has {__version__}",
            f"let a worker with {package} finish it, or start a new run of {run.key}",
        )
    release = Release.load(released.body["release"], place.warehouse)
    return Context(place.warehouse, place.ledger, place.engine, release, run.run_id, released.body["requested_by"])


def _result(context: Context, stage: str, partition: Partition) -> tuple[Build, bool]:
    """The build that a run's audit and publish are about, and whether this run made it."""
    result = context.ledger.result(context.run_id, stage, partition)
    if result is None:
        raise AuditFailed(f"{stage} {partition}: run {context.run_id} has built nothing yet", "clear the build first")
    return context.ledger.build(result.build_id), result.kind == "sealed"


def _unchanged(stage: str, partition: Partition, head: Build) -> str:
    return f"{stage} {partition}: already published by {head.run_id} from the same inputs, as build {head.build_id}"
