"""The trigger of a step: one look for many steps, and a kill that can be told from a restart."""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.jobs.triggerer_job_runner import TriggerRunner
from botocore.exceptions import ClientError

from settlement.settings_emr import emr_settings
from settlement_airflow.triggers import emr_wait
from settlement_airflow.triggers.emr_wait import EmrStepTrigger
from tests.dags import emr_play
from tests.dags.emr_play import Played, name

played = emr_play.played
FAR = 4_102_444_800.0  # in the year 2100: no run of all tests takes that long
Answer = Callable[[str, list[str]], dict[str, str]]


class Looks:
    """A played EMR for the triggerer: what it was asked, and how long it was left in peace before."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[list[str]] = []
        self.slept: list[float] = []
        self.clients = 0
        self._answer = answer
        self._sleep = asyncio.sleep

    async def list_steps(self, ClusterId: str, StepIds: list[str]) -> dict[str, Any]:  # noqa: N803  # boto's names
        self.asked.append(StepIds)
        states = self._answer(ClusterId, StepIds)
        return {"Steps": [{"Id": step, "Status": {"State": state}} for step, state in states.items()]}

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[Looks]:
        self.clients += 1
        yield self

    async def get_async_conn(self) -> Any:
        return self._client()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._sleep(0)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], Looks]]:
    def put(answer: Answer) -> Looks:
        made = Looks(answer)
        monkeypatch.setattr(emr_wait, "emr", lambda *_: made)
        monkeypatch.setattr(emr_wait.asyncio, "sleep", made.sleep)
        return made

    monkeypatch.setenv("SETTLEMENT_EMR_POLL_SECONDS", "30")
    emr_settings.cache_clear()
    yield put
    emr_settings.cache_clear()


async def fired(*triggers: EmrStepTrigger) -> list[dict[str, Any]]:
    """What each of the triggers fires, in one triggerer."""

    async def one(trigger: EmrStepTrigger) -> dict[str, Any]:
        (event,) = [event async for event in trigger.run()]
        payload: dict[str, Any] = event.payload
        return payload

    return list(await asyncio.gather(*map(one, triggers)))


def test_a_trigger_is_the_same_after_it_was_written_down() -> None:
    path, arguments = EmrStepTrigger("j-1", "s-1", 7.5).serialize()
    module, _, called = path.rpartition(".")
    again = getattr(importlib.import_module(module), called)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, {"cluster": "j-1", "step": "s-1", "until": 7.5})


def test_it_fires_once_when_the_step_has_ended_and_never_at_once(looks: Callable[[Answer], Looks]) -> None:
    states = iter(["PENDING", "RUNNING", "CANCEL_PENDING", "COMPLETED"])
    emr = looks(lambda _, ids: {ids[0]: next(states)})
    assert asyncio.run(fired(EmrStepTrigger("j-1", "s-1", FAR))) == [{"cluster": "j-1", "step": "s-1", "state": "COMPLETED"}]
    assert len(emr.asked) == 4
    assert len(emr.slept) == 4, "before every look, also the first"
    assert all(27 <= seconds <= 33 for seconds in emr.slept)
    assert len(set(emr.slept)) > 1, "with jitter"


def test_all_steps_of_a_cluster_are_looked_at_together_ten_by_ten(looks: Callable[[Answer], Looks]) -> None:
    emr = looks(lambda _, ids: dict.fromkeys(ids, "COMPLETED"))
    triggers = [EmrStepTrigger("j-1", f"s-{number:02}", FAR) for number in range(25)]
    events = asyncio.run(fired(*triggers, EmrStepTrigger("j-1", "s-07", FAR), EmrStepTrigger("j-2", "s-99", FAR)))
    assert [event["state"] for event in events] == ["COMPLETED"] * 27
    assert sorted(map(len, emr.asked)) == [1, 5, 10, 10]
    assert emr.clients == 2, "one for each cluster"


def test_a_step_that_comes_during_the_pause_has_its_whole_pause_too(looks: Callable[[Answer], Looks]) -> None:
    late: list[asyncio.Task[Any]] = []

    def answer(_: str, ids: list[str]) -> dict[str, str]:
        return dict.fromkeys(ids, "COMPLETED" if len(emr.asked) > 1 else "RUNNING")

    emr = looks(answer)
    sleep = emr.sleep

    async def joined(seconds: float) -> None:
        if not late:
            late.append(asyncio.create_task(fired(EmrStepTrigger("j-1", "s-2", FAR))))
        for _ in range(20):
            await sleep(seconds)

    async def both() -> None:
        await fired(EmrStepTrigger("j-1", "s-1", FAR))
        await late[0]

    emr_wait.asyncio.sleep = joined  # type: ignore[assignment]  # undone with the fixture's own
    asyncio.run(both())
    assert emr.asked[:2] == [["s-1"], ["s-1", "s-2"]]


def test_while_emr_throttles_it_waits_twice_as_long_each_time_and_goes_on(looks: Callable[[Answer], Looks]) -> None:
    errors = [ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "ListSteps")] * 5

    def answer(_: str, ids: list[str]) -> dict[str, str]:
        if errors:
            raise errors.pop()
        return {ids[0]: "FAILED"}

    emr = looks(answer)
    assert asyncio.run(fired(EmrStepTrigger("j-1", "s-1", FAR)))[0]["state"] == "FAILED"
    waits = [seconds for seconds in emr.slept if seconds in (60, 120, 240, 300)]
    assert waits == [60, 120, 240, 300, 300]


def test_a_step_whose_cluster_is_gone_or_that_nobody_knows_is_gone(looks: Callable[[Answer], Looks]) -> None:
    def refused(_: str, __: list[str]) -> dict[str, str]:
        raise ClientError({"Error": {"Code": "InvalidRequestException", "Message": "not valid"}}, "ListSteps")

    looks(refused)
    assert asyncio.run(fired(EmrStepTrigger("j-1", "s-1", FAR)))[0]["state"] == "GONE"
    looks(lambda *_: {})
    assert asyncio.run(fired(EmrStepTrigger("j-2", "s-1", FAR)))[0]["state"] == "GONE"


def test_a_step_that_takes_too_long_is_reported_and_left_to_the_worker(looks: Callable[[Answer], Looks]) -> None:
    looks(lambda _, ids: {ids[0]: "RUNNING"})
    assert asyncio.run(fired(EmrStepTrigger("j-1", "s-1", time.time() - 5)))[0]["state"] == "LATE"


def test_a_trigger_that_is_taken_away_leaves_the_others_their_watch(looks: Callable[[Answer], Looks]) -> None:
    over = False
    looks(lambda _, ids: dict.fromkeys(ids, "COMPLETED" if over else "RUNNING"))

    async def both() -> list[dict[str, Any]]:
        nonlocal over
        first = asyncio.create_task(fired(EmrStepTrigger("j-1", "s-1", FAR)))
        second = asyncio.create_task(fired(EmrStepTrigger("j-1", "s-2", FAR)))
        for _ in range(20):
            await asyncio.sleep(0)
        first.cancel()
        over = True
        return await second

    assert asyncio.run(both())[0]["step"] == "s-2"


# -- the ways a trigger ends, by the triggerer's own code ----------------------------------------------------------------


@pytest.fixture
def step(played: Played, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A step at work; it ends as soon as it is cancelled."""
    cluster = played.cluster()
    made = played.step(cluster, name())  # waiting: the played EMR cancels it at once
    monkeypatch.setattr(emr_wait, "emr", lambda *_: Looks(lambda _, ids: {ids[0]: "RUNNING"}))
    return cluster, made


