"""Two processes at work on one partition: exactly one publishes, the other says so, and nothing is ever mixed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.faults.processes import Processes
from tests.faults.racing import Barrier, Racer, command, publish_stage
from tests.integration.example import LAST, MONTH
from tests.integration.house import House
from tests.integration.shelf import Shelf, settle_day_stage
from tests.worlds.plain import rate, rule

HouseIn = Callable[[str], House]
FREEZING = Barrier("settlement.release:rename")
MIGRATING = Barrier("settlement.ledger.store:_locked")
SETTLING_DAYS = Barrier("settlement.run:build_tables", "ods")
BUILDING_POOLS = Barrier("settlement.run:build_tables", "pools")
BUILDING_LINES = Barrier("settlement.run:build_tables", "lines")
CLOSING = Barrier("settlement.ledger.ledger:append_transaction", inside="settlement.steps.month:close")


def both_to_the_barrier(one: Racer, other: Racer) -> None:
    one.wait_at_barrier()
    other.wait_at_barrier()


def with_other_rules(house: House, table: str) -> House:
    """The same landing and warehouse under other reference rows."""
    rows = {
        "service_rule": (rule("sub_stream", 70_000), rule("ad_stream", 30_000), rule("download", 0), rule("promo")),
        "rate_card": (*rate("sub_stream", unit=999_999), *rate("ad_stream", rev=1), *rate("download", no_pool=True)),
    }
    twin = House(house.root / "other", house.warehouse)
    twin.root.mkdir()
    shutil.copytree(house.reference, twin.reference)
    twin.landing.symlink_to(house.landing)
    twin.write_reference(table, rows[table])
    return twin


@pytest.mark.parametrize("stage", ["raw", "ods"])
@pytest.mark.fault(9, 27)
def test_of_two_with_the_same_content_one_publishes_and_the_other_names_it(
    stage: str, processes: Processes, house_in: HouseIn
) -> None:
    house = house_in("almost")
    if stage == "ods":
        settle_raw(house)
    racers = {
        name: Racer(processes, publish_stage, house, name, stage, LAST, log=house.root / name) for name in ("run-1", "run-2")
    }
    both_to_the_barrier(*racers.values())
    for racer in racers.values():
        racer.let_go()
    said = {name: racer.result() for name, racer in racers.items()}
    winner = next(name for name, (outcome, _) in said.items() if outcome == "new")
    loser = next(name for name in said if name != winner)
    assert said[loser] == ("same", winner)
    assert house.counted("published")[stage, LAST, 0] == 1
    house.assert_chain_holds()


@pytest.mark.fault(9, 27)
def test_of_two_with_other_content_one_publishes_and_the_other_is_refused(processes: Processes, house_in: HouseIn) -> None:
    house = house_in("almost")
    settle_raw(house)
    twin = with_other_rules(house, "service_rule")
    racers = {
        name: Racer(processes, publish_stage, place, name, "ods", LAST, log=house.root / name)
        for name, place in (("run-1", house), ("run-2", twin))
    }
    both_to_the_barrier(*racers.values())
    for racer in racers.values():
        racer.let_go()
    said = {name: racer.result() for name, racer in racers.items()}
    winner = next(name for name, (outcome, _) in said.items() if outcome == "new")
    loser = next(name for name in said if name != winner)
    refusal, message = said[loser]
    assert refusal == "PublishRefused"
    assert f"ods {LAST} was published by run {winner}" in message
    assert "nothing of this run was published" in message
    assert house.counted("published")["ods", LAST, 0] == 1
    house.assert_chain_holds()


def test_a_pin_that_moved_after_the_audit_is_stale(processes: Processes, house_in: HouseIn) -> None:
    house = house_in("almost")
    settle_raw(house)
    racer = Racer(processes, publish_stage, house, "run-1", "ods", LAST, log=house.root / "run-1")
    racer.wait_at_barrier()
    redelivered(house)
    racer.let_go()
    refusal, message = racer.result()
    assert refusal == "PublishRefused"
    assert f"ods {LAST} is stale: it read raw {LAST} as build" in message
    assert ("ods", LAST, 0) not in house.heads()


def settle_raw(house: House) -> None:
    settle_day_stage(house.context("before"), house.landing, "raw", LAST)


def redelivered(house: House) -> None:
    """The last day lands again without its plays, is accepted and ingested."""
    house.land("plays", LAST, {})
    answer = house.command("landing", "accept", "--landing", house.landing, "--day", LAST, "--by", "Bea", "--reason", "test")
    assert answer.code == 0, answer.err
    settle_raw(house)


@pytest.mark.fault(27)
def test_two_runs_at_once_settle_the_month_once(processes: Processes, shelf: Shelf, house_in: HouseIn) -> None:
    """Both freeze the rules, settle the last three days and then the month, side by side."""
    house = house_in("early")
    shutil.rmtree(house.warehouse / "releases")
    racers = [Racer(processes, command, house.run_arguments(by=name), FREEZING, log=house.root / name) for name in ("Ann", "Cho")]
    both_to_the_barrier(*racers)
    for racer in racers:
        racer.let_go()
    codes = [racer.result() for racer in racers]
    said = [racer.log.read_text("utf-8") for racer in racers]
    assert 0 in codes
    for code, words in zip(codes, said, strict=True):
        assert "Traceback" not in words
        assert code == 0 or "error: " in words
    assert house.run(by="Dan").code == 0
    assert house.exports() == shelf.expected()
    house.assert_chain_holds()
    for kind in ("published", "closed"):
        assert set(house.counted(kind).values()) == {1}
    assert house.published().keys() == shelf.published().keys()


def test_statements_that_are_published_are_not_replaced_under_their_number(processes: Processes, house_in: HouseIn) -> None:
    """One run has reserved version 1 and stops; another, under other rules, takes the number over and closes the month."""
    house = house_in("days")
    twin = with_other_rules(house, "rate_card")
    slow = Racer(processes, command, house.run_arguments(approver=None), BUILDING_POOLS, log=house.root / "slow")
    slow.wait_at_barrier()
    assert twin.run().code == 0
    closed, heads, reports = twin.exports(), twin.heads(), twin.published()
    slow.let_go()
    assert slow.result() == 1
    assert "Traceback" not in slow.log.read_text("utf-8")
    assert twin.heads() == heads
    assert twin.exports() == closed
    assert twin.published() == reports


@pytest.mark.fault(29)
def test_lines_are_not_made_from_the_pools_of_other_rules(processes: Processes, house_in: HouseIn) -> None:
    """One run has published its pools of version 1 and stops; another, under other rules, puts its own in their place."""
    house = house_in("days")
    twin = with_other_rules(house, "rate_card")
    slow = Racer(processes, command, house.run_arguments(), BUILDING_LINES, log=house.root / "slow")
    slow.wait_at_barrier()
    fast = Racer(processes, command, twin.run_arguments(), BUILDING_LINES, log=house.root / "fast")
    fast.wait_at_barrier()
    slow.let_go()
    assert slow.result() == 1
    assert "error: " in slow.log.read_text("utf-8")
    house.assert_nothing_published()
    fast.let_go()
    assert fast.result() == 0
    assert house.exports() == twin.expected()


def test_of_two_runs_with_other_rules_one_closes_the_month(processes: Processes, house_in: HouseIn) -> None:
    """One run has delivered version 1 and is about to close; another has made and closes version 2."""
    house = house_in("days")
    twin = with_other_rules(house, "rate_card")
    slow = Racer(processes, command, house.run_arguments(), CLOSING, log=house.root / "slow")
    slow.wait_at_barrier()
    fast = twin.run()
    slow.let_go()
    codes = [fast.code, slow.result()]
    assert sorted(codes) == [0, 1]
    assert sum(house.counted("closed").values()) == 1
    versions = {path.split("/")[1] for path in house.published() if path.endswith("_SUCCESS")}
    assert len(versions) == 1, f"{MONTH} is published as {versions}"


@pytest.mark.fault(28)
def test_days_of_a_month_that_was_closed_meanwhile_are_not_replaced(processes: Processes, house_in: HouseIn) -> None:
    """One run is about to settle the days anew, under another minimum play; another closes the month first."""
    house = house_in("days")
    twin = with_other_rules(house, "service_rule")
    slow = Racer(processes, command, twin.run_arguments(), SETTLING_DAYS, log=house.root / "slow")
    slow.wait_at_barrier()
    assert house.run().code == 0
    heads, exports = house.heads(), house.exports()
    slow.let_go()
    assert slow.result() == 1
    assert house.heads() == heads
    assert house.exports() == exports


def test_two_processes_make_one_ledger(processes: Processes, house_in: HouseIn) -> None:
    house = house_in("new")
    racers = [Racer(processes, command, house.run_arguments(f"2030-0{n}"), MIGRATING, log=house.root / str(n)) for n in (1, 2)]
    both_to_the_barrier(*racers)
    for racer in racers:
        racer.let_go()
    assert [racer.result() for racer in racers] == [1, 1]
    for racer in racers:
        assert "plays/dt=2030-0" in racer.log.read_text("utf-8")
        assert "has not arrived" in racer.log.read_text("utf-8")
    house.assert_chain_holds()
