"""The publication set: one moment of the ledger, whatever is published afterwards; and what a partner is shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.api.planning import plan
from settlement.api.problems import BadQuestion
from settlement.api.publication import Publications, PublicationSet, Published, publication_set
from settlement.api.question import Question
from settlement.errors import NotArrived
from settlement.ledger import Build, Ledger
from settlement.warehouse import Partition
from tests.unit.api.world import ALL, CATALOG, MODEL, OWN

DAY = Partition("2026-02-28")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path, is_anchored=False)


@pytest.fixture
def publications(tmp_path: Path, ledger: Ledger) -> Publications:  # noqa: ARG001  # it makes the database
    return Publications(f"sqlite:///{tmp_path / 'ledger.db'}", tmp_path)


def _publish(ledger: Ledger, stage: str, partition: Partition, build_id: str) -> int:
    head = ledger.head(stage, partition)
    before = head.build_id if head else None
    build = Build(build_id, stage, partition, "run", "release", {}, "inputs", "files", {}, before, {})
    ledger.seal(build)
    return ledger.publish(build, {}, {}).seq


def _set(published: Published, measure: str, scope: object = ALL, **more: object) -> PublicationSet:
    asked = {"measures": [measure], "period": {"from": "2026-02", "to": "2026-02"}, **more}
    assert scope in (ALL, OWN)
    found = plan(MODEL, Question.model_validate(asked), ALL if scope is ALL else OWN)
    return publication_set(published, found, ALL if scope is ALL else OWN, MODEL, CATALOG)


def test_what_was_published_at_a_moment_stays_what_it_was(ledger: Ledger, publications: Publications) -> None:
    first = _publish(ledger, "daily", DAY, "one")
    ledger.append("late", "run", {}, DAY)
    second = _publish(ledger, "daily", DAY, "two")
    assert publications.at(first).heads == {("daily", DAY): "one"}
    assert publications.at(second - 1).heads == {("daily", DAY): "one"}
    assert publications.at().heads == {("daily", DAY): "two"}
    assert publications.at().seq == second
    with pytest.raises(BadQuestion, match="the ledger's last record"):
        publications.at(second + 1)


def test_the_set_has_a_name_of_its_builds_alone(ledger: Ledger, publications: Publications) -> None:
    first = _publish(ledger, "daily", DAY, "one")
    ledger.append("late", "run", {}, DAY)
    sets = [_set(publications.at(seq), "plays") for seq in (first, first + 1)]
    assert sets[0].id == sets[1].id
    _publish(ledger, "daily", DAY, "two")
    assert _set(publications.at(), "plays").id != sets[0].id


def test_days_that_are_not_published_are_named() -> None:
    found = _set(Published(1, {("daily", DAY): "b", ("ods", DAY): "o"}, {}), "plays")
    assert (len(found.missing), found.missing[0], found.catalogue_day) == (27, "2026-02-01", "2026-02-28")
    assert found.open_months == ("2026-02",)
    with pytest.raises(NotArrived, match="nothing is published of 2026-02-01"):
        _set(Published(1, {("daily", Partition("2026-03-01")): "b"}, {}), "plays")


def _two_versions(closed: dict[str, int]) -> Published:
    return Published(1, {("lines", Partition("2026-02", version)): f"b{version}" for version in (1, 2)}, closed)


def _versions(found: PublicationSet) -> list[str]:
    return [build for _, build in found.pins[CATALOG["mart.settlement_line"]]]


def test_a_month_is_read_in_its_closed_version_else_in_its_newest() -> None:
    assert _versions(_set(_two_versions({"2026-02": 1}), "amount_uwon")) == ["b1"]
    assert _versions(_set(_two_versions({}), "amount_uwon")) == ["b2"]
    both = {"filters": [{"dimension": "version", "values": [1, 2]}], "dimensions": ["version"]}
    assert _versions(_set(_two_versions({"2026-02": 1}), "amount_uwon", **both)) == ["b1", "b2"]


def test_a_partner_is_shown_closed_versions_alone() -> None:
    with pytest.raises(NotArrived, match="nothing is closed of 2026-02"):
        _set(_two_versions({}), "amount_uwon", OWN)
    assert _versions(_set(_two_versions({"2026-02": 1}), "amount_uwon", OWN)) == ["b1"]
    other = {"filters": [{"dimension": "version", "values": [2]}]}
    with pytest.raises(NotArrived):
        _set(_two_versions({"2026-02": 1}), "amount_uwon", OWN, **other)
