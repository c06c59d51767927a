"""Steps found again by name: attached to, adopted, cancelled, submitted; never two of one task."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from settlement.settings_emr import emr_settings
from settlement_airflow.hooks.emr_clusters import EmrClusterHook
from settlement_airflow.hooks.emr_names import Step, StepName, run_token
from settlement_airflow.hooks.emr_objects import sha256
from settlement_airflow.hooks.emr_steps import EmrStepHook, Stopped
from tests.dags import emr_play
from tests.dags.emr_play import BUCKET, SCRIPT, Played, name

played = emr_play.played
LIVE = ("PENDING", "RUNNING")


def hook(then: Callable[[], object] = lambda: None) -> EmrStepHook:
    """A hook whose pauses take no time; `then` happens in each."""
    return EmrStepHook(sleep=lambda _: then() and None)


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partition", ["2026-02-28", "2026-02", "2026-02v3"])
def test_a_name_is_read_back_as_it_was(partition: str) -> None:
    made = name(partition=partition)
    assert StepName.parse(str(made)) == made
    assert len(str(made)) <= 256, "EMR takes no longer names"


def test_a_name_says_what_whose_and_which_text() -> None:
    assert str(name()) == f"settlement/dev/ods/2026-02-28/{run_token('settlement_daily/manual__1')}/7-0a/{sha256(SCRIPT)[:16]}"


@pytest.mark.parametrize("text", ["", "daily", "settlement/dev", f"{'settlement/dev/ods/2026-02-28/x/7-0a/'}{'0' * 16}"])
def test_steps_of_others_have_no_such_name(text: str) -> None:
    assert StepName.parse(text) is None


@pytest.mark.parametrize("off", [{"stage": "a/b"}, {"partition": "2026-02-28/x"}, {"env": ""}, {"build_id": "../x"}])
def test_a_part_that_would_break_the_name_is_refused(off: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is no name of a step"):
        name(**off)


# -- submitting --------------------------------------------------------------------------------------------------------


def test_a_step_is_submitted_once_and_found_by_its_name_afterwards(played: Played) -> None:
    cluster = played.cluster()
    first = hook().ensure(name(), SCRIPT)
    assert (first.how, first.step.cluster) == ("submitted", cluster)
    again = hook().ensure(name(), SCRIPT)
    assert (again.how, again.step.id) == ("attached", first.step.id)
    played.becomes(first.step.id, "COMPLETED")
    adopted = hook().ensure(name(), SCRIPT)
    assert (adopted.how, adopted.step.id) == ("adopted", first.step.id)
    assert len(played.steps()) == 1


def test_the_script_travels_as_an_object_of_its_hash_and_runs_whatever_became_of_other_steps(played: Played) -> None:
    cluster = played.cluster()
    hook().ensure(name(), SCRIPT)
    (step,) = played.emr.list_steps(ClusterId=cluster)["Steps"]
    address = f"s3://{BUCKET}/scripts/{sha256(SCRIPT)}.hql"
    assert step["Config"]["Args"] == ["hive-script", "--run-hive-script", "--args", "-f", address]
    assert step["ActionOnFailure"] == "CONTINUE"
    body = played.s3.get_object(Bucket=BUCKET, Key=f"scripts/{sha256(SCRIPT)}.hql")["Body"].read()
    assert body.decode() == SCRIPT


def test_a_script_that_was_replaced_under_its_hash_isn_t_run(played: Played) -> None:
    played.cluster()
    played.s3.put_object(Bucket=BUCKET, Key=f"scripts/{sha256(SCRIPT)}.hql", Body=b"DROP TABLE x;")
    with pytest.raises(AirflowFailException, match="isn't what its name says"):
        hook().ensure(name(), SCRIPT)
    assert played.steps() == {}
    with pytest.raises(ValueError, match="isn't about this script"):
        hook().ensure(name(), "another text")


def test_a_bucket_that_is_missing_is_named_with_what_to_do(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    played.cluster()
    monkeypatch.setenv("SETTLEMENT_EMR_SCRIPTS", "s3://settlement-dev-gone/scripts")
    emr_settings.cache_clear()
    with pytest.raises(AirflowFailException, match=r"(?s)settlement-dev-gone.*NoSuchBucket.*→ make the bucket"):
        hook().ensure(name(), SCRIPT)


# -- what is found -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "INTERRUPTED"])
def test_a_step_that_came_to_nothing_is_submitted_again(played: Played, state: str) -> None:
    old = played.step(played.cluster(), name(), state)
    assert hook().ensure(name(), SCRIPT).step.id != old


def test_a_live_step_counts_more_than_a_completed_one_and_the_last_completed_more_than_the_first(played: Played) -> None:
    cluster = played.cluster()
    played.step(cluster, name(), "COMPLETED")
    last = played.step(cluster, name(), "COMPLETED")
    assert hook().ensure(name(), SCRIPT).step.id == last
    live = played.step(cluster, name(), "RUNNING")
    assert hook().ensure(name(), SCRIPT).step.id == live


def test_a_result_that_isn_t_there_is_computed_again_once(played: Played) -> None:
    old = played.step(played.cluster(), name(), "COMPLETED")
    made = hook().ensure(name(), SCRIPT, again=True)
    assert (made.how, made.step.id != old) == ("submitted", True)
    assert hook().ensure(name(), SCRIPT, again=True).step.id == made.step.id


@pytest.mark.parametrize("state", LIVE)
def test_what_older_attempts_left_has_ended_before_anything_new_is_submitted(played: Played, state: str) -> None:
    cluster = played.cluster()
    orphans = [played.step(cluster, name(attempt, f"0{attempt}"), state) for attempt in (3, 5)]
    seen: list[dict[str, str]] = []

    def later() -> None:
        seen.append(played.steps())
        for orphan in orphans:
            played.becomes(orphan, "CANCELLED")

    made = hook(later).ensure(name(), SCRIPT)
    assert {played.steps()[orphan] for orphan in orphans} == {"CANCELLED"}
    assert all(set(steps) == set(orphans) for steps in seen), "nothing new beside them"
    assert made.step.id not in orphans
    assert bool(seen) == (state == "RUNNING"), "a waiting step is cancelled at once"


def test_an_orphan_that_doesn_t_end_is_pressed_and_nothing_is_started_beside_it(played: Played) -> None:
    orphan = played.step(played.cluster(), name(3, "03"), "RUNNING")
    chosen = emr_settings().model_copy(update={"confirm_seconds": 0.3})
    patient = EmrStepHook(chosen, sleep=lambda _: None)
    with pytest.raises(AirflowException, match=r"(?s)still at work after.*nothing new was started") as raised:
        patient.ensure(name(), SCRIPT)
    assert type(raised.value) is AirflowException, "another try may find it ended"
    assert played.steps() == {orphan: "CANCEL_PENDING"}
    (step,) = next(iter(played.clusters())).steps
    assert step.cancellation == "TERMINATE_PROCESS"


def test_a_step_that_somebody_cancelled_isn_t_attached_to(played: Played) -> None:
    ending = played.step(played.cluster(), name(), "CANCEL_PENDING")
    made = hook(lambda: played.becomes(ending, "CANCELLED")).ensure(name(), SCRIPT)
    assert made.step.id != ending
    assert played.steps()[ending] == "CANCELLED", "it has ended before the new one was submitted"


def test_steps_of_other_runs_partitions_and_programs_are_let_be(played: Played) -> None:
    cluster = played.cluster()
    others = [
        played.step(cluster, name(3, run="settlement_daily/scheduled__1"), "RUNNING"),
        played.step(cluster, name(3, partition="2026-02-27"), "RUNNING"),
        played.step(cluster, name(3, stage="daily"), "RUNNING"),
        played.step(cluster, name(3, env="staging"), "RUNNING"),
        played.step(cluster, "somebody else's", "RUNNING"),
    ]
    hook().ensure(name(), SCRIPT)
    assert {played.steps()[other] for other in others} == {"RUNNING"}


@pytest.mark.parametrize("state", [*LIVE, "COMPLETED"])
def test_an_attempt_that_was_overtaken_touches_nothing(played: Played, state: str) -> None:
    newer = played.step(played.cluster(), name(8, "0b"), state)
    with pytest.raises(AirflowFailException, match="overtaken by a newer attempt"):
        hook().ensure(name(), SCRIPT)
    assert played.steps() == {newer: state}


def test_an_attempt_that_is_overtaken_while_it_submits_takes_its_step_back(played: Played) -> None:
    cluster = played.cluster()
    late = hook()
    submit = late._submit

    def overtaken(*arguments: Any) -> Step:
        played.step(cluster, name(8, "0b"), "RUNNING")
        return submit(*arguments)

    late._submit = overtaken  # type: ignore[method-assign]
    with pytest.raises(AirflowFailException, match="overtaken"):
        late.ensure(name(), SCRIPT)
    assert sorted(played.steps().values()) == ["CANCELLED", "RUNNING"]


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETED"])
def test_of_two_that_submit_at_the_same_moment_both_keep_the_older_step(played: Played, state: str) -> None:
    cluster = played.cluster()
    second = hook()
    submit = second._submit
    first = ""

    def after_another(*arguments: Any) -> Step:
        nonlocal first
        first = played.step(cluster, name(), state)
        return submit(*arguments)

    second._submit = after_another  # type: ignore[method-assign]
    kept = second.ensure(name(), SCRIPT)
    assert kept.step.id == first
    assert kept.how == ("attached" if state == "RUNNING" else "adopted")
    assert sorted(played.steps().values()) == sorted(["CANCELLED", state])


def test_all_pages_are_read_and_no_more_than_the_attempt_s_own_time(played: Played) -> None:
    cluster = played.cluster()
    mine = played.step(cluster, name(), "COMPLETED")
    for number in range(250):
        played.step(cluster, f"other {number}", "COMPLETED")
    assert hook().ensure(name(), SCRIPT).step.id == mine
    pages: list[int] = []
    asked = hook()
    asked.clusters.client().meta.events.register(
        "after-call.emr.ListSteps", lambda parsed, **_: pages.append(len(parsed["Steps"]))
    )
    asked.ensure(name(), SCRIPT, since=datetime.now(UTC) + timedelta(hours=1))
    assert pages[:2] == [0, 50], "none at work; of the completed ones the newest page"
    assert len(pages) == 4, "and the same once more after the submission"


# -- answers that are lost -----------------------------------------------------------------------------------------------


def client_error(code: str, status: int, message: str = "x") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "AddJobFlowSteps"
    )


LOST = [
    client_error("InternalServerError", 500),
    client_error("503", 503),
    ReadTimeoutError(endpoint_url="x"),
    ConnectionClosedError(endpoint_url="x"),
]


def failing(of: EmrStepHook, error: Exception, times: int, done: bool) -> None:
    """Have the next submissions fail, after they were done or without."""
    client = of.clusters.client("once")
    real, left = client.add_job_flow_steps, [error] * times

    def submit(**request: Any) -> Any:
        if not left:
            return real(**request)
        if done:
            real(**request)
        raise left.pop()

    client.add_job_flow_steps = submit


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("done", [True, False])
def test_after_a_lost_answer_it_looks_before_it_asks_again(played: Played, error: Exception, done: bool) -> None:
    played.cluster()
    asking = hook()
    failing(asking, error, 1, done)
    assert asking.ensure(name(), SCRIPT).how == ("attached" if done else "submitted")
    assert len(played.steps()) == 1


@pytest.mark.parametrize(
    "error", [client_error("ThrottlingException", 400, "Rate exceeded"), EndpointConnectionError(endpoint_url="x")]
)
def test_a_request_that_had_no_effect_is_made_again_some_times(played: Played, error: Exception) -> None:
    played.cluster()
    asking = hook()
    failing(asking, error, 4, done=False)
    assert asking.ensure(name(), SCRIPT).how == "submitted"
    asking = hook()
    failing(asking, error, 5, done=False)
    with pytest.raises(AirflowException, match="could not be submitted in 5 tries") as raised:
        asking.ensure(name(8, "0b"), SCRIPT)
    assert type(raised.value) is AirflowException


def test_the_client_that_submits_repeats_nothing_by_itself(played: Played) -> None:
    clusters = EmrClusterHook()
    asking = hook()
    played.cluster()
    asking.ensure(name(), SCRIPT)
    assert asking.clusters.client("once").meta.config.retries["total_max_attempts"] == 1
    assert clusters.client().meta.config.retries == {"mode": "adaptive", "total_max_attempts": 8}


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException"]
)
def test_keys_that_aren_t_taken_fail_for_good_and_say_what_to_check(played: Played, code: str) -> None:
    played.cluster()
    asking = hook()
    failing(asking, client_error(code, 400), 1, done=False)
    with pytest.raises(AirflowFailException, match=rf"(?s){code}.*check the keys or the role"):
        asking.ensure(name(), SCRIPT)


# -- clusters ------------------------------------------------------------------------------------------------------------


def test_at_the_step_limit_it_says_so_and_tries_again_later(played: Played) -> None:
    cluster = played.cluster()
    for number in range(256):
        played.step(cluster, f"other {number}")
    with pytest.raises(
        AirflowException, match=r"(?s)Maximum number of active steps.*→ wait until other steps have ended"
    ) as raised:
        hook().ensure(name(), SCRIPT)
    assert not isinstance(raised.value, AirflowFailException)


def test_two_clusters_of_one_name_are_both_named_and_nothing_is_touched(played: Played) -> None:
    first, second = played.cluster(), played.cluster()
    orphan = played.step(first, name(3, "03"), "RUNNING")
    with pytest.raises(AirflowFailException, match=r"share the name settlement-dev") as raised:
        hook().ensure(name(), SCRIPT)
    assert first in str(raised.value)
    assert second in str(raised.value)
    assert played.steps() == {orphan: "RUNNING"}


def test_after_the_cluster_ended_its_completed_step_is_still_adopted(played: Played) -> None:
    old = played.cluster()
    done = played.step(old, name(), "COMPLETED")
    played.ended(old)
    played.cluster()
    assert hook().ensure(name(), SCRIPT).step.id == done


def test_a_step_of_a_cluster_that_ends_has_ended_before_the_next_cluster_gets_it(played: Played) -> None:
    old = played.cluster()
    step = played.step(old, name(), "RUNNING")
    played.ended(old, "TERMINATING")
    new = played.cluster()
    made = hook(lambda: played.becomes(step, "CANCELLED")).ensure(name(), SCRIPT)
    assert (made.how, made.step.cluster) == ("submitted", new)
    assert played.steps()[step] == "CANCELLED"


def test_without_a_cluster_one_is_made(played: Played) -> None:
    made = hook().ensure(name(), SCRIPT)
    (cluster,) = played.emr.list_clusters()["Clusters"]
    assert (made.step.cluster, cluster["Name"]) == (cluster["Id"], "settlement-dev")


# -- stopping ------------------------------------------------------------------------------------------------------------


def test_stopping_cancels_what_was_submitted_even_if_nobody_knows_its_id_yet(played: Played) -> None:
    cluster = played.cluster()
    stopped = hook()
    client = stopped.clusters.client("once")
    real = client.add_job_flow_steps

    def interrupted(**request: Any) -> Any:
        answer = real(**request)
        stopped.stop()  # the signal comes before the answer is looked at
        return answer

    client.add_job_flow_steps = interrupted
    with pytest.raises(Stopped):
        stopped.ensure(name(), SCRIPT)
    assert list(played.steps().values()) == ["CANCELLED"]
    played.step(cluster, "other", "RUNNING")
    stopped.stop()
    assert sorted(played.steps().values()) == ["CANCELLED", "RUNNING"]


def test_nothing_is_submitted_after_it_was_stopped(played: Played) -> None:
    played.cluster()
    stopped = hook()
    stopped.stop()  # before there was anything: does nothing
    with pytest.raises(Stopped):
        stopped.ensure(name(), SCRIPT)
    assert played.steps() == {}
