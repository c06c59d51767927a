"""A step as a process: what it is given, what it may see, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from settlement_airflow.hooks import step_process
from settlement_airflow.hooks.step_process import StepProcessHook
from tests.dags.conftest import PATIENCE_SECONDS, ROOT, Fake, lives, until
from tests.dags.served import PASSWORD

ANSWER = {"outcome": "sealed", "sentence": "ods 2026-02-28: sealed build 1"}
REFUSED = {"error": "AuditFailed", "message": "the audit refuses it", "hint": "correct it", "transient": False}


def run(step: str = "build", *arguments: str) -> dict[str, Any]:
    return StepProcessHook().run(step, *arguments)


def test_a_step_is_started_with_its_options_and_its_answer_comes_back(fake: Fake) -> None:
    fake("answer(sys.argv[1:])")
    assert run("build", "--run", "dag/run 1", "--stage", "ods") == [
        "-m",
        "settlement.steps",
        "build",
        "--run",
        "dag/run 1",
        "--stage",
        "ods",
    ]
    fake(f"answer({ANSWER!r})")
    assert run() == ANSWER


def test_a_step_has_a_process_group_of_its_own_and_nothing_to_read(fake: Fake) -> None:
    fake("answer([os.getpid(), os.getpgid(0), os.getsid(0), sys.stdin.read()])")
    pid, group, session, read = run()
    assert pid == group == session != os.getpgid(0)
    assert read == ""


def test_a_step_sees_the_settlement_s_settings_and_nothing_of_airflow_s(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW_CONN_PARTNER_SFTP", "AIRFLOW_VAR_X",
        "_AIRFLOW__INTERNAL", "AWS_SECRET_ACCESS_KEY", "SENTRY_DSN", "SETTLEMENT_SENTRY_DSN", "DATABASE_PASSWORD",
    ):  # fmt: skip
        monkeypatch.setenv(name, PASSWORD)
    monkeypatch.setenv("SETTLEMENT_WAREHOUSE", "/somewhere")
    monkeypatch.setenv("TZ", "Asia/Seoul")
    fake("answer(dict(os.environ))")
    seen = run()
    assert (seen["SETTLEMENT_WAREHOUSE"], seen["TZ"], seen["PATH"]) == ("/somewhere", "UTC", os.environ["PATH"])
    assert [name for name in seen if "AIRFLOW" in name or "SENTRY" in name] == []
    assert PASSWORD not in seen.values()


def test_what_a_step_says_on_its_way_is_in_the_log(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    hook = StepProcessHook()
    monkeypatch.setattr(type(hook), "log", SimpleNamespace(info=lambda text, *_: said.append(text)))
    fake(f"print('ods: building ods.play (1 of 2)', file=sys.stderr)\nprint('곡', file=sys.stderr)\nanswer({ANSWER!r})")
    hook.run("build")
    assert said == ["ods: building ods.play (1 of 2)", "곡"]


def test_a_step_that_writes_other_bytes_to_its_log_still_has_an_answer(fake: Fake) -> None:
    fake(f"os.write(2, b'\\xff\\xfe\\n')\nanswer({ANSWER!r})")
    assert run() == ANSWER


def test_nothing_to_do_is_a_skip_that_says_why(fake: Fake) -> None:
    fake(
        "answer({'error': 'NothingToDo', 'message': '2026-02 version 1 is closed', 'hint': 'restate it', 'transient': False}, 3)"
    )
    with pytest.raises(AirflowSkipException) as raised:
        run()
    assert str(raised.value) == "2026-02 version 1 is closed\n  → restate it"


@pytest.mark.parametrize(("transient", "kind"), [(True, AirflowException), (False, AirflowFailException)])
def test_only_what_may_pass_is_tried_again(fake: Fake, transient: bool, kind: type[Exception]) -> None:
    fake(f"answer({ {**REFUSED, 'transient': transient}!r}, 1)")
    with pytest.raises(AirflowException) as raised:
        run()
    assert type(raised.value) is kind
    assert str(raised.value) == "AuditFailed: the audit refuses it\n  → correct it"
    fake(f"answer({ {**REFUSED, 'hint': ''}!r}, 1)")
    with pytest.raises(AirflowFailException, match=r"^AuditFailed: the audit refuses it$"):
        run()


@pytest.mark.parametrize("said", ["", "garbage", '{"outcome": "sea', "warning: x\n{}", "{}\n{}"])
@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_no_answer_or_half_of_one_is_an_error_that_may_pass_whatever_the_code_says(fake: Fake, said: str, code: int) -> None:
    fake(f"sys.stdout.write({said!r})\nsys.exit({code})")
    with pytest.raises(AirflowException, match=rf"^build ended with code {code} and no answer; .*clear the task") as raised:
        run()
    assert type(raised.value) is AirflowException


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_step_that_was_killed_says_by_which_signal(fake: Fake, kind: signal.Signals) -> None:
    fake(f"sys.stdout.write('{{')\nsys.stdout.flush()\nos.kill(os.getpid(), {int(kind)})\ntime.sleep(60)")
    with pytest.raises(AirflowException, match=rf"^publish was killed by {kind.name}") as raised:
        run("publish")
    assert type(raised.value) is AirflowException


def test_a_step_that_was_killed_after_it_had_answered_says_so_too(fake: Fake) -> None:
    fake(f"print(json.dumps({ANSWER!r}), flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)\ntime.sleep(60)")
    with pytest.raises(AirflowException, match="killed by SIGSEGV"):
        run()


CHILD = "child = subprocess.Popen([{real!r}, '-c', {code!r}])\nopen(sys.argv[-1], 'w').write(f'{{os.getpid()}} {{child.pid}}')\ntime.sleep(600)"


def family(
    fake: Fake, before: str = "", child: str = "import time; time.sleep(600)"
) -> tuple[StepProcessHook, Callable[[], Any], list[int]]:
    """A step with a child, both at work: the hook, what waits for the step's end, the two processes."""
    code = CHILD.format(real=sys.executable, code=child)
    file = fake(f"{before}\n{code}") / "pids"
    hook, pool = StepProcessHook(), ThreadPoolExecutor(1)
    ending = pool.submit(hook.run, "build", str(file))
    pool.shutdown(wait=False)
    until(lambda: file.exists() and len(file.read_text().split()) == 2)
    return hook, lambda: ending.result(PATIENCE_SECONDS), [int(pid) for pid in file.read_text().split()]


