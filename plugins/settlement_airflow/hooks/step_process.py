"""One step of the settlement as a child process: where steps run on the embedded profile."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from settlement.processes import die_with_parent

_KILL_SECONDS = 10
_TEXT = {"encoding": "utf-8", "errors": "replace"}  # whatever a library writes, the answer counts
_NOTHING_TO_DO = 3
# What a step may see of the worker's environment; Airflow's own settings and connections are none of its business.
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "SSL_CERT_FILE")


class StepProcessHook(BaseHook):
    """Runs `python -m settlement.steps` and gives back its answer.

    The step runs in a process group of its own. Cleared or marked failed here → `kill` ends the group and waits for it.
    Worker killed here → the kernel kills the step with it. Either way nothing goes on that could seal or publish later.
    """

    def __init__(self) -> None:
        super().__init__()
        self._process: subprocess.Popen[str] | None = None

    def run(self, step: str, *arguments: str) -> dict[str, Any]:
        """The step's answer.

        Args:
            step: its name.
            arguments: its options; never a secret: other processes see them.

        Raises:
            AirflowSkipException: there is nothing for this run to do; says why.
            AirflowFailException: refused for a reason that another try doesn't change.
            AirflowException: failed in a way that may pass.
        """
        command = [sys.executable, "-m", "settlement.steps", step, *arguments]
        with tempfile.TemporaryFile("w+", **_TEXT) as out:
            self._process = subprocess.Popen(  # noqa: S603  # a list of our own, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.PIPE,
                **_TEXT,
                env=_environment(),
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509  # before anything of the step runs
            )
            with self._process as process:
                assert process.stderr is not None
                for line in process.stderr:  # as it comes: people watch long steps
                    self.log.info(line.rstrip())
            out.seek(0)
            return self._answer(step, process.returncode, out.read())

    def kill(self) -> None:
        """End the step and all it started, and wait until it is gone."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self.log.info("Ending the step's process %s", process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_KILL_SECONDS)
            until = time.monotonic() + _KILL_SECONDS
            while time.monotonic() < until:  # what the step has started may ignore the first signal
                os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.05)
        process.wait()

    def _answer(self, step: str, code: int, out: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(out) if code >= 0 else {}
            known = code == 0 or bool(answer["message"])
        except (ValueError, KeyError, TypeError):
            known = False
        if not known:
            ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code} and no answer"
            hint = "see the log above, then clear the task: it goes on from what the ledger says"
            raise AirflowException(f"{step} {ended}; {hint}")
        if code == 0:
            return answer
        raise refused(answer, code, self.log)


def refused(answer: Mapping[str, Any], code: int, log: logging.Logger) -> AirflowException:
    """What a task raises when its step has refused or failed, and says so in an answer.

    Args:
        answer: `error`, `message`, `hint`, and whether it is `transient`: worth another try.
        code: the step's exit code.
        log: gets the message.
    """
    sentence = "\n  → ".join(part for part in (answer["message"], answer["hint"]) if part)
    if code == _NOTHING_TO_DO:
        return AirflowSkipException(sentence)
    for line in f"{answer['error']}: {sentence}".splitlines():
        log.error(line)  # whole lines that can be read: the exception's is one long line above its frames
    raised = AirflowException if answer["transient"] else AirflowFailException
    return raised(f"{answer['error']}: {sentence}")


def _environment() -> dict[str, str]:
    # AWS's variables hold credentials: only a step that works in a bucket gets them.
    in_bucket = any(os.environ.get(f"SETTLEMENT_{place}", "").startswith("s3://") for place in ("LANDING", "WAREHOUSE"))
    prefixes = ("SETTLEMENT_", "AWS_") if in_bucket else ("SETTLEMENT_",)
    passed = {name: value for name, value in os.environ.items() if name in _PASSED or name.startswith(prefixes)}
    passed.pop("SETTLEMENT_SENTRY_DSN", None)
    return {**passed, "TZ": "UTC", "PYTHONUNBUFFERED": "1"}


def arguments_of(run_id: str, partition: str) -> Sequence[str]:
    """The options that every step has."""
    return ["--run", run_id, "--partition", partition]
