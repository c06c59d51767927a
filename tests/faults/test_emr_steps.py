"""Faults 1 to 8 and 10 to 13 of EMR steps: real workers and triggerers killed at named points, steps that really run.

The endpoint is moto with the step runner; scripts say when they begin and end, and who is at work beside them.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.airflow import is_taken
from local.api import wait_for
from local.services.service import REGION
from tests.faults.emr_town import BUCKET, Endpoint, Stage, Town, endpoint

HOOK = "settlement_airflow.hooks.emr_steps:EmrStepHook"
OPERATOR = "settlement_airflow.operators.emr_step:EmrHiveStepOperator"
SUBMIT = f"{HOOK}._submit"
ONCE = ["begun 0a", "ended 0a"]
SEALED = {"did": "success", "said": "sealed 0a"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as made:
        yield made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    made = endpoint(tmp_path_factory.mktemp("services"))
    made.up()
    try:
        made.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield made
    finally:
        made.stop()


@pytest.fixture
def town(served: Endpoint, stage: Stage, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    """A town with a cluster; at its end nothing of it is at work any more."""
    served.faults()
    made = Town(served, stage, tmp_path, request.node.name[:200])
    made.cluster()
    yield made
    served.faults()
    with contextlib.suppress(FileNotFoundError):
        made.open()
    made.emr.terminate_job_flows(JobFlowIds=made.clusters())
    wait_for(made.alive, lambda pids: not pids, "steps end with their cluster", 30)
    assert "beside" not in made.said(), "two steps of one task were at work at once"


def killed(do: Callable[..., Any], when: str, function: str, **more: Any) -> None:
    """Do something in a process that is killed at a point."""
    assert do(point={"when": when, "function": function}, **more) is None


# -- 1 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "function", "submitted"),
    [
        ("before", SUBMIT, 0),
        ("after", SUBMIT, 1),
        ("after", f"{HOOK}._only_one", 1),
        ("before", f"{OPERATOR}._wait_for", 1),
    ],
)
def test_1_a_worker_that_dies_around_the_submission_makes_no_second_step(
    town: Town, when: str, function: str, submitted: int
) -> None:
    town.close()
    killed(town.execute, when, function)
    assert len(town.states()) == submitted
    came = town.execute()
    assert came["did"] == "deferred"
    town.at_work()
    town.open()
    (event,) = town.watch(came)
    assert town.resume(came, event) == SEALED
    assert town.said() == ONCE


@pytest.mark.parametrize("how", ["lose", "refuse"])
def test_1_an_answer_that_is_lost_makes_no_second_step(town: Town, how: str) -> None:
    town.endpoint.faults({"action": "AddJobFlowSteps", "how": how})
    assert town.through() == SEALED
    assert town.said() == ONCE
    assert town.states() == ["COMPLETED"]
    town.endpoint.faults({"action": "AddJobFlowSteps", "how": "lose"})
    killed(town.execute, "before", f"{HOOK}._pause", attempt=8, build="0b")
    assert town.through(attempt=8, build="0b") == {"did": "success", "said": "sealed 0b"}
    assert town.said() == [*ONCE, "begun 0b", "ended 0b"]


def test_1_a_task_that_is_dispatched_twice_at_once_has_one_step(town: Town) -> None:
    town.close()
    workers = [town.start("execute", point=town.hold("before", SUBMIT)) for _ in range(2)]
    town.held(2)
    town.release()
    came = [worker.end() for worker in workers]
    assert [one["did"] for one in came] == ["deferred", "deferred"]
    assert came[0]["trigger"]["step"] == came[1]["trigger"]["step"]
    town.until("RUNNING", "CANCELLED")
    wait_for(town.alive, lambda pids: len(pids) == 1, "one is at work", 30)
    (town.folder / "said").unlink(missing_ok=True)  # for a moment there may have been two: EMR takes no client token


# -- 2 -------------------------------------------------------------------------------------------------------------------


def test_2_whoever_polls_may_die_the_step_is_found_again(town: Town) -> None:
    town.close()
    came = town.execute()
    town.at_work()
    watching = town.start("watch", all=[came])
    os.kill(watching.pid, signal.SIGKILL)  # the triggerer
    assert watching.end() is None
    retried = town.execute()  # the task was given up, and is tried again
    assert retried["trigger"] == {**came["trigger"], "until": pytest.approx(came["trigger"]["until"], abs=5)}
    watching = town.start("watch", all=[retried])
    town.open()
    (event,) = watching.end()
    for function in ("_end", "_told"):  # before the proof, and after it
        killed(lambda **more: town.resume(retried, event, **more), "before", f"{OPERATOR}.{function}")
    assert town.execute() == SEALED
    assert town.said() == ONCE


# -- 3 -------------------------------------------------------------------------------------------------------------------


def test_3_what_ended_while_nobody_watched_is_adopted(town: Town) -> None:
    came = town.execute()
    town.until("COMPLETED")
    assert town.execute() == SEALED, "a retry finds the result"
    (event,) = town.watch(came)
    assert town.resume(came, event) == SEALED, "and so does the wait, if it goes on after all"
    assert town.said() == ONCE


# -- 4 -------------------------------------------------------------------------------------------------------------------


def test_4_a_waiter_that_gets_no_answers_waits_on_and_no_second_step_is_begun(town: Town) -> None:
    town.close()
    came = town.execute()
    town.at_work()
    town.endpoint.faults({"action": "ListSteps", "how": "refuse", "times": 5})
    watching = town.start("watch", all=[came])
    wait_for(town.endpoint.requests, lambda asked: asked.get("ListSteps", 0) > 5, "it asks again", 120)
    town.open()
    (event,) = watching.end()
    assert event["state"] == "COMPLETED"
    assert town.resume(came, event) == SEALED
    assert town.said() == ONCE


# -- 5 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stubborn", [False, True])
def test_5_a_step_whose_time_is_over_is_ended_before_the_task_fails(town: Town, stubborn: bool) -> None:
    town.close()
    script = town.script(before='trap "" INT' if stubborn else "")
    came = town.through(script=script, timeout=3)
    assert came["did"] == "failed"
    assert "took longer than it may; it was cancelled and has ended" in came["said"]
    assert town.alive() == []
    assert town.states() == ["CANCELLED"]
    town.open()
    assert town.through(attempt=8, build="0b") == {"did": "success", "said": "sealed 0b"}
    assert town.said() == ["begun 0a", "begun 0b", "ended 0b"]


# -- 6 -------------------------------------------------------------------------------------------------------------------


def test_6_cleared_while_it_runs_ends_the_step_before_anything_new_starts(town: Town) -> None:
    town.close()
    worker = town.start("execute", point=town.hold("after", SUBMIT))
    town.held(1)
    town.at_work()
    os.kill(worker.pid, signal.SIGTERM)  # as Airflow does when a task is cleared or marked
    town.until("CANCELLED")
    assert town.alive() == []
    town.release()
    came = worker.end()
    assert came["did"] == "retry"
    assert "cleared, marked or stopped" in came["said"]
    town.open()
    assert town.through(attempt=8, build="0b") == {"did": "success", "said": "sealed 0b"}
    assert town.said() == ["begun 0a", "begun 0b", "ended 0b"]


@pytest.mark.parametrize("stubborn", [False, True])
def test_6_a_worker_killed_without_a_word_leaves_a_step_that_the_next_attempt_ends_first(town: Town, stubborn: bool) -> None:
    town.close()
    killed(town.execute, "after", SUBMIT, script=town.script(before='trap "" INT' if stubborn else ""))
    town.at_work()
    came = town.start("execute", attempt=8, build="0b").end()
    town.at_work(step="begun 0b")
    assert town.states() == ["CANCELLED", "RUNNING"]
    assert len(town.alive()) == 1
    town.open()
    (event,) = town.watch(came)
    assert town.resume(came, event, attempt=8, build="0b")["did"] == "success"
    assert town.said() == ["begun 0a", "begun 0b", "ended 0b"]


def test_6_an_attempt_that_was_cleared_and_wakes_up_late_harms_nobody(town: Town) -> None:
    town.close()
    old = town.start("execute", point=town.hold("before", SUBMIT))
    town.held(1)
    new = town.execute(attempt=8, build="0b")
    town.at_work(step="begun 0b")
    town.release()
    late = old.end()
    assert (late["did"], "overtaken" in late["said"]) == ("failed", True)
    assert "RUNNING" in town.states()
    town.open()
    (event,) = town.watch(new)
    assert town.resume(new, event, attempt=8, build="0b")["did"] == "success"
    (town.folder / "said").unlink()  # see above; each writes its own build, and the ledger takes the newer attempt's


# -- 7 -------------------------------------------------------------------------------------------------------------------


def test_7_killed_while_deferred_cancels_the_step(town: Town) -> None:
    town.close()
    came = town.execute()
    town.at_work()
    assert town.start("end_watch", waits=came, by="person", state="failed").end() == "ended"
    assert town.states() == ["CANCELLED"], "it has ended when the triggerer is done"
    assert town.alive() == []


@pytest.mark.parametrize("by", ["restart", "person"])
def test_7_a_triggerer_that_restarts_or_hands_over_leaves_the_step_at_work(town: Town, by: str) -> None:
    """`person`: what a triggerer is told by Airflow when another one has taken over; the task is still deferred."""
    town.close()
    came = town.execute()
    town.at_work()
    assert town.start("end_watch", waits=came, by=by, state="deferred").end() == "ended"
    assert town.states() == ["RUNNING"]
    town.open()
    (event,) = town.watch(came)
    assert town.resume(came, event) == SEALED
    assert town.said() == ONCE


# -- 8 -------------------------------------------------------------------------------------------------------------------


def test_8_a_retry_resumes_and_a_clear_starts_over(town: Town) -> None:
    town.close()
    first = town.execute()
    town.at_work()
    assert town.execute()["trigger"]["step"] == first["trigger"]["step"]
    cleared = town.execute(attempt=8, build="0b")
    assert cleared["trigger"]["step"] != first["trigger"]["step"]
    town.until("CANCELLED", "RUNNING")
    town.open()
    (event,) = town.watch(cleared)
    assert town.resume(cleared, event, attempt=8, build="0b")["did"] == "success"
    again = town.through(attempt=9, build="0c")
    assert again == {"did": "success", "said": "sealed 0c"}, "cleared after its success: computed anew"
    assert town.said() == ["begun 0a", "begun 0b", "ended 0b", "begun 0c", "ended 0c"]


def test_8_a_step_that_failed_is_begun_again_by_the_retry(town: Town) -> None:
    marker = town.folder / "failed-once"
    script = town.script(before=f"if [ ! -e {marker} ]; then touch {marker}; echo 'MetaException: gone' >&2; exit 2; fi")
    came = town.through(script=script)
    assert came["did"] == "retry"
    assert "MetaException: gone" in came["said"]
    assert "→ check that the metastore answers; nothing was published" in came["said"]
    assert town.through(script=script) == SEALED
    assert town.states() == ["FAILED", "COMPLETED"]


# -- 10 ------------------------------------------------------------------------------------------------------------------


def test_10_throttled_requests_are_backed_off_and_make_no_second_step(town: Town) -> None:
    faults = [{"action": action, "how": "throttle", "times": 2} for action in ("ListClusters", "ListSteps", "AddJobFlowSteps")]
    town.endpoint.faults(*faults)
    assert town.through() == SEALED
    assert town.said() == ONCE
    assert town.endpoint.requests()["AddJobFlowSteps"] == 3


def test_10_many_steps_are_looked_at_by_one_request(town: Town) -> None:
    town.close()
    cluster = town.cluster_id
    other = {"Name": "other", "ActionOnFailure": "CONTINUE", "HadoopJarStep": {"Jar": "command-runner.jar"}}
    ids = town.emr.add_job_flow_steps(JobFlowId=cluster, Steps=[other] * 10)["StepIds"]
    waits = [{"trigger": {"cluster": cluster, "step": step, "until": 4_000_000_000}} for step in ids]
    wait_for(town.states, lambda found: found == ["FAILED"] * 10, "they end by themselves", 60)
    town.endpoint.faults()
    events = town.watch(*waits)
    assert [event["state"] for event in events] == ["FAILED"] * 10
    assert town.endpoint.requests()["ListSteps"] == 1


# -- 11 ------------------------------------------------------------------------------------------------------------------


def test_11_after_its_cluster_was_replaced_the_step_is_begun_again_on_the_new_one(town: Town) -> None:
    town.close()
    came = town.execute()
    town.at_work()
    town.emr.terminate_job_flows(JobFlowIds=town.clusters())
    (event,) = town.watch(came)
    ended = town.resume(came, event)
    assert (ended["did"], "ended with its cluster" in ended["said"]) == ("retry", True)
    assert town.alive() == []
    new = town.cluster()
    town.open()
    retried = town.execute()
    assert retried["trigger"]["cluster"] == new
    (event,) = town.watch(retried)
    assert town.resume(retried, event) == SEALED
    assert town.said() == ["begun 0a", *ONCE]


def test_11_a_cluster_is_made_when_there_is_none_and_once_though_the_answer_is_lost(town: Town) -> None:
    town.emr.terminate_job_flows(JobFlowIds=town.clusters())
    town.endpoint.faults({"action": "RunJobFlow", "how": "lose"})
    assert town.through() == SEALED
    assert len(town.clusters()) == 2, "the old one and one new one"


def test_11_two_clusters_of_one_name_are_an_error_that_names_both(town: Town) -> None:
    town.cluster()
    came = town.execute()
    assert came["did"] == "failed"
    assert all(cluster in came["said"] for cluster in town.clusters())
    assert town.states() == []


def test_11_at_the_step_limit_the_task_tries_again_later(town: Town) -> None:
    town.close()
    others = [{"Name": "other", "HadoopJarStep": town.jar(town.script())}] * 256
    ids = town.emr.add_job_flow_steps(JobFlowId=town.cluster_id, Steps=others[:4])["StepIds"]
    town.at_work(count=4)  # as many as the cluster lets be
    ids += town.emr.add_job_flow_steps(JobFlowId=town.cluster_id, Steps=others[4:])["StepIds"]
    (town.folder / "said").unlink()  # these are of several tasks
    came = town.execute()
    assert (came["did"], "wait until other steps have ended" in came["said"]) == ("retry", True)
    town.emr.cancel_steps(ClusterId=town.cluster_id, StepIds=ids)
    wait_for(town.alive, lambda pids: not pids, "the others end", 30)
    town.open()
    assert town.through() == SEALED


# -- 12 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [(1, 2), (1, 2, 4), ()])
def test_12_exit_0_with_a_wrong_result_is_no_success(town: Town, rows: tuple[int, ...]) -> None:
    fixed = town.folder / "fixed"
    right = town.script()
    script = f"if [ -e {fixed} ]; then\n{right}\nelse\n{town.script(rows=rows)}\nfi\n"
    came = town.through(script=script)
    assert (came["did"], f"has {len(rows)} rows" in came["said"]) == ("retry", True)
    fixed.touch()
    assert town.through(script=script) == SEALED, "the retry doesn't adopt what wasn't proven"
    assert town.states() == ["COMPLETED", "COMPLETED"]


def test_12_exit_0_without_a_result_is_no_success(town: Town) -> None:
    came = town.through(script="exit 0\n")
    assert (came["did"], "there is no output of build 0a" in came["said"]) == ("retry", True)
    assert town.states() == ["COMPLETED"]


# -- 13 ------------------------------------------------------------------------------------------------------------------


def test_13_a_script_that_is_replaced_before_it_runs_is_noticed(town: Town) -> None:
    town.close()
    killed(town.execute, "before", SUBMIT)
    ((key, text),) = town.scripts()
    assert text == town.script()
    town.s3.put_object(Bucket=BUCKET, Key=key, Body=town.script(rows=(6, 0, 0)).encode())
    came = town.execute()
    assert (came["did"], "isn't what its name says" in came["said"]) == ("failed", True)
    assert town.states() == []


def test_13_a_script_that_is_replaced_while_its_step_waits_is_noticed_though_the_totals_fit(town: Town) -> None:
    town.emr.modify_cluster(ClusterId=town.cluster_id, StepConcurrencyLevel=1)
    town.close()
    gate = {"Name": "other", "HadoopJarStep": town.jar(f"while [ -e {town.folder}/gate ]; do sleep 0.05; done\n")}
    town.emr.add_job_flow_steps(JobFlowId=town.cluster_id, Steps=[gate])
    town.until("RUNNING")
    came = town.execute()
    key = next(key for key, text in town.scripts() if text == town.script())
    town.s3.put_object(Bucket=BUCKET, Key=key, Body=town.script(rows=(6, 0, 0)).encode())
    town.open()
    (event,) = town.watch(came)
    assert event["state"] == "COMPLETED"
    ended = town.resume(came, event)
    assert (ended["did"], "isn't what its name says" in ended["said"]) == ("failed", True)


def test_13_the_same_script_put_twice_is_one_object_that_is_never_written_again(town: Town) -> None:
    town.close()
    killed(town.execute, "before", SUBMIT)
    ((key, _),) = town.scripts()
    before = town.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"]
    town.execute()
    assert town.s3.head_object(Bucket=BUCKET, Key=key)["LastModified"] == before
    assert len(town.scripts()) == 1


# -- the endpoint itself -------------------------------------------------------------------------------------------------


def test_11_when_emr_has_forgotten_its_clusters_the_task_begins_again(town: Town) -> None:
    """The last of all: whatever the endpoint knew is gone. A real cluster is gone like that two months after its end."""
    town.close()
    came = town.execute()
    town.at_work()
    town.endpoint.kill()
    wait_for(town.alive, lambda pids: not pids, "steps end with the endpoint", 30)
    wait_for(lambda: is_taken(town.endpoint.port), lambda taken: not taken, "its port is free again", 30)
    town.endpoint.up()
    town.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    town.open()
    (event,) = town.watch(came)
    assert event["state"] == "GONE"
    ended = town.resume(came, event)
    assert (ended["did"], "is gone" in ended["said"]) == ("retry", True)
    assert town.through() == SEALED
    town.close()