def end(trigger: EmrStepTrigger, how: Callable[[TriggerRunner, Any], Awaitable[None]], state: str | Exception) -> None:
    """Run a trigger in Airflow's runner and end it; `state` is the task's in Airflow then."""
    trigger.task_instance = SimpleNamespace(  # type: ignore[assignment]
        id="1", dag_id="d", task_id="ods.build", run_id="r", try_number=1, map_index=-1, context_carrier=None
    )

    def states(**asked: Any) -> dict[str, Any]:
        assert asked == {"dag_id": "d", "task_ids": ["ods.build"], "run_ids": ["r"], "map_index": -1}
        if isinstance(state, Exception):
            raise state
        return {"r": {"ods.build": state}}

    async def run() -> None:
        runner = TriggerRunner()
        task = asyncio.create_task(runner.run_trigger(1, trigger))
        runner.triggers[1] = {"task": task, "is_watcher": False, "name": "x", "events": 0}  # type: ignore[typeddict-item]
        for _ in range(20):
            await asyncio.sleep(0.01)
        await how(runner, task)
        with pytest.raises(asyncio.CancelledError):
            await task

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(emr_wait.RuntimeTaskInstance, "get_task_states", staticmethod(states))
        asyncio.run(run())


async def by_a_person(runner: TriggerRunner, _: Any) -> None:
    runner.to_cancel = deque([1])
    await runner.cancel_triggers()


async def by_a_restart(_: TriggerRunner, task: Any) -> None:
    task.cancel()


@pytest.mark.parametrize("state", ["failed", "success", "scheduled", "running", None, RuntimeError("no answer")])
def test_killed_while_deferred_cancels_the_step(played: Played, step: tuple[str, str], state: Any) -> None:
    end(EmrStepTrigger(*step, FAR), by_a_person, state)
    assert list(played.steps().values()) == ["CANCELLED"]


def test_a_triggerer_that_restarts_leaves_the_step_at_work(played: Played, step: tuple[str, str]) -> None:
    end(EmrStepTrigger(*step, FAR), by_a_restart, "deferred")
    assert list(played.steps().values()) == ["PENDING"]


def test_a_trigger_that_another_triggerer_has_taken_over_leaves_the_step_at_work(played: Played, step: tuple[str, str]) -> None:
    """Airflow tells the first one that a person had acted."""
    end(EmrStepTrigger(*step, FAR), by_a_person, "deferred")
    assert list(played.steps().values()) == ["PENDING"]


def test_killing_a_step_that_has_ended_or_is_gone_does_nothing(played: Played, step: tuple[str, str]) -> None:
    played.becomes(step[1], "COMPLETED")
    end(EmrStepTrigger(*step, FAR), by_a_person, "failed")
    assert list(played.steps().values()) == ["COMPLETED"]
    asyncio.run(EmrStepTrigger("j-GONE", "s-1", FAR).on_kill())
