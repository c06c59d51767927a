"""Statements, advances and what is carried from month to month, on figures worked out by hand (rules §7)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.oracle import BadInputError, Exports, Value
from tests.oracle.hand import A_THOUSAND, author_rate, exports_of, partner, picked, snapshot, user_centric
from tests.worlds import PlayLine, Snapshot, World
from tests.worlds.plain import payment, plain_world, play

JANUARY, FEBRUARY, MARCH = MONTHS = ("2024-01", "2024-02", "2024-03")
PAYING = "royalty_krw recouped_krw carried_in_krw due_krw payable_krw carried_out_krw"


def world_of(*plays: PlayLine, snapshots: Sequence[tuple[str, Snapshot]] = (), months: tuple[str, ...] = MONTHS) -> World:
    """Months in which a play is 1,000 won."""
    given = snapshots or [(f"{months[0]}-01", snapshot())]
    return plain_world(*plays, months=months, snapshots=given, rate_card=A_THOUSAND)


def statements_of(exports: Exports, partner_id: int, columns: str = PAYING) -> dict[Value, tuple[Value, ...]]:
    """A partner's statements by month."""
    return {row[0]: row[1:] for row in picked(exports, "statement", f"month {columns}", partner_id=partner_id)}


def test_each_tax_kind_is_figured_from_what_is_payable_and_floored() -> None:
    kinds = partner(1, "vat_invoice"), partner(2, "withholding"), partner(3, "exempt")
    plays = [play("2024-02-01", name, track_id=track) for name, track in (("a", 1), ("b", 2), ("c", 3))]
    world = plain_world(*plays, snapshots=[("2024-02-01", snapshot(partners=kinds))], rate_card=author_rate(unit=1_015_000_000))
    # 1,015 won each: VAT floor(101.5) on top; floor(33.495) taken off. Suspense has nothing, and a statement.
    columns = "partner_id payable_krw vat_krw withheld_krw paid_krw"
    assert picked(exports_of(world), "statement", columns) == [
        (0, 0, 0, 0, 0),
        (1, 1_015, 101, 0, 1_116),
        (2, 1_015, 0, 33, 982),
        (3, 1_015, 0, 0, 1_015),
    ]


def test_the_least_payment_that_withholds_a_won() -> None:
    # floor(30 × 33 / 1000) = 0, floor(31 × 33 / 1000) = 1.
    for won, withheld in ((30, 0), (31, 1)):
        world = plain_world(
            play("2024-02-01", "a"),
            snapshots=[("2024-02-01", snapshot(partners=[partner(1, "withholding")]))],
            rate_card=author_rate(unit=won * 1_000_000),
        )
        row = statements_of(exports_of(world), 1, "withheld_krw paid_krw")
        assert row == {"2024-02": (withheld, won - withheld)}


def test_what_is_below_the_threshold_waits_and_what_meets_it_is_paid() -> None:
    world = world_of(
        play("2024-01-05", "a"),
        play("2024-02-05", "b"),
        snapshots=[("2024-01-01", snapshot(partners=[partner(1, "vat_invoice", threshold=2_000)]))],
    )
    # In March there is no line and nothing carried in: no statement.
    assert statements_of(exports_of(world), 1, f"{PAYING} vat_krw paid_krw") == {
        JANUARY: (1_000, 0, 0, 1_000, 0, 1_000, 0, 0),
        FEBRUARY: (1_000, 0, 1_000, 2_000, 2_000, 0, 200, 2_200),
    }


def test_what_was_carried_in_gives_a_statement_without_a_line() -> None:
    world = world_of(play("2024-01-05", "a"), snapshots=[("2024-01-01", snapshot(partners=[partner(1, threshold=1_001)]))])
    assert statements_of(exports_of(world), 1) == {
        JANUARY: (1_000, 0, 0, 1_000, 0, 1_000),
        FEBRUARY: (0, 0, 1_000, 1_000, 0, 1_000),
        MARCH: (0, 0, 1_000, 1_000, 0, 1_000),
    }


def test_a_line_of_nothing_gives_a_statement_of_nothing() -> None:
    plays = [play("2024-02-01", "a"), play("2024-02-01", "b", user_id=2, track_id=2)]
    world = plain_world(
        *plays,
        money=[payment("2024-02-01", "m")],
        snapshots=[("2024-02-01", snapshot(contracts=(user_centric(1), user_centric(2))))],
        rate_card=author_rate(rev=1_000_000),
    )
    # User 1 alone pays, 10 won, and heard track 1: partner 2 has a line of 0.
    exports = exports_of(world)
    assert statements_of(exports, 1) == {"2024-02": (10, 0, 0, 10, 10, 0)}
    assert statements_of(exports, 2) == {"2024-02": (0, 0, 0, 0, 0, 0)}


@pytest.mark.parametrize(("active_to", "payable"), [("2024-02-28", 1_000), ("2024-02-29", 0), ("", 0)])
def test_a_partner_that_left_before_the_months_last_day_is_paid_below_its_threshold(active_to: str, payable: int) -> None:
    gone = partner(1, threshold=50_000, active_to=active_to)
    world = world_of(play("2024-02-01", "a"), snapshots=[("2024-02-01", snapshot(partners=[gone]))], months=(FEBRUARY,))
    assert statements_of(exports_of(world), 1) == {FEBRUARY: (1_000, 0, 0, 1_000, payable, 1_000 - payable)}


