"""User-centric contracts, each on figures worked out by hand (rules §5, §6)."""

from __future__ import annotations

import pytest

from tests.oracle import BadInputError, Value
from tests.oracle.hand import UWON, author_rate, exports_of, picked, share, snapshot, user_centric
from tests.worlds import World
from tests.worlds.plain import other_revenue, payment, plain_world, play
from tests.worlds.world import CsvLine

BOTH = (user_centric(1), user_centric(2))
HALF_OF_REVENUE = author_rate(rev=500_000)


def lines(world: World) -> list[tuple[Value, ...]]:
    """Track, partner, kind, plays, weight, amount and shadow of the author lines."""
    return picked(exports_of(world), "settlement_line", "track_id partner_id kind plays weight amount_uwon pro_rata_uwon")


def charges(**won: int) -> list[CsvLine]:
    """A charge of so many won without VAT by user; `u1=10` is user 1's. None has a subscription."""
    day = "2024-02-01"
    return [payment(day, user, user_id=user[1:], gross_krw=amount * 11 // 10, subscription_id="") for user, amount in won.items()]


def test_a_payer_spreads_over_what_it_heard_and_one_who_heard_nothing_over_the_group() -> None:
    plays = [play("2024-02-01", "a"), play("2024-02-01", "b", track_id=2), play("2024-02-01", "c", user_id=2)]
    world = plain_world(
        *plays,
        money=charges(u01=10, u2=30, u3=20),
        snapshots=[("2024-02-01", snapshot(contracts=BOTH))],
        rate_card=HALF_OF_REVENUE,
    )
    # P = 30 won of R = 60, all user-centric. Users 1 (also written 01), 2 and 3 bring 5, 15 and 10 won.
    # User 1 heard both tracks: 2.5 and 2.5. User 2 heard track 1: 15. User 3 heard neither: Rem = 10 won by weight,
    # 2 : 1, so 6,666,666 and 3,333,333. By plays alone it would be 20 and 10.
    assert lines(world) == [
        (0, 0, "rounding", 0, 0, 1, 0),
        (1, 1, "royalty", 2, 2 * UWON, 24_166_666, 20 * UWON),
        (2, 2, "royalty", 1, 1 * UWON, 5_833_333, 10 * UWON),
    ]


def test_a_rounding_line_is_written_for_the_shadow_alone_too() -> None:
    plays = [play("2024-02-01", "a"), play("2024-02-01", "b"), play("2024-02-01", "c", user_id=2, track_id=2)]
    world = plain_world(
        *plays,
        money=charges(u1=10, u2=10),
        snapshots=[("2024-02-01", snapshot(contracts=BOTH))],
        rate_card=HALF_OF_REVENUE,
    )
    # P = 10 won: 5 of each user for the only track it heard. The shadow is 10 × 2/3 and 10 × 1/3.
    assert lines(world) == [
        (0, 0, "rounding", 0, 0, 0, 1),
        (1, 1, "royalty", 2, 2 * UWON, 5 * UWON, 6_666_666),
        (2, 2, "royalty", 1, 1 * UWON, 5 * UWON, 3_333_333),
    ]


def test_flooring_a_payers_pool_and_its_spread_leaves_rounding() -> None:
    plays = [play("2024-02-01", f"{user}-{n}", user_id=user, track_id=n) for user in (1, 2, 3) for n in (1, 2)]
    world = plain_world(
        *plays,
        money=charges(u1=10, u2=10, u3=10),
        snapshots=[("2024-02-01", snapshot(contracts=BOTH))],
        rate_card=author_rate(rev=333_333),
    )
    # P = 10 won (9,999,990 uwon, half up). Each payer: floor(10,000,000 / 3) = 3,333,333, halved: 1,666,666. Of each
    # track three such parts; left over are 10,000,000 − 6 × 1,666,666 = 4. The shadow halves P without a rest.
    assert lines(world) == [
        (0, 0, "rounding", 0, 0, 4, 0),
        (1, 1, "royalty", 3, 3 * UWON, 4_999_998, 5 * UWON),
        (2, 2, "royalty", 3, 3 * UWON, 4_999_998, 5 * UWON),
    ]


def test_without_a_payer_above_zero_the_groups_part_goes_by_weight() -> None:
    plays = [play("2024-02-01", "a"), play("2024-02-01", "b", user_id=2, track_id=2), play("2024-02-01", "c", track_id=3)]
    refunds = [payment("2024-02-02", "r", kind="refund", refund_of="u1", gross_krw=22)]
    money = [*charges(u1=10, u2=0), *refunds, other_revenue("2024-02-03", "o", 500)]
    world = plain_world(
        *plays,
        money=money,
        snapshots=[("2024-02-01", snapshot(contracts=BOTH))],
        rate_card=author_rate(unit=UWON),
    )
    # P = 3 won, P_uc = 2. User 1 has 10 − 20 won, user 2 nothing, other revenue is no user's: R_uc = 0, Rem = 2 won.
    assert lines(world) == [(n, n, "royalty", 1, UWON, UWON, UWON) for n in (1, 2, 3)]


def test_a_user_below_zero_takes_nothing_from_the_other_payers() -> None:
    plays = [play("2024-02-01", "a"), play("2024-02-01", "b", user_id=2, track_id=2)]
    refund = payment("2024-02-02", "r", kind="refund", refund_of="u1", gross_krw=22)
    world = plain_world(
        *plays,
        money=[*charges(u1=10, u2=10), refund],
        snapshots=[("2024-02-01", snapshot(contracts=BOTH))],
        rate_card=author_rate(unit=2 * UWON),
    )
    # P = 4 won: user 1 has −10 won and counts as 0, user 2 brings all of it.
    assert lines(world) == [(1, 1, "royalty", 1, UWON, 0, 2 * UWON), (2, 2, "royalty", 1, UWON, 4 * UWON, 2 * UWON)]


def test_a_contract_that_starts_inside_the_month_takes_the_plays_from_that_day_on() -> None:
    plays = [
        play("2024-02-14", "a"),
        play("2024-02-15", "b", user_id=2),
        play("2024-02-15", "c", track_id=2),
    ]
    contracts = (user_centric(1, since="2024-02-15"), user_centric(2))
    world = plain_world(
        *plays,
        money=charges(u1=10, u2=30),
        snapshots=[("2024-02-01", snapshot()), ("2024-02-29", snapshot(contracts=contracts))],
        rate_card=author_rate(unit=4 * UWON),
    )
    # P = 12 won; a third (play a) is pro rata: 4 won for track 1. P_uc = 8: user 1 brings 2, of the group it heard
    # track 2 alone; user 2 brings 6 for track 1. Only the month-end snapshot has the contracts.
    assert lines(world) == [
        (1, 1, "royalty", 2, 2 * UWON, 10 * UWON, 8 * UWON),
        (2, 2, "royalty", 1, 1 * UWON, 2 * UWON, 4 * UWON),
    ]


@pytest.mark.parametrize(
    "others",
    [
        {"right_type": "performer"},
        {"service": "download"},
        {"until": "2024-01-31"},
        {"since": "2024-03-01"},
        {"method": "pro_rata"},
    ],
)
def test_a_contract_of_another_right_service_time_or_method_leaves_the_pool_pro_rata(others: dict[str, str]) -> None:
    plays = [play("2024-02-01", "a"), play("2024-02-29", "b", user_id=2, track_id=2)]
    contracts = (user_centric(1, **others), user_centric(2, **others))
    world = plain_world(
        *plays,
        money=charges(u1=10, u2=30),
        snapshots=[("2024-02-01", snapshot(contracts=contracts))],
        rate_card=HALF_OF_REVENUE,
    )
    assert lines(world) == [(n, n, "royalty", 1, UWON, 10 * UWON, 10 * UWON) for n in (1, 2)]


def test_what_is_missing_stays_pro_rata_and_the_group_takes_the_floor() -> None:
    rights = (share(1, 1, 333_333), share(2, 2))
    world = plain_world(
        play("2024-02-01", "a"),
        play("2024-02-01", "b", track_id=2),
        money=charges(u1=10),
        snapshots=[("2024-02-01", snapshot(rights=rights, contracts=(user_centric(1),)))],
        rate_card=author_rate(unit=500_000),
    )
    # P = 1 won, W = 2,000,000: P_uc = floor(1,000,000 × 333,333 / 2,000,000) = 166,666, all of it user 1's for track 1.
    # P_pr = 833,334 over 666,667 and 1,000,000: 333,333.8 and 500,000.2. The shadows: 166,666.5, 333,333.5, 500,000.
    assert lines(world) == [
        (0, 0, "rounding", 0, 0, 1, 1),
        (1, 0, "unmatched", 1, 666_667, 333_333, 333_333),
        (1, 1, "royalty", 1, 333_333, 166_666, 166_666),
        (2, 2, "royalty", 1, 1_000_000, 500_000, 500_000),
    ]


def test_overlapping_contracts_and_those_of_an_unknown_partner_are_refused() -> None:
    for contracts, reason in (
        ((user_centric(1), user_centric(1, since="2024-02-01")), "2 rows of contracts of partner 1"),
        ((user_centric(7),), "contracts name partner 7"),
    ):
        world = plain_world(play("2024-02-01", "a"), snapshots=[("2024-02-01", snapshot(contracts=contracts))])
        with pytest.raises(BadInputError, match=reason):
            exports_of(world)
