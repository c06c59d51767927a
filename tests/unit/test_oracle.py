"""The oracle itself: each rule on figures worked out by hand, and money conserved over small worlds."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings

from tests.oracle import BadInputError, Exports, settle_folders
from tests.oracle.conservation import assert_conserved, number
from tests.worlds import World, in_memory, permuted, reference_files, worlds
from tests.worlds.plain import SINCE, catalogue, other_revenue, payment, plain_world, play, rate, rule

UWON = 1_000_000


def settled(world: World) -> Exports:
    return settle_folders(in_memory(world), reference_files(world), list(world.months))


def buckets(world: World) -> list[tuple[object, object]]:
    return [(row["play_id"], row["bucket"]) for row in settled(world)["play_bucket"]]


def revenue(world: World) -> dict[str, tuple[object, ...]]:
    """Recognised, refunded and subscriptions by day."""
    return {str(row["dt"])[5:]: tuple(row.values())[2:] for row in settled(world)["revenue_daily"]}


def test_a_number_and_the_same_digits_in_quotes_are_alike() -> None:
    world = plain_world(play("2024-02-01", 12), play("2024-02-01", "12", track_id="0001"), play("2024-02-01", "012"))
    assert buckets(world) == [("012", "qualified"), ("12", "duplicate"), ("12", "qualified")]


def test_the_korean_date_decides_what_is_future_and_what_is_too_late() -> None:
    starts = {
        "a": "2024-02-14T14:59:59.999999Z",
        "b": "2024-02-14T15:00:00Z",
        "c": "2024-01-14T15:00:00Z",
        "d": "2024-01-14T14:59:59Z",
    }
    world = plain_world(*(play("2024-02-14", name, started_at=start) for name, start in starts.items()))
    # 14 February less 30 days is 15 January, which begins in Korea at 15:00 UTC on the 14th.
    assert buckets(world) == [("a", "qualified"), ("b", "future"), ("c", "qualified"), ("d", "too_late")]


def test_a_copy_is_a_duplicate_for_thirty_days_after_any_row_that_was_not_future() -> None:
    early = play("2024-01-10", "f", started_at="2024-01-12T12:00:00+09:00")
    days = [("a", "2024-01-01"), ("a", "2024-01-31"), ("a", "2024-02-05"), ("b", "2024-01-01"), ("b", "2024-02-01")]
    plays = [play(day, name, started_at="2024-01-01T12:00:00+09:00") for name, day in days]
    world = plain_world(*plays, early, play("2024-01-13", "f"), months=("2024-01", "2024-02"))
    rows = settled(world)["play_bucket"]
    assert [(row["dt"], row["play_id"], row["bucket"]) for row in rows] == [
        ("2024-01-01", "a", "qualified"),
        ("2024-01-01", "b", "qualified"),
        ("2024-01-10", "f", "future"),
        ("2024-01-13", "f", "qualified"),
        ("2024-01-31", "a", "duplicate"),
        ("2024-02-01", "b", "too_late"),
        ("2024-02-05", "a", "duplicate"),
    ]


def test_of_copies_in_one_day_the_earliest_and_then_the_smallest_line_stays() -> None:
    later = play("2024-02-02", "a", started_at="2024-02-02T12:00:01+09:00")
    same = [play("2024-02-02", "a", ms_played=ms) for ms in (60_000, 5)]
    rows = settled(plain_world(later, *same))["play_bucket"]
    # The lines differ in `"ms_played": 5, …` and `"ms_played": 60000, …`: the smaller is the too short one.
    assert [(row["bucket"], row["rows"]) for row in rows] == [("duplicate", 2), ("too_short", 1)]


def test_the_first_bucket_in_the_order_wins() -> None:
    bad = {"flags": ["bot"], "ms_played": 1}
    world = plain_world(play("2024-02-02", "a", product_id="Q", **bad), play("2024-02-02", "b", **bad))
    assert buckets(world) == [("a", "unknown_product"), ("b", "abuse_flag")]


def test_flags_are_abuse_unless_null_or_an_empty_array() -> None:
    flags: dict[str, object] = {"a": None, "b": [], "c": ["mute"], "d": {}, "e": "", "f": False}
    world = plain_world(*(play("2024-02-02", name, flags=value) for name, value in flags.items()))
    assert [bucket for _, bucket in buckets(world)] == ["qualified"] * 2 + ["abuse_flag"] * 4


def test_the_cap_ranks_over_all_products_and_uses_the_rule_of_the_play() -> None:
    products = catalogue(products=(("P", "", "sub_stream", "new", "0"), ("D", "", "download", "new", "0")))
    plays = [
        play("2024-02-02", name, product_id=product, started_at=f"{day}T12:00:00+09:00", ms_played=ms)
        for name, product, day, ms in [
            ("a", "D", "2024-02-02", 60_000),
            ("b", "P", "2024-02-02", 1),
            ("c", "P", "2024-02-02", 60_000),
            ("d", "D", "2024-02-02", 60_000),
            ("e", "P", "2024-02-01", 60_000),
        ]
    ]
    world = plain_world(
        *plays,
        snapshots=[("2024-02-01", products)],
        rate_card=rate("sub_stream", unit=0) + rate("download", unit=0),
        service_rules=(rule("sub_stream", cap=1), rule("download", 0)),
    )
    # c is second after a; d has no cap; e started on another day; b was too short and takes no place.
    assert [bucket for _, bucket in buckets(world)] == ["qualified", "too_short", "over_cap", "qualified", "qualified"]


def test_a_payment_loses_its_vat_and_is_spread_to_the_last_micro_won() -> None:
    world = plain_world(money=[payment("2024-02-01", "a", service_end="2024-02-03")])
    # 11 × 10/11 = 10 won; floor(10,000,000 × k / 3) = 3,333,333, 6,666,666, 10,000,000
    assert revenue(world) == {"02-01": (3_333_333, 0, 1), "02-02": (3_333_333, 0, 1), "02-03": (3_333_334, 0, 1)}


def test_what_was_due_before_landing_is_recognised_on_the_landing_day() -> None:
    world = plain_world(money=[payment("2024-02-03", "a", service_start="2024-02-01", service_end="2024-02-04")])
    assert revenue(world) == {"02-03": (7_500_000, 0, 1), "02-04": (2_500_000, 0, 1)}


def test_a_refund_takes_its_charges_channel_and_date_but_its_own_amounts() -> None:
    store = {"sale_channel": "app_store", "gross_krw": 1_300, "web_price_krw": 1_000}
    refund = {"kind": "refund", "gross_krw": 130, "web_price_krw": 100}
    money = [
        payment("2024-02-02", "c", **store),
        payment("2024-02-03", "r", refund_of="c", **refund),
        payment("2024-02-03", "u", refund_of="r", **refund),
        payment("2024-02-04", "d", **store),
    ]
    rows = settled(plain_world(money=money, in_app_rules=(("2024-02-01", "2024-02-03", ""),)))["payment_bucket"]
    # Times 10/11: 1,000 and −100 (c was sold in a store in the rule's time), −130 (r is no charge), 1,300 (no rule).
    expected = {"c": 909_090_909, "r": -90_909_090, "u": -118_181_818, "d": 1_181_818_181}
    assert {row["payment_id"]: row["base_uwon"] for row in rows} == expected


def test_a_payment_id_counts_once_by_landing_day_then_instant_then_raw_line() -> None:
    money = [payment("2024-02-02", "a", gross_krw=22), payment("2024-02-02", "a"), payment("2024-02-01", "b")]
    money += [payment("2024-02-03", "b", paid_at="2024-01-01T00:00:00Z"), payment("2024-02-02", "a", gross_krw=33)]
    exports = settled(plain_world(money=money))
    assert [tuple(row.values()) for row in exports["payment_bucket"]] == [
        ("2024-02-01", "b", "counted", 1, 10 * UWON),
        ("2024-02-02", "a", "counted", 1, 10 * UWON),
        ("2024-02-02", "a", "duplicate", 2, 50 * UWON),
        ("2024-02-03", "b", "duplicate", 1, 10 * UWON),
    ]
    assert [row["recognised_uwon"] for row in exports["revenue_daily"]] == [10 * UWON, 10 * UWON]


def test_a_subscriber_is_a_subscription_with_a_positive_net_on_some_day() -> None:
    give_back = {"kind": "refund", "refund_of": "a", "user_id": 2}
    money = [
        payment("2024-02-01", "a"),
        payment("2024-02-01", "r", **give_back),
        payment("2024-02-02", "b", subscription_id=2),
        payment("2024-02-03", "s", subscription_id=2, **give_back),
        payment("2024-02-03", "o", subscription_id=""),
    ]
    world = plain_world(money=money)
    assert revenue(world) == {"02-01": (0, 10 * UWON, 0), "02-02": (10 * UWON, 0, 1), "02-03": (0, 10 * UWON, 0)}
    assert {row["subscribers"] for row in settled(world)["pool"]} == {1}


def test_other_revenue_counts_once_by_landing_day_then_raw_line() -> None:
    money = [other_revenue("2024-02-02", "a", 7), other_revenue("2024-02-02", "a", 50)]
    money += [other_revenue("2024-02-03", "a", 1), other_revenue("2024-02-03", "b", -2)]
    assert revenue(plain_world(money=money)) == {"02-02": (50 * UWON, 0, 0), "02-03": (-2 * UWON, 0, 0)}


@pytest.mark.parametrize(
    ("legs", "winner", "pool_krw"),
    [
        ((1_000_000, 2, 200_000), "unit_leg", 2),
        ((1, 2, 200_000), "sub_leg", 2),
        (("", "", 49_999), "rev_leg", 0),
        (("", "", 50_000), "rev_leg", 1),
        ((0, "", ""), "unit_leg", 0),
    ],
)
def test_the_largest_leg_is_the_pool_and_ties_go_unit_sub_rev(legs: tuple[object, ...], winner: str, pool_krw: int) -> None:
    # N = 2, S = 1, R = 10 won
    plays = [play("2024-02-01", "a"), play("2024-02-02", "b")]
    exports = settled(plain_world(*plays, money=[payment("2024-02-01", "c")], rate_card=rate("sub_stream", *legs)))
    assert [(row["winner"], row["pool_krw"]) for row in exports["pool"]] == [(winner, pool_krw)] * 3


def test_no_pool_rows_and_promo_give_no_pool_and_a_missing_row_is_refused() -> None:
    promo = catalogue(products=(("P", "", "sub_stream", "new", "0"), ("F", "", "promo", "new", "0")))
    snapshots = [("2024-02-01", promo)]
    no_pool = plain_world(snapshots=snapshots, rate_card=rate("sub_stream", no_pool=True))
    assert settled(no_pool)["pool"] == settled(no_pool)["settlement_line"] == []
    with pytest.raises(BadInputError, match="rate card sub_stream, new"):
        settled(plain_world(snapshots=snapshots, rate_card=rate("download", unit=1)))


def test_a_negative_revenue_is_carried_even_past_a_month_without_the_product() -> None:
    both = catalogue(products=(("P", "", "sub_stream", "new", "0"), ("Q", "", "sub_stream", "new", "0")))
    money = [other_revenue("2024-01-05", "a", -30, "Q"), other_revenue("2024-03-05", "b", 20, "Q")]
    world = plain_world(
        money=money,
        months=("2024-01", "2024-02", "2024-03", "2024-04"),
        snapshots=[("2024-01-01", both), ("2024-02-01", catalogue()), ("2024-03-01", both)],
        rate_card=rate("sub_stream", rev=500_000),
    )
    rows = [row for row in settled(world)["pool"] if row["product_id"] == "Q" and row["right_type"] == "author"]
    figures = [(row["month"], row["carry_uwon"], row["revenue_uwon"], row["rev_leg_uwon"]) for row in rows]
    assert figures == [
        ("2024-01", 0, -30 * UWON, 0),
        ("2024-03", -30 * UWON, -10 * UWON, 0),
        ("2024-04", -10 * UWON, -10 * UWON, 0),
    ]


def author_rows(world: World, name: str) -> list[tuple[object, ...]]:
    """Rows of the author pool, without month, version, product and right type."""
    hidden = {"month", "version", "product_id", "right_type"}
    rows = [row for row in settled(world)[name] if row["right_type"] == "author"]
    return [tuple(value for column, value in row.items() if column not in hidden) for row in rows]


def test_shares_are_those_of_the_landing_day_and_what_is_missing_is_unmatched() -> None:
    rights = (
        ("1", "author", "1", "1000000", SINCE, "2024-02-09"),
        ("1", "author", "2", "500000", "2024-02-10", ""),
        ("9", "author", "1", "1000000", SINCE, ""),
    )
    late = play("2024-02-10", "b", started_at="2024-02-09T12:00:00+09:00")
    world = plain_world(
        play("2024-02-09", "a"),
        late,
        play("2024-02-10", "c", track_id=9),
        snapshots=[("2024-02-01", catalogue(rights=rights))],
    )
    # Pool 3 won of 3 plays, so a whole play is a won; track 9 isn't in `tracks`, whatever `rights` says.
    assert author_rows(world, "settlement_line") == [
        (1, 0, "unmatched", 1, 500_000, 500_000, 500_000),
        (1, 1, "royalty", 1, 1_000_000, 1_000_000, 1_000_000),
        (1, 2, "royalty", 1, 500_000, 500_000, 500_000),
        (9, 0, "unmatched", 1, 1_000_000, 1_000_000, 1_000_000),
    ]


def test_what_flooring_leaves_is_a_rounding_line_and_won_go_by_largest_remainder() -> None:
    rights = tuple(("1", "author", partner, "333333", SINCE, "") for partner in "123")
    world = plain_world(
        play("2024-02-01", "a"),
        play("2024-02-02", "b", track_id=2),
        snapshots=[("2024-02-01", catalogue(rights=rights))],
        rate_card=rate("sub_stream", unit=2_500_000 + 1),
    )
    # Pool: 5,000,002 → 5 won; W = 2,000,000. A third of track 1: 5,000,000 × 333,333 / 2,000,000 = 833,332.5;
    # missing are 1 ppm of track 1 and all of track 2.
    assert author_rows(world, "settlement_line") == [
        (0, 0, "rounding", 0, 0, 2, 2),
        (1, 0, "unmatched", 1, 1, 2, 2),
        *((1, partner, "royalty", 1, 333_333, 833_332, 833_332) for partner in (1, 2, 3)),
        (2, 0, "unmatched", 1, 1_000_000, 2_500_000, 2_500_000),
    ]
    # 2 won are whole (suspense), 3 are left: remainders 833,332 three times, then 500,004.
    assert author_rows(world, "statement_royalty") == [(0, 2_500_004, 2), *((p, 833_332, 1) for p in (1, 2, 3))]


def test_equal_remainders_go_by_partner_id() -> None:
    rights = tuple(("1", "author", partner, "250000", SINCE, "") for partner in "1234")
    snapshots = [("2024-02-01", catalogue(rights=rights))]
    world = plain_world(play("2024-02-01", "a"), snapshots=snapshots, rate_card=rate("sub_stream", unit=2_000_000))
    assert author_rows(world, "statement_royalty") == [
        (1, 500_000, 1),
        (2, 500_000, 1),
        (3, 500_000, 0),
        (4, 500_000, 0),
    ]


def test_a_pool_without_plays_goes_to_suspense_whole() -> None:
    world = plain_world(money=[payment("2024-02-01", "a")], rate_card=rate("sub_stream", rev=500_000))
    assert author_rows(world, "settlement_line") == [(0, 0, "no_plays", 0, 0, 5 * UWON, 5 * UWON)]
    assert author_rows(world, "statement_royalty") == [(0, 5 * UWON, 5)]


def test_shares_above_the_whole_are_refused() -> None:
    rights = (("1", "author", "1", "600000", SINCE, ""), ("1", "author", "2", "600000", SINCE, ""))
    with pytest.raises(BadInputError, match="exceed the whole"):
        settled(plain_world(play("2024-02-01", "a"), snapshots=[("2024-02-01", catalogue(rights=rights))]))


def test_money_is_conserved_and_every_bucket_line_kind_and_leg_occurs() -> None:
    seen: Counter[object] = Counter()

    @settings(max_examples=100, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(worlds())
    def check(world: World) -> None:
        exports = settled(world)
        assert_conserved(exports, Counter(str(play.dt) for play in world.plays))
        assert settled(permuted(world, seed=1)) == exports
        seen.update(row["bucket"] for name in ("usage_buckets", "payment_bucket") for row in exports[name])
        seen.update(row["kind"] for row in exports["settlement_line"])
        seen.update(row["winner"] for row in exports["pool"] if number(row, "pool_krw"))
        seen.update("carry" for row in exports["pool"] if number(row, "carry_uwon") < 0)

    check()
    play_buckets = "malformed future duplicate too_late unknown_product abuse_flag too_short over_cap qualified"
    expected = f"{play_buckets} counted royalty unmatched rounding no_plays unit_leg sub_leg rev_leg carry"
    assert set(seen) == set(expected.split()), seen