def test_advances_are_taken_back_oldest_first_from_the_months_net() -> None:
    advances = (
        ("b", "1", "2024-01-31", "500"),
        ("a", "1", "2024-01-31", "400"),
        ("z", "1", "2023-12-05", "300"),
        ("f", "1", "2024-02-01", "100"),
        ("o", "2", "2024-01-01", "900"),
    )
    world = world_of(
        play("2024-01-05", "a"),
        play("2024-02-05", "b"),
        snapshots=[("2024-01-01", snapshot(partners=[partner(1, threshold=800)], advances=advances))],
    )
    exports = exports_of(world)
    # January: z (300), then of the same day a (400) and 300 of b (500); f isn't granted yet. February: b's 200, f.
    # Partner 2 has no statement, its advance a row.
    rows = picked(exports, "advance_recoup", "month advance_id partner_id open_before_krw recouped_krw open_after_krw")
    assert rows == [
        (JANUARY, "a", 1, 400, 400, 0),
        (JANUARY, "b", 1, 500, 300, 200),
        (JANUARY, "o", 2, 900, 0, 900),
        (JANUARY, "z", 1, 300, 300, 0),
        (FEBRUARY, "a", 1, 0, 0, 0),
        (FEBRUARY, "b", 1, 200, 200, 0),
        (FEBRUARY, "f", 1, 100, 100, 0),
        (FEBRUARY, "o", 2, 900, 0, 900),
        (FEBRUARY, "z", 1, 0, 0, 0),
        *((MARCH, advance, 1, 0, 0, 0) for advance in "abf"),
        (MARCH, "o", 2, 900, 0, 900),
        (MARCH, "z", 1, 0, 0, 0),
    ]
    # 1,000 taken back in January; 300 in February, and 700 is below the threshold. In March nothing is left to take.
    assert statements_of(exports, 1) == {
        JANUARY: (1_000, 1_000, 0, 0, 0, 0),
        FEBRUARY: (1_000, 300, 0, 700, 0, 700),
        MARCH: (0, 0, 700, 700, 0, 700),
    }


def test_what_is_carried_in_pays_no_advance_back() -> None:
    partners = [partner(1, threshold=5_000)]
    later = snapshot(partners=partners, advances=(("a", "1", "2024-02-29", "400"),))
    world = world_of(play("2024-01-05", "a"), snapshots=[("2024-01-01", snapshot(partners=partners)), ("2024-02-29", later)])
    exports = exports_of(world)
    assert picked(exports, "advance_recoup", "month recouped_krw open_after_krw") == [(FEBRUARY, 0, 400), (MARCH, 0, 400)]
    assert statements_of(exports, 1)[MARCH] == (0, 0, 1_000, 1_000, 0, 1_000)


def test_an_advance_that_the_snapshot_lost_keeps_its_row_and_is_taken_back() -> None:
    lost = snapshot(advances=(("a", "1", "2024-01-01", "1500"),))
    world = world_of(
        *(play(f"{month}-05", month) for month in MONTHS), snapshots=[("2024-01-01", lost), ("2024-02-01", snapshot())]
    )
    rows = picked(exports_of(world), "advance_recoup", "month open_before_krw recouped_krw open_after_krw")
    assert rows == [(JANUARY, 1_500, 1_000, 500), (FEBRUARY, 500, 500, 0), (MARCH, 0, 0, 0)]


def test_the_amount_of_an_advance_is_the_newest_snapshots() -> None:
    first, more, less = (snapshot(advances=(("a", "1", "2024-01-01", amount),)) for amount in ("300", "900", "500"))
    plays = [play("2024-01-05", "a"), play("2024-02-05", "b"), play("2024-03-05", "c")]
    world = world_of(*plays, snapshots=[("2024-01-01", first), ("2024-02-01", more), ("2024-03-01", less)])
    rows = picked(exports_of(world), "advance_recoup", "month open_before_krw recouped_krw open_after_krw")
    # 900 − 300 are open in February; in March 500 − 900 is below 0: nothing is open, and nothing is given back.
    assert rows == [(JANUARY, 300, 300, 0), (FEBRUARY, 600, 600, 0), (MARCH, 0, 0, 0)]


def test_suspense_carries_all_of_it_on_and_ages_it_by_month_of_origin() -> None:
    plays = [play("2024-01-05", "a", track_id=9), play("2024-02-05", "b", track_id=9), play("2024-02-06", "c")]
    exports = exports_of(world_of(*plays))
    assert statements_of(exports, 0) == {
        JANUARY: (1_000, 0, 0, 1_000, 0, 1_000),
        FEBRUARY: (1_000, 0, 1_000, 2_000, 0, 2_000),
        MARCH: (0, 0, 2_000, 2_000, 0, 2_000),
    }
    assert picked(exports, "suspense_age", "month origin_month balance_krw") == [
        (JANUARY, JANUARY, 1_000),
        (FEBRUARY, JANUARY, 1_000),
        (FEBRUARY, FEBRUARY, 1_000),
        (MARCH, JANUARY, 1_000),
        (MARCH, FEBRUARY, 1_000),
        (MARCH, MARCH, 0),
    ]


def test_a_partner_with_a_balance_that_the_snapshot_lacks_is_refused() -> None:
    waiting = snapshot(partners=[partner(7, threshold=5_000)], rights=(("1", "author", "7", "1000000", "2013-05-01", ""),))
    world = world_of(play("2024-01-05", "a"), snapshots=[("2024-01-01", waiting), ("2024-02-01", snapshot())])
    with pytest.raises(BadInputError, match="partner 7 has a statement, and partners lacks it on 2024-02-29"):
        exports_of(world)
