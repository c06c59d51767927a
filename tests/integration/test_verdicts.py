"""A verdict that was written elsewhere, in a pod: what it is believed about, and when it isn't."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settlement.errors import AuditFailed
from settlement.steps import tasks
from settlement.steps.place import Place
from settlement.steps.tasks import Candidate
from tests.integration.example import LAST
from tests.integration.house import House
from tests.integration.scheduled import DAY_RUN, OTHER_DAY_RUN, begin, settle
from tests.worlds.plain import rule

pytestmark = pytest.mark.usefixtures("workers")


def built(place: Place) -> tuple[Candidate, Path]:
    """A run's candidate of the stage raw, and where the verdict on it lies once there is one."""
    begin(place, DAY_RUN)
    tasks.build(place, DAY_RUN, "raw")
    found = tasks.candidate(place, DAY_RUN, "raw")
    return found, Path(place.warehouse.verdict(found.build_id))


@pytest.mark.usefixtures("day")
def test_the_verdict_of_an_audit_elsewhere_says_what_that_audit_said() -> None:
    place = Place.open()
    found, path = built(place)
    assert (found.outcome, len(found.files_hash)) == ("sealed", 64)
    said = tasks.audit(place, DAY_RUN, "raw")
    assert json.loads(path.read_text())["files_hash"] == found.files_hash
    assert tasks.verdict(place, DAY_RUN, "raw", found.build_id) == said


def changed(**fields: Any) -> Callable[[Path], None]:
    return lambda path: _write(path, json.dumps({**json.loads(path.read_text()), **fields}))


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


@pytest.mark.fault(16)
@pytest.mark.usefixtures("day")
@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (Path.unlink, "is missing or torn"),
        (lambda path: _write(path, ""), "is missing or torn"),
        (lambda path: _write(path, path.read_text()[:-20]), "is missing or torn"),
        (lambda path: _write(path, "[]"), "is missing or torn"),
        (lambda path: _write(path, '{"passed": true}'), "is missing or torn"),
        (changed(findings=[{"level": "none"}]), "is missing or torn"),
        (changed(files_hash="0" * 64), "is about other files"),
        (changed(passed="yes"), "the audit refuses build"),
    ],
    ids=[
        "lost",
        "empty",
        "truncated",
        "of another form",
        "without its hash",
        "with other findings",
        "of other files",
        "not a yes",
    ],
)
def test_a_verdict_that_is_lost_truncated_or_foreign_passes_nothing(harm: Callable[[Path], None], says: str) -> None:
    place = Place.open()
    found, path = built(place)
    tasks.audit(place, DAY_RUN, "raw")
    harm(path)
    with pytest.raises(AuditFailed, match=says):
        tasks.verdict(place, DAY_RUN, "raw", found.build_id)


@pytest.mark.fault(16)
@pytest.mark.usefixtures("day")
def test_a_verdict_on_a_build_that_the_run_has_replaced_is_not_taken() -> None:
    place = Place.open()
    found, _ = built(place)
    tasks.audit(place, DAY_RUN, "raw")
    tasks.build(place, DAY_RUN, "raw")
    with pytest.raises(AuditFailed, match=rf"build {found.build_id} was audited, and the run has sealed \w+ since"):
        tasks.verdict(place, DAY_RUN, "raw", found.build_id)


def test_a_no_is_a_no_with_its_checks(day: House) -> None:
    day.write_reference("service_rule", (rule("ad_stream", 30_000), rule("download", 0), rule("promo")))
    place = Place.open()
    begin(place, DAY_RUN)
    settle(place, DAY_RUN, "raw")
    tasks.build(place, DAY_RUN, "ods")
    found = tasks.candidate(place, DAY_RUN, "ods")
    for step in (lambda: tasks.audit(place, DAY_RUN, "ods"), lambda: tasks.verdict(place, DAY_RUN, "ods", found.build_id)):
        with pytest.raises(AuditFailed, match=rf"ods {LAST}: the audit refuses build {found.build_id}:\n  ods\."):
            step()


@pytest.mark.usefixtures("day")
def test_what_another_run_has_published_has_no_candidate() -> None:
    place = Place.open()
    for run in (OTHER_DAY_RUN, DAY_RUN):
        begin(place, run)
    settle(place, OTHER_DAY_RUN, "raw")
    tasks.build(place, DAY_RUN, "raw")
    found = tasks.candidate(place, DAY_RUN, "raw")
    assert (found.outcome, found.build_id, found.files_hash) == ("unchanged", "", "")
    assert f"already published by {OTHER_DAY_RUN.run_id}" in found.sentence
