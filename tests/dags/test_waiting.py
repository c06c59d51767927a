"""The trigger of a waiting gate: it looks, and fires once."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

import pytest

from settlement.settings import settings
from settlement.steps import watching
from settlement_airflow.triggers import waiting
from settlement_airflow.triggers.waiting import WaitingTrigger
from tests.dags.conftest import until


def test_a_trigger_is_the_same_after_it_was_written_down() -> None:
    path, arguments = WaitingTrigger(gate="raw", partition="2026-02-28").serialize()
    module, _, name = path.rpartition(".")
    again = getattr(importlib.import_module(module), name)(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, {"gate": "raw", "partition": "2026-02-28"})


def test_a_trigger_fires_once_and_only_when_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []
    slept: list[float] = []
    looks = iter([["plays/dt=2026-02-28"], OSError("the ledger can't be read"), ["plays/dt=2026-02-28"], []])

    def look(gate: str, key: str) -> list[str]:
        seen.append((gate, key))
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert len(slept) == len(seen) + 1, "it sleeps before every look, also the first"

    async def fired() -> list[Any]:
        return [event async for event in WaitingTrigger(gate="landing", partition="2026-02-28").run()]

    monkeypatch.setattr(watching, "look", look)
    monkeypatch.setattr(waiting.asyncio, "sleep", sleep)
    (event,) = asyncio.run(fired())
    assert event.payload == {"sentence": "2026-02-28 waits for nothing"}
    assert seen == [("landing", "2026-02-28")] * 4
    assert slept == [settings().poll_seconds] * 4


def test_a_trigger_looks_in_a_thread_so_that_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """One waiting run looks for long; meanwhile the other fires."""

    def look(_: str, key: str) -> list[str]:
        if key == "2026-02-27":
            until(lambda: bool(done))
        return []

    async def at_once(_: float) -> None:
        return None

    async def fired(key: str) -> None:
        events = [event async for event in WaitingTrigger(gate="raw", partition=key).run()]
        done.extend(key for _ in events)

    async def both() -> None:
        await asyncio.gather(fired("2026-02-27"), fired("2026-02-28"))

    done: list[str] = []
    monkeypatch.setattr(watching, "look", look)
    monkeypatch.setattr(waiting.asyncio, "sleep", at_once)
    asyncio.run(both())
    assert done == ["2026-02-28", "2026-02-27"]
