"""What Sentry is told: once a failure, whoever noticed it; and nothing that must not leave the house."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.api import wait_for
from settlement.warehouse import Partition
from tests.airflow.sink import KEY
from tests.airflow.town import CANARY, DAILY, INGEST, Town
from tests.integration.example import LAST
from tests.integration.shelf import settle_days
from tests.worlds.plain import play

LISTENER = 987_654_321


@pytest.fixture(scope="module")
def failed(town: Town) -> str:
    """A run whose audit finds a play's rule missing: the service that the day's plays belong to has none."""
    house = town.move_in("almost")
    settle_days(house, [LAST], ("raw",), run_id="outside")
    rules = house.reference / "service_rule.csv"
    kept = rules.read_text("utf-8")
    rules.write_text("".join(line for line in kept.splitlines(True) if not line.startswith("sub_stream")), "utf-8")
    run = town.run(DAILY, LAST, state="failed")
    rules.write_text(kept, "utf-8")
    return run


@pytest.mark.fault(31)
def test_a_failed_task_is_one_event_with_its_facts(town: Town, failed: str) -> None:
    (task,) = [name for name, task in town.api.tasks(DAILY, failed).items() if task["state"] == "failed"]
    (event,) = wait_for(lambda: town.sink.events(run=failed), bool, "an event", 30)
    released = next(iter(town.house.ledger.records(kind="released", run_id=f"{DAILY}/{failed}")))
    assert event["tags"] == {
        "dag": DAILY,
        "run": failed,
        "partition": LAST,
        "task": task,
        "stage": task.split(".")[0],
        "try": "1",
        "settlement_release": released.body["release"],
    }
    assert event["environment"] == "dev"
    assert "exception" in event


@pytest.mark.fault(31)
def test_a_task_that_the_scheduler_gave_up_is_one_event_after_its_last_try(town: Town) -> None:
    house = town.move_in("almost")
    settle_days(house, [LAST], ("raw",), run_id="outside")
    hold = town.hold("build", "ods", LAST)
    run = town.api.trigger(DAILY, LAST)
    killed: list[int] = []
    for _ in range(4):  # the first try and three retries
        assert town.sink.events(run=run) == []
        killed.append(hold.wait(besides=killed))
        town.kill_worker(killed[-1])
    assert town.api.wait_run(DAILY, run) == "failed"
    hold.release()
    (event,) = wait_for(lambda: town.sink.events(run=run), bool, "an event", 60)
    assert (event["tags"]["task"], event["tags"]["partition"], event["tags"]["try"]) == ("ods.build", LAST, "4")


@pytest.mark.fault(31)
def test_a_task_that_a_person_marked_as_failed_is_one_event(town: Town, failed: str) -> None:
    town.api.clear(DAILY, dag_run_id=failed, task_ids=["ods.build"])
    town.api.wait_run(DAILY, failed)
    before = len(town.sink.events(run=failed))
    town.api.mark_task(DAILY, failed, "wait_for_raw", "failed")
    (event,) = wait_for(lambda: town.sink.events(run=failed, task="wait_for_raw"), bool, "an event", 30)
    assert event["tags"]["partition"] == LAST
    assert len(town.sink.events(run=failed)) == before + 1


@pytest.mark.fault(26, 31)
def test_a_late_landing_is_one_event_and_still_waited_for(town: Town) -> None:
    house = town.move_in("almost")
    folder = house.folder("payments", LAST)
    (folder / "_SUCCESS").unlink()
    runs = [town.api.trigger(INGEST, LAST) for _ in range(2)]
    (late,) = wait_for(lambda: town.sink.events(partition=LAST, stage="landing"), bool, "an event", 60)
    assert f"payments/dt={LAST}" in late["message"]
    for run in runs:
        assert town.api.wait_task(INGEST, run, "wait_for_landing", ["deferred"])["state"] == "deferred"
    assert house.ledger.head("raw", Partition(LAST)) is None, "nothing is ingested as empty"
    (folder / "_SUCCESS").touch()
    for run in runs:
        assert town.api.wait_run(INGEST, run) == "success", town.story(INGEST, run)
    assert len(town.sink.events(partition=LAST, stage="landing")) == 1


@pytest.mark.fault(32)
def test_no_secret_and_no_listener_is_in_logs_templates_or_events(town: Town) -> None:
    house = town.move_in("almost")
    plays = house.folder("plays", LAST)
    file = next(plays.glob("*.jsonl.gz"))
    house.land("plays", LAST, {file.name: play(LAST, "canary", user_id=LISTENER).line + b"\n"})
    town.run(INGEST, LAST)
    town.run(DAILY, LAST)
    assert b"canary,qualified" in house.export("play_bucket", "--month", LAST[:7]), "the listener's play was settled"
    texts = {
        "events": json.dumps(town.sink.received),
        "rendered": rendered(town),
        **{str(path): path.read_text(errors="replace") for path in logs(town)},
    }
    planted = (CANARY, KEY, *town.airflow.passwords().values(), str(LISTENER))
    for where, text in texts.items():
        for secret in planted:
            assert secret not in text, where


def rendered(town: Town) -> str:
    found = []
    for dag in (INGEST, DAILY):
        for run in town.api.runs(dag)[-3:]:
            tasks = town.api.tasks(dag, run["dag_run_id"]).values()
            found += [task["rendered_fields"] for task in tasks]
    return json.dumps(found)


def logs(town: Town) -> list[Path]:
    return [path for path in (town.airflow.home / "logs").rglob("*.log") if path.is_file()]
