"""The step operator: waits deferred, believes only what it sees itself, and proves success by the output."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from settlement.errors import SettlementError
from settlement_airflow.hooks.emr_names import StepName
from settlement_airflow.links.emr_log import EmrStepLogLink, log_folder
from settlement_airflow.operators.emr_step import EmrHiveStepOperator, Prepared, Unproven
from tests.dags import emr_play
from tests.dags.emr_play import BUCKET, SCRIPT, Played, name, task_context

played = emr_play.played


@dataclass
class Work:
    """What a task has to do, played: `output` is there or not."""

    prepared: Prepared | str | Exception = field(default_factory=lambda: Prepared(name(), SCRIPT, proof={"rows": 3}))
    output: bool = True
    finished: list[tuple[StepName, dict[str, Any]]] = field(default_factory=list)

    def prepare(self, context: Any) -> Prepared | str:  # noqa: ARG002
        if isinstance(self.prepared, Exception):
            raise self.prepared
        return self.prepared

    def finish(self, context: Any, name: StepName, proof: dict[str, Any]) -> str:  # noqa: ARG002
        if not self.output:
            raise Unproven("partition dt=2026-02-28 isn't there")
        self.finished.append((name, proof))
        return "ods 2026-02-28: sealed build 0a"


def operator(work: Work, **others: Any) -> EmrHiveStepOperator:
    return EmrHiveStepOperator(task_id="build", work=work, **others)


def deferred(work: Work, context: dict[str, Any] | None = None, **others: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        operator(work, **others).execute(context or task_context())
    return raised.value


def resumed(work: Work, waits: TaskDeferred, state: str = "COMPLETED") -> str:
    """What the task comes to, in another process: only what can be written down is carried over."""
    _, arguments = waits.trigger.serialize()
    event = {"cluster": arguments["cluster"], "step": arguments["step"], "state": state}
    kwargs = json.loads(json.dumps(waits.kwargs))
    answer = operator(work).resume_execution(waits.method_name, {"event": event, **kwargs}, task_context())
    assert isinstance(answer, str)
    return answer


def test_it_submits_waits_deferred_and_ends_with_the_proof(played: Played) -> None:
    cluster, work = played.cluster(), Work()
    waits = deferred(work)
    path, arguments = waits.trigger.serialize()
    (step,) = played.steps()
    assert path.endswith("EmrStepTrigger")
    assert (arguments["cluster"], arguments["step"]) == (cluster, step)
    assert waits.timeout is None, "Airflow's own time-out would leave the step at work"
    played.becomes(step, "COMPLETED")
    assert resumed(work, waits) == "ods 2026-02-28: sealed build 0a"
    assert work.finished == [(name(), {"rows": 3})]


def test_when_nothing_is_to_be_run_it_says_why(played: Played) -> None:
    assert operator(Work("ods 2026-02-28: already published")).execute(task_context()) == "ods 2026-02-28: already published"
    assert played.clusters() == []


def test_what_completed_while_nobody_watched_is_adopted_without_waiting(played: Played) -> None:
    played.step(played.cluster(), name(), "COMPLETED")
    assert operator(Work()).execute(task_context()) == "ods 2026-02-28: sealed build 0a"
    assert len(played.steps()) == 1


def test_a_step_that_ended_well_without_its_output_isn_t_a_success(played: Played) -> None:
    played.cluster()
    work = Work(output=False)
    waits = deferred(work)
    (first,) = played.steps()
    played.becomes(first, "COMPLETED")
    with pytest.raises(Unproven, match="isn't there"):
        resumed(work, waits)
    deferred(work)  # the retry finds it completed and unproven, and runs it again
    assert sorted(played.steps().values()) == ["COMPLETED", "PENDING"]


def test_a_script_that_was_replaced_while_its_step_waited_proves_nothing(played: Played) -> None:
    played.cluster()
    work = Work()
    waits = deferred(work)
    (step,) = played.steps()
    (key,) = [entry["Key"] for entry in played.s3.list_objects_v2(Bucket=BUCKET, Prefix="scripts/")["Contents"]]
    played.s3.put_object(Bucket=BUCKET, Key=key, Body=b"another")
    played.becomes(step, "COMPLETED")
    with pytest.raises(AirflowFailException, match="isn't what its name says"):
        resumed(work, waits)
    assert work.finished == []


def test_the_trigger_s_word_isn_t_believed(played: Played) -> None:
    played.cluster()
    work = Work()
    waits = deferred(work)
    (step,) = played.steps()
    with pytest.raises(TaskDeferred):
        resumed(work, waits, "COMPLETED")
    played.becomes(step, "FAILED", Reason="Unknown Error.", Message="x")
    with pytest.raises(AirflowException, match="failed: x"):
        resumed(work, waits, "COMPLETED")
    assert work.finished == []


def test_a_step_of_another_name_is_never_taken_for_ours(played: Played) -> None:
    cluster, work = played.cluster(), Work()
    waits = deferred(work)
    other = played.step(cluster, name(9, "0c"), "COMPLETED")
    waits.trigger.step = other
    with pytest.raises(AirflowFailException, match="clear the task"):
        resumed(work, waits)
    assert work.finished == []


@pytest.mark.parametrize(
    ("said", "kind", "hint"),
    [
        ("FAILED: SemanticException [Error 10001]: Table not found", AirflowFailException, "correct the script"),
        ("FAILED: ParseException line 1:0", AirflowFailException, "correct the script"),
        ("MetaException(message:x)", AirflowException, "check that the metastore answers"),
        ("com.amazonaws.services.s3.model.AmazonS3Exception: NoSuchBucket", AirflowException, "make the bucket"),
        ("java.lang.OutOfMemoryError", AirflowException, "raise SETTLEMENT_EMR_MAX_UNITS"),
        ("a container was lost", AirflowException, "see the log"),
    ],
)
def test_a_failure_carries_emr_s_words_the_log_s_end_and_what_to_do(
    played: Played, said: str, kind: type[Exception], hint: str
) -> None:
    cluster, work = played.cluster(), Work()
    waits = deferred(work)
    (step,) = played.steps()
    log = "x" * 5_000 + f"\n{said}\n"
    played.s3.put_object(Bucket=BUCKET, Key=f"logs/{cluster}/steps/{step}/stderr.gz", Body=gzip.compress(log.encode()))
    played.becomes(step, "FAILED", Reason="Unknown Error.", Message="exit 3")
    with pytest.raises(AirflowException) as raised:
        resumed(work, waits)
    text = str(raised.value)
    assert type(raised.value) is kind
    assert all(part in text for part in (str(name()), step, cluster, "exit 3", said, f"→ {hint}"))
    assert len(text) < 3_000


def test_a_log_that_isn_t_there_yet_is_named(played: Played) -> None:
    cluster, work = played.cluster(), Work()
    waits = deferred(work)
    (step,) = played.steps()
    played.becomes(step, "FAILED")
    with pytest.raises(AirflowException, match=rf"within some minutes: s3://{BUCKET}/logs/{cluster}/steps/{step}/stderr.gz"):
        resumed(work, waits)


def test_a_step_that_somebody_ended_isn_t_run_again_by_itself(played: Played) -> None:
    played.cluster()
    work = Work()
    waits = deferred(work)
    (step,) = played.steps()
    played.becomes(step, "CANCELLED")
    with pytest.raises(AirflowFailException, match="somebody else ended"):
        resumed(work, waits, "CANCELLED")


def test_a_step_that_ended_with_its_cluster_or_is_gone_with_it_is_tried_again(played: Played) -> None:
    cluster, work = played.cluster(), Work()
    waits = deferred(work)
    (step,) = played.steps()
    played.becomes(step, "CANCELLED")
    played.ended(cluster)
    with pytest.raises(AirflowException, match="ended with its cluster") as raised:
        resumed(work, waits, "CANCELLED")
    assert not isinstance(raised.value, AirflowFailException)
    waits.trigger.cluster = "j-GONE"
    with pytest.raises(AirflowException, match="cluster j-GONE is gone") as raised:
        resumed(work, waits, "GONE")
    assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.parametrize("state", ["LATE", "COMPLETED"])
def test_a_step_that_takes_too_long_is_cancelled_and_has_ended_before_the_task_fails(played: Played, state: str) -> None:
    played.cluster()
    work = Work()
    waits = deferred(work, timeout=timedelta(hours=-1) if state == "COMPLETED" else timedelta(hours=1))
    with pytest.raises(AirflowFailException, match="took longer than it may; it was cancelled and has ended"):
        resumed(work, waits, state)
    assert list(played.steps().values()) == ["CANCELLED"]


def test_the_time_of_a_step_counts_from_its_submission_for_a_retry_too(played: Played) -> None:
    played.cluster()
    first = deferred(Work(), timeout=timedelta(hours=2)).trigger.until
    assert deferred(Work(), timeout=timedelta(hours=2)).trigger.until == pytest.approx(first, abs=1)
    assert 7_190 < first - time.time() < 7_210


def test_a_refusal_of_the_settlement_fails_for_good(played: Played) -> None:
    with pytest.raises(AirflowFailException, match=r"(?s)SettlementError: the month is closed.*→ restate it"):
        operator(Work(SettlementError("the month is closed", "restate it"))).execute(task_context())
    assert played.clusters() == []


def test_a_kill_reaches_the_step_and_before_there_is_one_does_nothing(played: Played) -> None:
    played.cluster()
    task = operator(Work())
    task.on_kill()
    with pytest.raises(TaskDeferred):
        task.execute(task_context())
    task.on_kill()
    assert list(played.steps().values()) == ["CANCELLED"]


def test_the_links_go_to_the_cluster_and_to_the_step_s_own_log(played: Played) -> None:
    cluster, context = played.cluster(), task_context()
    deferred(Work(), context)
    (step,) = played.steps()
    pushed = context["ti"].pushed
    assert pushed["emr_cluster"]["job_flow_id"] == cluster
    assert EmrStepLogLink().format_link(**pushed["emr_step_log"]) == (
        f"https://console.aws.amazon.com/s3/buckets/settlement-dev-lake?region=ap-northeast-2&prefix=logs/{cluster}/steps/{step}/"
    )
    assert log_folder("s3n://b/", "j-1", "s-1") == ("b", "j-1/steps/s-1/")
    assert EmrStepLogLink().format_link(bucket="", prefix="", region_name="x", aws_domain="y") == ""


def test_a_dag_with_such_a_task_serialises() -> None:
    from airflow.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("emr", schedule=None) as dag:
        operator(Work())
    assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == "emr"