def test_killing_ends_the_step_and_all_that_it_started(fake: Fake) -> None:
    hook, ended, pids = family(fake)
    assert all(lives(pid) for pid in pids)
    hook.kill()
    assert not lives(pids[0])
    with pytest.raises(AirflowException, match="build was killed by SIGTERM"):
        ended()
    until(lambda: not lives(pids[1]))
    hook.kill()  # it is gone: nothing to do


def test_a_step_that_ignores_the_first_signal_gets_the_second(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_process, "_KILL_SECONDS", 0.2)
    ignoring = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    hook, ended, pids = family(
        fake, ignoring, "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    )
    hook.kill()
    with pytest.raises(AirflowException, match="build was killed by SIGKILL"):
        ended()
    until(lambda: not any(lives(pid) for pid in pids))


def test_what_a_step_started_is_ended_even_if_it_ignores_the_first_signal(fake: Fake) -> None:
    ready = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
    code = f"child = subprocess.Popen([{sys.executable!r}, '-c', {ready!r}], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)\nchild.stdout.read(2)\n"
    file = fake(f"{code}open(sys.argv[-1], 'w').write(f'{{os.getpid()}} {{child.pid}}')\ntime.sleep(600)") / "pids"
    hook, pool = StepProcessHook(), ThreadPoolExecutor(1)
    pool.submit(hook.run, "build", str(file))
    until(lambda: file.exists() and len(file.read_text().split()) == 2)
    child = int(file.read_text().split()[1])
    hook.kill()
    pool.shutdown()
    assert not lives(child)


def test_killing_before_anything_was_started_does_nothing() -> None:
    StepProcessHook().kill()


def test_a_step_ends_with_the_process_that_started_it(fake: Fake) -> None:
    """The worker is killed: here a process that started a step through the hook and nothing else."""
    real = sys.executable
    file = fake("open(sys.argv[-1], 'w').write(str(os.getpid()))\ntime.sleep(600)") / "pids"
    code = "import sys; from settlement_airflow.hooks.step_process import StepProcessHook as Hook; sys.executable = sys.argv[1]; "
    command = [real, "-c", f"{code}Hook().run('build', sys.argv[2])", sys.executable, str(file)]
    path = os.pathsep.join(["plugins", *sys.path])
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    with worker:
        until(lambda: file.exists() and file.read_text() != "")
        step = int(file.read_text())
        assert lives(step)
        worker.kill()
    until(lambda: not lives(step))
