"""Attempts of one task as processes: held, overtaken, killed with whoever started them, and run again."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest

from local.api import wait_for
from settlement.processes import die_with_parent
from settlement.settings import settings
from settlement.steps import tasks
from settlement.steps.place import Place
from settlement.steps.tasks import Run
from settlement.warehouse import Partition
from tests.airflow.holding import Hold, hold
from tests.faults.test_two_processes import with_other_rules
from tests.integration.example import LAST
from tests.integration.house import House
from tests.integration.shelf import Shelf
from tests.worlds.plain import play

ROOT = Path(__file__).resolve().parents[2]
DAY, RUN = Partition(LAST), Run("settlement_daily/manual__1", LAST)
SEAL, VERDICT, PUBLISH = (
    "settlement.ledger.ledger:Ledger.seal",
    "settlement.steps.audit:write_verdict",
    "settlement.ledger.ledger:Ledger.publish",
)
PATIENCE_SECONDS = 120
# Starts a step as a worker does, says its process id and waits.
WORKER = """
import os, subprocess, sys, time
from functools import partial
from settlement.processes import die_with_parent
step = subprocess.Popen(sys.argv[1:], start_new_session=True, preexec_fn=partial(die_with_parent, os.getpid()))
print(step.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def house(house_in: Callable[[str], House], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house whose last day has landed and was never ingested, as the settings of workers name it."""
    made = house_in("almost")
    for name in ("landing", "warehouse", "reference"):
        monkeypatch.setenv(f"SETTLEMENT_{name.upper()}", str(getattr(made, name)))
    monkeypatch.setenv("SETTLEMENT_READER_PROCESSES", "2")
    settings.cache_clear()
    yield made
    monkeypatch.undo()
    settings.cache_clear()


@dataclass(frozen=True)
class Step:
    """A step at work in a process of its own."""

    process: subprocess.Popen[str]

    def end(self) -> tuple[int, dict[str, Any]]:
        """Its exit code and its answer, once it has ended."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in err, err
        return self.process.returncode, json.loads(out) if out else {}

    def kill(self) -> None:
        self.process.kill()
        assert self.end() == (-signal.SIGKILL, {})


def command(step: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "settlement.steps", step, "--run", RUN.run_id, "--partition", RUN.key, *options]


def environment(holds: Path, **others: str) -> dict[str, str]:
    """The environment of a process that can be held."""
    startup = {"PYTHONPATH": str(ROOT / "tests" / "airflow" / "startup"), "SETTLEMENT_TEST_ROOT": str(ROOT)}
    return {**os.environ, **startup, "SETTLEMENT_TEST_HOLDS": str(holds), **others}


class Start(Protocol):
    """Starts a step; `holds` names the folder that says where it is held, `others` its environment."""

    def __call__(self, step: str, *options: str, holds: str = "holds", **others: str) -> Step: ...


@pytest.fixture
def start(house: House) -> Iterator[Start]:
    """Starts steps; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def begin(step: str, *options: str, holds: str = "holds", **others: str) -> Step:
        env = environment(house.root / holds, **others)
        process = subprocess.Popen(command(step, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        started.append(process)
        return Step(process)

    yield begin
    for process in started:
        with process:
            process.kill()


def hold_at(house: House, point: str, step: str = "build", stage: str = "raw", holds: str = "holds") -> Hold:
    return hold(house.root / holds, step, stage, LAST, point)


def begun() -> Place:
    place = Place.open()
    tasks.begin(place, RUN, "service:scheduler")
    return place


def finish(place: Place) -> list[str]:
    """Run the three tasks of the stage again, from the first."""
    return [step(place, RUN, "raw").outcome for step in (tasks.build, tasks.audit, tasks.publish)]


def assert_published_once(house: House, shelf_hashes: dict[str, str]) -> None:
    head = house.ledger.head_build("raw", DAY)
    assert head is not None
    assert head.rows_hashes == shelf_hashes
    assert house.counted("published")["raw", LAST, 0] == 1
    house.assert_chain_holds()


@pytest.fixture
def undisturbed(shelf: Shelf) -> dict[str, str]:
    """What the raw tables of the day hold when nobody disturbs anybody."""
    head = shelf.house("days").ledger.head_build("raw", DAY)
    assert head is not None
    return dict(head.rows_hashes)


# -- overtaken ---------------------------------------------------------------------------------------------------------


@pytest.mark.fault(9)
def test_of_two_attempts_of_a_build_the_older_may_not_seal_when_the_newer_has(
    undisturbed: dict[str, str], start: Start, house: House
) -> None:
    place = begun()
    held = hold_at(house, f"before {SEAL}")
    older = start("build", "--stage", "raw")
    held.wait()
    newer = start("build", "--stage", "raw", holds="none")
    code, answer = newer.end()
    assert (code, answer["outcome"]) == (0, "sealed")
    held.release()
    code, answer = older.end()
    assert (code, answer["error"], answer["transient"]) == (1, "PublishRefused", False)
    assert f"raw {LAST}: another attempt of run {RUN.run_id} began after this one" in answer["message"]
    assert len(list(place.ledger.records(kind="sealed", run_id=RUN.run_id))) == 1
    assert tasks.audit(place, RUN, "raw").outcome == "passed"
    assert tasks.publish(place, RUN, "raw").outcome == "new"
    assert_published_once(house, undisturbed)


@pytest.mark.fault(9)
def test_an_older_attempt_that_comes_first_is_refused_too_and_the_newer_seals(
    undisturbed: dict[str, str], start: Start, house: House
) -> None:
    place = begun()
    first, second = hold_at(house, f"before {SEAL}"), hold_at(house, f"before {SEAL}", holds="second")
    older = start("build", "--stage", "raw")
    first.wait()
    newer = start("build", "--stage", "raw", holds="second")
    second.wait()
    first.release()
    assert older.end()[1]["error"] == "PublishRefused"
    assert list(place.ledger.records(kind="sealed", run_id=RUN.run_id)) == []
    second.release()
    assert newer.end()[1]["outcome"] == "sealed"
    assert tasks.audit(place, RUN, "raw").outcome == "passed"
    assert tasks.publish(place, RUN, "raw").outcome == "new"
    assert_published_once(house, undisturbed)


@pytest.mark.fault(9)
def test_two_attempts_of_a_publication_at_once_publish_once(undisturbed: dict[str, str], start: Start, house: House) -> None:
    place = begun()
    tasks.build(place, RUN, "raw")
    tasks.audit(place, RUN, "raw")
    held = hold_at(house, f"before {PUBLISH}", step="publish")
    attempts = [start("publish", "--stage", "raw") for _ in range(2)]
    held.wait(besides=[held.wait()])
    held.release()
    ended = [attempt.end() for attempt in attempts]
    assert [code for code, _ in ended] == [0, 0], ended
    assert_published_once(house, undisturbed)


@pytest.mark.fault(29)
def test_two_first_tasks_of_a_run_at_once_freeze_one_release(start: Start, house: House) -> None:
    """Cleared while it begins, and the rules change in between: both attempts name the same release."""
    twin = with_other_rules(house, "service_rule")
    held = hold_at(house, "before settlement.ledger.ledger:Ledger.append_once", step="begin", stage="month")
    options = ("begin", "--by", "Ann", "--gate", "raw")
    attempts = [start(*options), start(*options, SETTLEMENT_REFERENCE=str(twin.reference))]
    held.wait(besides=[held.wait()])
    held.release()
    sentences = {attempt.end()[1]["sentence"] for attempt in attempts}
    (released,) = house.ledger.records(kind="released")
    assert sentences == {f"release {released.body['release'][:12]}, asked for by Ann"}
    assert len(list((house.warehouse / "releases").iterdir())) == 2, "both had frozen theirs"


# -- killed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("step", "function"), [("build", SEAL), ("audit", VERDICT), ("publish", PUBLISH)], ids=["build", "audit", "publish"]
)
@pytest.mark.fault(22)
def test_a_step_that_was_killed_is_run_again_and_publishes_once(
    step: str, function: str, when: str, undisturbed: dict[str, str], start: Start, house: House
) -> None:
    place = begun()
    for before in ("build", "audit", "publish"):
        if before == step:
            break
        getattr(tasks, before)(place, RUN, "raw")
    held = hold_at(house, f"{when} {function}", step=step)
    attempt = start(step, "--stage", "raw")
    held.wait()
    attempt.kill()
    house.assert_chain_holds()
    assert (place.ledger.head("raw", DAY) is not None) == ((step, when) == ("publish", "after"))
    code, answer = start(step, "--stage", "raw", holds="none").end()
    assert code == 0, answer
    outcomes = {
        ("build", "before"): "sealed",
        ("build", "after"): "sealed",
        ("publish", "before"): "new",
        ("publish", "after"): "done",
    }
    assert answer["outcome"] == outcomes.get((step, when), "passed")
    if step == "build":
        tasks.audit(place, RUN, "raw")
    if step != "publish":
        assert tasks.publish(place, RUN, "raw").outcome == "new"
    assert_published_once(house, undisturbed)
    assert finish(place) == ["unchanged"] * 3


@pytest.mark.parametrize("step", ["audit", "publish"])
@pytest.mark.fault(9, 24)
def test_a_step_whose_run_was_built_anew_while_it_was_held_publishes_no_old_candidate(
    step: str, start: Start, house: House
) -> None:
    """The publication was killed before its append; then everything is cleared, and the old candidate stays one."""
    place = begun()
    tasks.build(place, RUN, "raw")
    if step == "publish":
        tasks.audit(place, RUN, "raw")
    held = hold_at(house, f"before {VERDICT if step == 'audit' else PUBLISH}", step=step)
    attempt = start(step, "--stage", "raw")
    held.wait()
    assert finish(place) == ["sealed", "passed", "new"]
    held.release()
    code, answer = attempt.end()
    old, new = [record.build_id for record in place.ledger.records(kind="sealed", run_id=RUN.run_id)]
    head = place.ledger.head("raw", DAY)
    assert head is not None
    assert head.build_id == new != old
    assert code == 0, answer
    assert answer["outcome"] == ("passed" if step == "audit" else "same")
    assert house.counted("published")["raw", LAST, 0] == 1


# -- left alone --------------------------------------------------------------------------------------------------------


def test_a_step_ends_with_its_worker_and_its_readers_end_with_it(house: House) -> None:
    begun()
    land_much(house)
    held = hold_at(house, f"before {SEAL}")
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, *command("build", "--stage", "raw")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(house.root / "holds"),
    )
    with worker:
        assert worker.stdout is not None
        step = int(worker.stdout.readline())
        assert held.wait() == step
        started = [step, *descendants(step)]
        assert len(started) >= 3, "the step and two readers"
        worker.kill()
    assert_gone(started)
    assert list(house.ledger.records(kind="sealed", run_id=RUN.run_id)) == []


def test_the_readers_end_with_a_step_that_is_killed(start: Start, house: House) -> None:
    begun()
    land_much(house)
    held = hold_at(house, f"before {SEAL}")
    step = start("build", "--stage", "raw")
    assert held.wait() == step.process.pid
    readers = descendants(step.process.pid)
    assert len(readers) >= 2
    step.kill()
    assert_gone(readers)


def test_a_step_whose_worker_is_gone_before_it_begins_does_nothing(house: House) -> None:
    begun()
    before = len(list(house.ledger.records()))
    gone = partial(die_with_parent, os.getppid())  # as if it had been started by somebody who is not its parent any more
    ended = subprocess.run(
        command("build", "--stage", "raw"), preexec_fn=gone, env=environment(house.root / "holds"), check=False
    )
    assert ended.returncode == 1
    assert len(list(house.ledger.records())) == before


def land_much(house: House) -> None:
    """Two files of plays, together more than what is read without processes of its own; of few kinds of lines, stored."""
    folder = house.folder("plays", LAST)
    lines = b"".join(play(LAST, f"much-{number}").line + b"\n" for number in range(100))
    for name in ("much-1.jsonl.gz", "much-2.jsonl.gz"):
        (folder / name).write_bytes(gzip.compress(lines * (5 * 1024 * 1024 // len(lines)), compresslevel=0, mtime=0))


def descendants(pid: int) -> list[int]:
    """Processes that a process has started, and those that they have."""
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(other for child in children for other in descendants(child))]


def assert_gone(pids: list[int]) -> None:
    """Fail unless all of these processes end by themselves."""
    try:
        wait_for(lambda: [pid for pid in pids if lives(pid)], lambda left: not left, "they end with who started them", 20)
    finally:
        for pid in pids:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
