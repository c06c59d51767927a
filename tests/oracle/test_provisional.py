"""Provisional daily lines, on figures worked out by hand (rules §9)."""

from __future__ import annotations

from tests.oracle import Value
from tests.oracle.hand import UWON, author_rate, exports_of, picked, share, snapshot, user_centric
from tests.worlds import World
from tests.worlds.plain import PRODUCTS, other_revenue, payment, plain_world, play, rate

PROMO = ("F", "", "promo", "new", "0")


def lines(world: World, *days: int) -> list[tuple[Value, ...]]:
    """Day, product, track, partner, kind, plays, weight and amount of the lines of these days of February 2024."""
    columns = "dt product_id track_id partner_id kind plays weight amount_uwon"
    rows = picked(exports_of(world), "settlement_daily", columns)
    return [(int(str(row[0])[-2:]), *row[1:]) for row in rows if int(str(row[0])[-2:]) in days]


def test_a_day_is_the_larger_of_its_plays_and_its_revenue_without_subscribers() -> None:
    plays = [play("2024-02-02", "a"), play("2024-02-03", "b"), play("2024-02-03", "c", track_id=2)]
    money = [payment("2024-02-02", "m"), other_revenue("2024-02-03", "n", -100), other_revenue("2024-02-05", "o", 7)]
    world = plain_world(
        *plays,
        money=money,
        snapshots=[("2024-02-01", snapshot(products=(*PRODUCTS, PROMO)))],
        rate_card=author_rate(unit=400_000, sub=1_000, rev=500_000),
    )
    # 2nd: 0.4 won of plays, 5 of 10 won of revenue. 3rd: a negative revenue is 0; 0.8 won of plays are 1 won, halved.
    # 4th: nothing, which goes to suspense. 5th: 3.5 won are 4, no plays; what the 3rd owes isn't carried.
    assert lines(world, 2, 3, 4, 5) == [
        (2, "P", 1, 1, "royalty", 1, UWON, 5 * UWON),
        (3, "P", 1, 1, "royalty", 1, UWON, 500_000),
        (3, "P", 2, 2, "royalty", 1, UWON, 500_000),
        (4, "P", 0, 0, "no_plays", 0, 0, 0),
        (5, "P", 0, 0, "no_plays", 0, 0, 4 * UWON),
    ]


def test_a_subscriber_price_alone_no_pool_and_no_row_that_day_give_no_provisional_pool() -> None:
    plays = [play(f"2024-02-{day}", day) for day in ("14", "15", "16")]
    for rates in (author_rate(sub=700), rate("sub_stream", unit=1, no_pool=True)):
        assert lines(plain_world(*plays, rate_card=rates), *range(1, 30)) == []
    until = plain_world(*plays, snapshots=[("2024-02-01", snapshot())], rate_card=author_rate(unit=UWON, until="2024-02-15"))
    assert {line[0] for line in lines(until, *range(1, 30))} == set(range(1, 16))


def test_a_day_is_read_from_its_own_snapshot_and_is_all_pro_rata() -> None:
    contracts = (user_centric(1), user_centric(2))
    halves = (share(1, 1, 500_000), share(1, 2, 250_000))
    added = (*PRODUCTS, ("Q", "", "sub_stream", "legacy", "0"))
    plays = [play("2024-02-02", "a"), play("2024-02-03", "b"), play("2024-02-03", "c", user_id=2, track_id=2)]
    world = plain_world(
        *plays,
        money=[payment("2024-02-03", "m", user_id=2)],
        snapshots=[
            ("2024-02-01", snapshot(contracts=contracts)),
            ("2024-02-03", snapshot(contracts=contracts, rights=halves, products=added)),
            ("2024-02-04", snapshot(contracts=contracts)),
        ],
        rate_card=author_rate(unit=1_500_000),
    )
    # 2nd: 1.5 won are 2. 3rd: 3 won over 2 plays, a quarter of the first and all of the second unmatched, whoever pays;
    # a product of that day's snapshot alone has a pool too.
    assert lines(world, 2, 3) == [
        (2, "P", 1, 1, "royalty", 1, UWON, 2 * UWON),
        (3, "P", 1, 0, "unmatched", 1, 250_000, 375_000),
        (3, "P", 1, 1, "royalty", 1, 500_000, 750_000),
        (3, "P", 1, 2, "royalty", 1, 250_000, 375_000),
        (3, "P", 2, 0, "unmatched", 1, UWON, 1_500_000),
        (3, "Q", 0, 0, "no_plays", 0, 0, 0),
    ]


def test_a_days_rounding_is_a_line_and_a_contract_moves_none_of_it() -> None:
    halves = (share(1, 1, 500_000), share(1, 2, 500_000), share(2, 2))
    plays = [play("2024-02-02", "a"), play("2024-02-02", "b", track_id=2), play("2024-02-02", "c", track_id=2)]
    world = plain_world(
        *plays,
        snapshots=[("2024-02-01", snapshot(rights=halves, contracts=(user_centric(1),)))],
        rate_card=author_rate(unit=UWON // 3),
    )
    # 0.999999 won are 1, over W = 3,000,000: sixths and two thirds. Were partner 1 paid by user, P_pr would be 833,334,
    # and track 2 would get four fifths of that, 666,667.
    assert lines(world, 2) == [
        (2, "P", 0, 0, "rounding", 0, 0, 2),
        (2, "P", 1, 1, "royalty", 1, 500_000, 166_666),
        (2, "P", 1, 2, "royalty", 1, 500_000, 166_666),
        (2, "P", 2, 2, "royalty", 2, 2_000_000, 666_666),
    ]


def test_a_negative_revenue_is_a_pool_of_nothing() -> None:
    world = plain_world(money=[other_revenue("2024-02-02", "n", -100)], rate_card=author_rate(rev=500_000))
    assert lines(world, 2) == [(2, "P", 0, 0, "no_plays", 0, 0, 0)]
