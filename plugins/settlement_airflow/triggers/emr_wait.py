"""Waiting for steps of an EMR cluster, in the triggerer: one look for all of a cluster's steps."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
from airflow.triggers.base import BaseTrigger, TriggerEvent
from asgiref.sync import sync_to_async
from botocore.config import Config
from botocore.exceptions import ClientError

from settlement.settings_emr import EmrSettings, emr_settings
from settlement_airflow.hooks.emr_clusters import emr
from settlement_airflow.hooks.emr_names import GONE, LATE, LIVE
from settlement_airflow.hooks.emr_steps import EmrStepHook

_log = logging.getLogger(__name__)
_AT_ONCE = 10  # ids that ListSteps takes
_SLOWEST_SECONDS = 300.0
# Backing off is the watch's own business: a client that tries for long would only hide that nobody looks.
_POLLS = Config(retries={"total_max_attempts": 2}, connect_timeout=10, read_timeout=30)
_LEFT_SECONDS = 25.0  # of the triggerer's thirty for a kill


class EmrStepTrigger(BaseTrigger):
    """Fires when a step has ended, its cluster is gone, or its time is over. The operator looks again before it believes it.

    Triggerer restarted, or the trigger moved to another one → the step goes on, and is watched again.
    Cleared or marked while deferred → the step is cancelled. Airflow calls `on_kill` for a person's action and also when
    another triggerer has taken over (3.3: whatever is no longer assigned counts as a person's action), so the task's state is
    asked first: still deferred means that nobody acted.

    The provider's `EmrAddStepsTrigger` isn't used: it doesn't cancel, gives up after a number of attempts though the step
    lives, and asks for each task's step by a request of its own.

    :param cluster: id of the cluster.
    :param step: id of the step.
    :param until: when it must have ended, seconds since 1970.
    """

    def __init__(self, cluster: str, step: str, until: float) -> None:
        super().__init__()
        self.cluster = cluster
        self.step = step
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.EmrStepTrigger", {"cluster": self.cluster, "step": self.step, "until": self.until}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        watch = _Watch.of(self.cluster, emr_settings())
        try:
            state = await asyncio.wait_for(watch.ended(self.step), max(self.until - time.time(), 1))
        except TimeoutError:
            state = LATE
        yield TriggerEvent({"cluster": self.cluster, "step": self.step, "state": state})

    async def on_kill(self) -> None:
        """Cancel the step, unless the task is still deferred: then another triggerer watches it."""
        if await self._is_deferred():
            self.log.info("Step %s goes on: its task is still deferred", self.step)
            return
        self.log.info("Cancelling step %s on cluster %s", self.step, self.cluster)
        await asyncio.wait_for(asyncio.to_thread(self._cancel), _LEFT_SECONDS)

    def _cancel(self) -> None:
        chosen = emr_settings()
        hook = EmrStepHook(chosen.model_copy(update={"confirm_seconds": min(chosen.confirm_seconds, _LEFT_SECONDS - 5)}))
        found = hook.describe(self.cluster, self.step)
        if found is not None and found.is_live:
            hook.cancel([found])
            self.log.info("Step %s is cancelled and has ended", self.step)

    async def _is_deferred(self) -> bool:
        """Whether the task waits on, as far as can be told: if it can't, the kill is believed."""
        task: Any = self.task_instance
        try:
            asked = sync_to_async(RuntimeTaskInstance.get_task_states)
            known = await asked(dag_id=task.dag_id, task_ids=[task.task_id], run_ids=[task.run_id], map_index=task.map_index)
            states = known.get(task.run_id, {})
            name = task.task_id if task.map_index in (None, -1) else f"{task.task_id}_{task.map_index}"
            return str(states.get(name, states.get(task.task_id))) == "deferred"
        except Exception as error:
            self.log.warning("Can't ask for the task's state (%s): taking the kill for a person's", error)
            return False


class _Watch:
    """Looks at the steps of one cluster for all triggers of this triggerer."""

    _all: ClassVar[WeakKeyDictionary[Any, dict[str, _Watch]]] = WeakKeyDictionary()  # by event loop

    def __init__(self, cluster: str, chosen: EmrSettings) -> None:
        self._cluster = cluster
        self._settings = chosen
        self._waiting: dict[str, set[asyncio.Future[str]]] = {}
        self._looking: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, cluster: str, chosen: EmrSettings) -> _Watch:
        """The watch of a cluster in this event loop."""
        return cls._all.setdefault(asyncio.get_running_loop(), {}).setdefault(cluster, cls(cluster, chosen))

    async def ended(self, step: str) -> str:
        """Returns when the step has ended: its state, or GONE."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(step, set()).add(future)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            return await future
        finally:
            waiting = self._waiting.get(step, set())
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(step, None)

    async def _look(self) -> None:
        pause = self._settings.poll_seconds
        while self._waiting:
            try:
                # With the provider's hook: keys that were exchanged meanwhile are found with the next client.
                hook = emr(self._settings, _POLLS)
                async with await hook.get_async_conn() as client:
                    while self._waiting:
                        # Never at once: an event within a second of the deferral can be lost (apache/airflow #72716).
                        # So a step that comes during the pause isn't looked at after it, but after the next.
                        known = sorted(self._waiting)
                        await asyncio.sleep(pause * random.uniform(0.9, 1.1))  # noqa: S311  # jitter
                        await self._look_once(client, known)
                        pause = self._settings.poll_seconds
            except Exception as error:
                pause = min(pause * 2, _SLOWEST_SECONDS)
                _log.warning("Can't look at the steps of %s: %s; again in %.0f s", self._cluster, error, pause)
                await asyncio.sleep(pause)

    async def _look_once(self, client: Any, known: list[str]) -> None:
        ids = [step for step in known if step in self._waiting]
        for start in range(0, len(ids), _AT_ONCE):
            asked = ids[start : start + _AT_ONCE]
            try:
                listed = (await client.list_steps(ClusterId=self._cluster, StepIds=asked))["Steps"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidRequestException":
                    raise
                listed = []
            states = {step["Id"]: step["Status"]["State"] for step in listed}
            for step in asked:
                state = states.get(step, GONE)
                if state not in LIVE:
                    for future in self._waiting.pop(step, set()):
                        if not future.done():
                            future.set_result(state)
