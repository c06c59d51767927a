"""Three months, one after the other, by the command; February restated into March, February again and March into April."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from settlement.export import EXPORTS
from settlement.pipeline import days_of
from tests.integration.chained import (
    APRIL,
    APRIL_DAYS,
    FEBRUARY,
    MARCH,
    MARCH_DAYS,
    MONTHS,
    VERSIONS,
    assert_month,
    assert_version,
    chained,
    chained_exports,
    with_other_rates,
)
from tests.integration.house import APPROVER, REQUESTER, Answer, House, Tree
from tests.integration.shelf import lay_out, settle_days
from tests.oracle import Exports, Value
from tests.oracle.conservation import assert_conserved
from tests.properties.occurrences import BOOKS, KINDS, PAID, WINNERS, occurrences

Royalties = Counter[tuple[str, str, str]]


@dataclass(frozen=True)
class Chain:
    """The house after April, what the oracle says, and what partners could see after each step."""

    house: House
    expected: Exports
    published: list[Tree]


@pytest.fixture(scope="module")
def chain(work: Path) -> Chain:
    house = lay_out(chained(), work / "chained")
    other = with_other_rates(house)
    published = []

    def step(answer: Answer) -> None:
        assert answer.code == 0, answer.said
        published.append(house.published())

    step(house.run(FEBRUARY))
    settle_days(house, days_of(MARCH)[:MARCH_DAYS])
    restate(house, FEBRUARY, house.reference)
    step(house.run(MARCH))
    settle_days(house, days_of(APRIL)[:APRIL_DAYS], run_id="first days")
    restate(house, FEBRUARY, house.reference)
    restate(house, MARCH, other.reference)
    step(house.run(APRIL))
    return Chain(house, chained_exports(house, other), published)


def restate(house: House, month: str, reference: Path) -> None:
    """Ask for a restatement by these rates and have it approved; partners see none of it."""
    before = house.published()
    options = ("--reference", reference, "--reason", f"rights of {month}", "--requested-by", REQUESTER)
    for command in (("request", *options), ("approve", "--approved-by", APPROVER)):
        answer = house.command("restate", *command, "--month", month)
        assert answer.code == 0, answer.said
    assert house.published() == before


def royalties(chain: Chain, month: str, version: int) -> Royalties:
    """Won that a version's export gives each partner, product and right type."""
    rows = csv.DictReader(io.StringIO(chain.house.export("statement_royalty", "--month", month, "--version", version).decode()))
    return Counter({(row["partner_id"], row["product_id"], row["right_type"]): int(row["royalty_krw"]) for row in rows})


def deltas(chain: Chain, **equals: Value) -> Royalties:
    """Won that the exported adjustments with these values post to each partner, product and right type."""
    found: Royalties = Counter()
    for month in MONTHS:
        for row in csv.DictReader(io.StringIO(chain.house.export("adjustment", "--month", month).decode())):
            if all(row[name] == str(value) for name, value in equals.items()):
                found[row["partner_id"], row["product_id"], row["right_type"]] += int(row["delta_krw"])
    return found


def differences(new: Royalties, old: Royalties) -> Royalties:
    """What changed, without zeros."""
    return Counter({key: new[key] - old[key] for key in {*new, *old} if new[key] != old[key]})


@pytest.mark.parametrize("month", MONTHS)
def test_every_export_of_a_chained_month_is_what_the_oracle_says(chain: Chain, month: str) -> None:
    assert_month(chain.house, chain.expected, month)
    assert chain.expected.keys() == EXPORTS.keys()


@pytest.mark.parametrize(("month", "version"), VERSIONS)
def test_every_version_is_what_the_oracle_says(chain: Chain, month: str, version: int) -> None:
    assert_version(chain.house, chain.expected, month, version)


def test_everything_that_the_rules_of_a_month_tell_apart_occurs(chain: Chain) -> None:
    world = chained()
    assert_conserved(chain.expected, Counter(line.dt.isoformat() for line in world.plays))
    seen = set(occurrences(world, chain.expected))
    assert not (KINDS | WINNERS | PAID | BOOKS) - seen


@pytest.mark.parametrize(
    ("month", "old", "new", "posted"), [(FEBRUARY, 1, 2, MARCH), (FEBRUARY, 2, 3, APRIL), (MARCH, 1, 2, APRIL)]
)
def test_deltas_are_the_difference_of_two_versions_to_the_won(chain: Chain, month: str, old: int, new: int, posted: str) -> None:
    changed = differences(royalties(chain, month, new), royalties(chain, month, old))
    assert changed
    of_version = deltas(chain, settled_month=month, version_from=old, version_to=new)
    assert of_version == deltas(chain, settled_month=month, version_from=old, version_to=new, posted_month=posted)
    assert of_version == changed


def test_deltas_of_two_restatements_sum_up_to_the_difference_from_what_was_published(chain: Chain) -> None:
    summed = differences(deltas(chain, settled_month=FEBRUARY), Counter())
    assert summed == differences(royalties(chain, FEBRUARY, 3), royalties(chain, FEBRUARY, 1))


def test_a_restatement_leaves_no_statement_and_changes_nothing_that_was_published(chain: Chain) -> None:
    for earlier, later in zip(chain.published, chain.published[1:], strict=False):
        assert earlier
        assert earlier.items() < later.items()
    assert {path.split("/")[1] for path in chain.published[-1]} == {"version=1"}
    assert {partition.version for partition in chain.house.ledger.heads("statements")} == {1}
    answer = chain.house.command("export", "statement", "--month", FEBRUARY, "--version", 2, "--out", chain.house.root / "x")
    assert (answer.code, "nothing published" in answer.said) == (1, True)


def test_each_month_is_closed_once_each_restatement_posted_once_and_the_chain_holds(chain: Chain) -> None:
    house = chain.house
    assert house.counted("closed") == {("", month, 1): 1 for month in MONTHS}
    assert house.counted("posted") == {("", month, version): 1 for month, version in VERSIONS if version > 1}
    assert [(r.partition.key, r.version_from, r.posted_month) for r in house.ledger.restatements()] == [
        (FEBRUARY, 1, MARCH),
        (FEBRUARY, 2, APRIL),
        (MARCH, 1, APRIL),
    ]
    house.assert_chain_holds()
