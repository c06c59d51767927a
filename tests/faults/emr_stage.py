"""Workers and triggerers as processes, forked from one that has loaded Airflow: `python -m tests.faults.emr_stage`.

It reads orders, one JSON object a line: `{"start": {…}}` is answered with a process id, `{"wait": pid}` with its exit code.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from settlement.settings import settings
from settlement.settings_emr import emr_settings
from settlement_airflow.hooks.emr_names import StepName, run_token, script_token
from settlement_airflow.hooks.emr_objects import sha256
from settlement_airflow.operators.emr_step import EmrHiveStepOperator, Prepared, Unproven
from settlement_airflow.triggers import emr_wait
from settlement_airflow.triggers.emr_wait import EmrStepTrigger
from tests.faults.killed import replace


class Rows:
    """A task's work: a script that leaves rows in a file of its build, which must be as many and come to as much as said."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order

    def prepare(self, _: Any) -> Prepared:
        order = self._order
        run, script = run_token("settlement_daily/manual__1"), script_token(sha256(order["script"]))
        name = StepName("dev", "ods", "2026-02-28", run, order["attempt"], order["build"], script)
        return Prepared(name, order["script"], proof=order["proof"])

    def finish(self, _: Any, name: StepName, proof: dict[str, Any]) -> str:
        file = Path(self._order["out"]) / name.build_id
        if not file.exists():
            raise Unproven(f"there is no output of build {name.build_id}")
        rows = [int(line) for line in file.read_text().split()]
        if {"rows": len(rows), "total": sum(rows)} != proof:
            raise Unproven(f"build {name.build_id} has {len(rows)} rows that come to {sum(rows)}, not {proof}")
        return f"sealed {name.build_id}"


def execute(order: dict[str, Any]) -> Any:
    """A worker that begins a task, and is told of signals as Airflow tells them."""
    operator = _operator(order)
    return _ended(lambda: operator.execute(_context()))


def resume(order: dict[str, Any]) -> Any:
    """A worker that goes on after the wait."""
    operator = _operator(order)
    waits = order["waits"]
    return _ended(lambda: operator.resume_execution(waits["method"], {"event": order["event"], **waits["kwargs"]}, _context()))


def watch(order: dict[str, Any]) -> Any:
    """A triggerer with some triggers: what each of them fires."""

    async def one(arguments: dict[str, Any]) -> Any:
        (event,) = [event async for event in EmrStepTrigger(**arguments).run()]
        return event.payload

    async def run() -> list[Any]:
        return list(await asyncio.gather(*(one(waits["trigger"]) for waits in order["all"])))

    return asyncio.run(run())


def end_watch(order: dict[str, Any]) -> Any:
    """A triggerer whose trigger is ended, by a person's action or by its own end; `state` is the task's in Airflow."""
    trigger = EmrStepTrigger(**order["waits"]["trigger"])
    trigger.task_instance = SimpleNamespace(  # type: ignore[assignment]
        id="1", dag_id="d", task_id="build", run_id="r", try_number=1, map_index=-1, context_carrier=None
    )
    states = {"r": {"build": order["state"]}}
    emr_wait.RuntimeTaskInstance.get_task_states = staticmethod(lambda **_: states)  # type: ignore[method-assign,assignment]

    async def run() -> None:
        runner = TriggerRunner()
        task = asyncio.create_task(runner.run_trigger(1, trigger))
        runner.triggers[1] = {"task": task, "is_watcher": False, "name": "x", "events": 0}  # type: ignore[typeddict-item]
        await asyncio.sleep(0.5)
        if order["by"] == "person":
            runner.to_cancel.append(1)
            await runner.cancel_triggers()
        else:
            task.cancel()
        await asyncio.wait([task])

    asyncio.run(run())
    return "ended"


def _operator(order: dict[str, Any]) -> EmrHiveStepOperator:
    seconds = order.get("timeout")
    timeout = timedelta(seconds=seconds) if seconds is not None else None
    operator = EmrHiveStepOperator(task_id="build", work=Rows(order), timeout=timeout)
    signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    return operator


def _context() -> dict[str, Any]:
    return {"ti": SimpleNamespace(xcom_push=lambda key, value: None)}  # noqa: ARG005  # Airflow's names


def _ended(work: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"did": "success", "said": work()}
    except TaskDeferred as waits:
        _, arguments = waits.trigger.serialize()
        return {"did": "deferred", "trigger": arguments, "method": waits.method_name, "kwargs": waits.kwargs}
    except AirflowFailException as error:
        return {"did": "failed", "said": str(error)}
    except AirflowException as error:
        return {"did": "retry", "said": str(error)}


DOES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "execute": execute,
    "resume": resume,
    "watch": watch,
    "end_watch": end_watch,
}


def _stop_at(point: dict[str, Any]) -> None:
    """Kill this process at a call of a function, or hold it there until a file is gone."""

    def make(real: Callable[..., Any]) -> Callable[..., Any]:
        def stopped(*args: Any, **kwargs: Any) -> Any:
            if point["when"] == "before":
                _stop(point)
            result = real(*args, **kwargs)
            if point["when"] == "after":
                _stop(point)
            return result

        return stopped

    replace(point["function"], make)


def _stop(point: dict[str, Any]) -> None:
    file = point.get("until_gone")
    if file is None:
        os.kill(os.getpid(), signal.SIGKILL)
    Path(f"{file}@{os.getpid()}").touch()
    while Path(file).exists():
        time.sleep(0.02)


def _act(order: dict[str, Any]) -> None:
    with Path(order["log"]).open("a", encoding="utf-8") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(order["env"])
    settings.cache_clear()
    emr_settings.cache_clear()
    if "point" in order:
        _stop_at(order["point"])
    answer = Path(order["answer"])
    answer.with_suffix(".new").write_text(json.dumps(DOES[order["do"]](order)))
    answer.with_suffix(".new").rename(answer)


def main() -> None:
    """Serve orders until there are no more."""
    AwsBaseHook._get_provider_version()  # reads what all providers say of themselves, which takes a second
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            said = os.waitstatus_to_exitcode(status)
        else:
            said = os.fork()
            if said == 0:
                code = 1
                try:
                    _act(order["start"])
                    code = 0
                finally:
                    sys.stderr.flush()
                    if code:
                        import traceback

                        traceback.print_exc()
                    os._exit(code)
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    main()
