"""Restatements of closed months, on figures worked out by hand (rules §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tests.oracle import BadInputError, Restatement, Value, settle, settle_folders
from tests.oracle.hand import A_THOUSAND, UWON, author_rate, exports_of, partner, picked, share, snapshot, user_centric
from tests.worlds import Snapshot, World, in_memory, reference_files, write, write_reference
from tests.worlds.plain import other_revenue, payment, plain_world, play

JANUARY, FEBRUARY, MARCH = MONTHS = ("2024-01", "2024-02", "2024-03")
POSTED = "posted_month settled_month version_from version_to partner_id delta_krw"
SHARED = (share(1, 1, 400_000), share(1, 2, 600_000))
SOLD = (share(1, 2),)


def january(day: str, posted: str = FEBRUARY, rate_card: tuple[tuple[str, ...], ...] | None = None) -> Restatement:
    """January once more, by the catalogue of that day and, if given, another rate card."""
    files = reference_files(plain_world(rate_card=rate_card)) if rate_card else None
    return Restatement(JANUARY, posted, date.fromisoformat(day), files)


def played_in_january(
    later: Sequence[tuple[str, Snapshot]], months: tuple[str, ...] = MONTHS, first: Snapshot | None = None
) -> World:
    """One play of track 1 in January, 1,000 won of partner 1's, and catalogues that come later."""
    snapshots = [("2024-01-01", first or snapshot()), *later]
    return plain_world(play("2024-01-05", "a"), months=months, snapshots=snapshots, rate_card=A_THOUSAND)


def test_a_restatement_is_a_version_by_the_newest_catalogue_and_posts_what_changed() -> None:
    world = played_in_january([("2024-02-10", snapshot(rights=SHARED))])
    exports = exports_of(world, january("2024-02-10"))
    assert picked(exports, "settlement_line", "version partner_id amount_uwon", month=JANUARY) == [
        (1, 1, 1_000 * UWON),
        (2, 1, 400 * UWON),
        (2, 2, 600 * UWON),
    ]
    assert picked(exports, "statement_royalty", "version partner_id royalty_krw", month=JANUARY) == [
        (1, 1, 1_000),
        (2, 1, 400),
        (2, 2, 600),
    ]
    assert picked(exports, "pool", "version pool_krw", month=JANUARY) == [(1, 1_000), (2, 1_000)]
    assert picked(exports, "adjustment", f"{POSTED} product_id right_type") == [
        (FEBRUARY, JANUARY, 1, 2, 1, -600, "P", "author"),
        (FEBRUARY, JANUARY, 1, 2, 2, 600, "P", "author"),
    ]
    # January's statements are those of version 1; partner 2, without a line in February, has one for its adjustment.
    columns = "month version partner_id royalty_krw adjustment_krw net_krw due_krw payable_krw carried_out_krw"
    assert [row for row in picked(exports, "statement", columns) if row[2]] == [
        (JANUARY, 1, 1, 1_000, 0, 1_000, 1_000, 1_000, 0),
        (FEBRUARY, 1, 1, 0, -600, -600, -600, 0, -600),
        (FEBRUARY, 1, 2, 0, 600, 600, 600, 600, 0),
        (MARCH, 1, 1, 0, 0, 0, -600, 0, -600),
    ]


def test_a_second_restatement_posts_what_changed_since_the_first() -> None:
    world = played_in_january([("2024-02-10", snapshot(rights=SHARED)), ("2024-02-20", snapshot(rights=SOLD))])
    same_month = exports_of(world, january("2024-02-10"), january("2024-02-20"))
    assert picked(same_month, "adjustment", POSTED) == [
        (FEBRUARY, JANUARY, 1, 2, 1, -600),
        (FEBRUARY, JANUARY, 1, 2, 2, 600),
        (FEBRUARY, JANUARY, 2, 3, 1, -400),
        (FEBRUARY, JANUARY, 2, 3, 2, 400),
    ]
    assert picked(same_month, "statement", "partner_id adjustment_krw", month=FEBRUARY) == [(0, 0), (1, -1_000), (2, 1_000)]

    next_month = exports_of(world, january("2024-02-10"), january("2024-02-20", posted=MARCH))
    assert [row[0] for row in picked(next_month, "adjustment", POSTED)] == [FEBRUARY, FEBRUARY, MARCH, MARCH]
    # Partner 1 owes 600, then 400 more; in the end both have what version 3 gives them.
    assert picked(next_month, "statement", "adjustment_krw carried_in_krw due_krw payable_krw", month=MARCH) == [
        (0, 0, 0, 0),
        (-400, -600, -1_000, 0),
        (400, 0, 400, 400),
    ]


def test_deltas_that_cancel_leave_their_rows_and_a_statement() -> None:
    world = played_in_january([("2024-02-10", snapshot(rights=SHARED)), ("2024-02-20", snapshot())])
    exports = exports_of(world, january("2024-02-10"), january("2024-02-20"))
    assert picked(exports, "adjustment", "version_to partner_id delta_krw") == [
        (2, 1, -600),
        (2, 2, 600),
        (3, 1, 600),
        (3, 2, -600),
    ]
    assert picked(exports, "statement", "partner_id net_krw", month=FEBRUARY) == [(0, 0), (1, 0), (2, 0)]


def test_a_restatement_that_changes_nothing_is_a_version_without_adjustments() -> None:
    exports = exports_of(played_in_january([]), january("2024-02-10"))
    assert picked(exports, "pool", "version", month=JANUARY) == [(1,), (2,)]
    assert exports["adjustment"] == []


def test_a_negative_net_pays_no_advance_back_and_is_carried_against_what_comes() -> None:
    advances = (("a", "1", "2024-02-05", "300"),)
    later = snapshot(partners=[partner(1, "withholding", active_to="2024-02-10")], rights=SHARED, advances=advances)
    again = snapshot(partners=[partner(1, "withholding")], advances=advances)
    world = played_in_january([("2024-02-10", later), ("2024-03-01", again)])
    world = replace(world, plays=(*world.plays, play("2024-03-05", "b")))
    exports = exports_of(world, january("2024-02-10"))
    columns = "month net_krw recouped_krw carried_in_krw due_krw payable_krw carried_out_krw withheld_krw paid_krw"
    # Nothing below 0 is paid, to a partner that left either. In March 1,000 − 300 − 600 = 100, less floor(3.3).
    assert picked(exports, "statement", columns, partner_id=1)[1:] == [
        (FEBRUARY, -600, 0, 0, -600, 0, -600, 0, 0),
        (MARCH, 1_000, 300, -600, 100, 100, 0, 3, 97),
    ]
    assert picked(exports, "advance_recoup", "month recouped_krw open_after_krw") == [(FEBRUARY, 0, 300), (MARCH, 300, 0)]


def test_what_leaves_suspense_leaves_the_month_it_came_from() -> None:
    found = snapshot(rights=(share(1, 1), share(9, 3)))
    tracks = tuple(row for row in found.tracks if row[0] != "9")
    lost = replace(found, tracks=tracks)
    world = plain_world(
        play("2024-01-05", "a", track_id=9),
        play("2024-02-05", "b", track_id=9),
        months=MONTHS,
        snapshots=[("2024-01-01", lost), ("2024-02-10", found), ("2024-02-11", lost)],
        rate_card=A_THOUSAND,
    )
    exports = exports_of(world, january("2024-02-10"))
    assert picked(exports, "adjustment", POSTED) == [(FEBRUARY, JANUARY, 1, 2, 0, -1_000), (FEBRUARY, JANUARY, 1, 2, 3, 1_000)]
    # January's thousand goes, its row stays; February has a thousand of its own.
    assert picked(exports, "suspense_age", "month origin_month balance_krw") == [
        (JANUARY, JANUARY, 1_000),
        (FEBRUARY, JANUARY, 0),
        (FEBRUARY, FEBRUARY, 1_000),
        (MARCH, JANUARY, 0),
        (MARCH, FEBRUARY, 1_000),
        (MARCH, MARCH, 0),
    ]
    assert picked(exports, "statement", "adjustment_krw due_krw carried_out_krw", partner_id=0, month=FEBRUARY) == [
        (-1_000, 1_000, 1_000)
    ]


def test_products_plays_revenue_and_carry_stay_and_rates_and_contracts_are_todays() -> None:
    services = {"new": ("P", "", "sub_stream", "new", "0"), "old": ("P", "", "ad_stream", "new", "0")}
    both = (user_centric(1), user_centric(2))
    world = plain_world(
        play("2024-01-05", "a"),
        play("2024-01-06", "b", track_id=2),
        play("2024-02-05", "c"),
        play("2024-02-06", "d", track_id=2),
        months=MONTHS,
        money=[
            other_revenue("2024-01-09", "minus", -60),
            payment("2024-02-09", "m", gross_krw=110),
            payment("2024-02-09", "n", gross_krw=77, user_id=2),
            payment("2024-03-09", "o", gross_krw=1_100),
        ],
        snapshots=[
            ("2024-01-01", snapshot(products=(services["new"],))),
            ("2024-03-10", snapshot(products=(services["old"],), contracts=both)),
            ("2024-03-11", snapshot(products=(services["new"],))),
        ],
        rate_card=author_rate(unit=3 * UWON, rev=50_000),
    )
    files = reference_files(plain_world(rate_card=author_rate(rev=200_000)))
    exports = exports_of(world, Restatement(FEBRUARY, MARCH, date(2024, 3, 10), files))
    # N = 2, R = 100 + 70 − 60 = 110 won: at first 6 won of plays, then 22 of revenue, though P is another service by now.
    pools = picked(exports, "pool", "version qualified_plays subscribers revenue_uwon carry_uwon winner pool_krw", month=FEBRUARY)
    assert pools == [
        (1, 2, 1, 110 * UWON, -60 * UWON, "unit_leg", 6),
        (2, 2, 1, 110 * UWON, -60 * UWON, "rev_leg", 22),
    ]
    # Pro rata 3 and 3. Then user-centric: user 1's pool floor(22,000,000 × 100 / 170) = 12,941,176 is halved; that of
    # user 2, who heard nothing, 9,058,823, gives halves of 4,529,411. Lost are 1 between the two pools and 1 by halving.
    columns = "version track_id kind amount_uwon pro_rata_uwon"
    assert picked(exports, "settlement_line", columns, month=FEBRUARY) == [
        (1, 1, "royalty", 3 * UWON, 3 * UWON),
        (1, 2, "royalty", 3 * UWON, 3 * UWON),
        (2, 0, "rounding", 2, 0),
        (2, 1, "royalty", 10_999_999, 11 * UWON),
        (2, 2, "royalty", 10_999_999, 11 * UWON),
    ]
    # 10 won are whole for each, 2 are left: to partners 1 and 2, whose remainders are larger than suspense's.
    assert picked(exports, "adjustment", POSTED) == [(MARCH, FEBRUARY, 1, 2, 1, 8), (MARCH, FEBRUARY, 1, 2, 2, 8)]
    # March is what it would be without: its carry and its rates are its own.
    march = exports_of(world)
    for name in ("pool", "settlement_line", "statement_royalty"):
        assert picked(exports, name, "version", month=MARCH) == picked(march, name, "version", month=MARCH)
        assert [row for row in exports[name] if row["month"] == MARCH] == [row for row in march[name] if row["month"] == MARCH]


def test_the_rate_card_of_a_restatement_counts_on_the_first_of_its_own_month() -> None:
    author, *others = author_rate(unit=2_000 * UWON)
    since_february = (*author[:3], "2024-02-01", *author[4:])
    until_january = (*author[:4], "2024-01-31", author[5], str(1_500 * UWON), *author[7:])
    exports = exports_of(played_in_january([]), january("2024-02-10", rate_card=(since_february, until_january, *others)))
    assert picked(exports, "pool", "version pool_krw", month=JANUARY) == [(1, 1_000), (2, 1_500)]
    assert picked(exports, "adjustment", POSTED) == [(FEBRUARY, JANUARY, 1, 2, 1, 500)]


def test_a_pool_that_todays_rules_do_away_with_is_taken_back_whole() -> None:
    author, *others = author_rate(unit=1)
    gone = (*author[:5], "true", "", "", "", "example")
    exports = exports_of(played_in_january([]), january("2024-02-10", rate_card=(gone, *others)))
    assert picked(exports, "pool", "version", month=JANUARY) == [(1,)]
    assert picked(exports, "adjustment", POSTED) == [(FEBRUARY, JANUARY, 1, 2, 1, -1_000)]


def test_what_is_posted_into_the_month_after_the_last_waits_for_it() -> None:
    world = played_in_january([("2024-01-31", snapshot(rights=SHARED))], months=(JANUARY,))
    restated = january("2024-01-31", rate_card=author_rate(unit=10 * UWON))
    exports = exports_of(world, restated)
    # The month-end snapshot has the new shares already: 400 and 600 of 1,000 won, then 4 and 6 of 10.
    assert picked(exports, "adjustment", POSTED) == [(FEBRUARY, JANUARY, 1, 2, 1, -396), (FEBRUARY, JANUARY, 1, 2, 2, -594)]
    assert {row["month"] for row in exports["statement"]} == {JANUARY}


@pytest.mark.parametrize(
    "months",
    [
        [(JANUARY, JANUARY)],
        [(FEBRUARY, JANUARY)],
        [("2023-12", JANUARY)],
        [(JANUARY, "2024-05")],
        [(JANUARY, MARCH), (JANUARY, FEBRUARY)],
        [("2024-04", "2024-05")],
    ],
)
def test_a_restatement_that_no_order_of_runs_could_make_is_refused(months: list[tuple[Value, Value]]) -> None:
    requests = [Restatement(str(settled), str(posted), date(2024, 2, 10)) for settled, posted in months]
    world = played_in_january([])
    with pytest.raises(BadInputError, match="no restatement of"):
        settle_folders(in_memory(world), reference_files(world), list(MONTHS), requests)


def test_a_restatement_from_folders_is_the_one_from_bytes(tmp_path: Path) -> None:
    world = played_in_january([("2024-02-10", snapshot(rights=SHARED))])
    others = plain_world(rate_card=author_rate(unit=5 * UWON))
    write(world, tmp_path / "landing")
    write_reference(world, tmp_path / "reference")
    write_reference(others, tmp_path / "today")
    on_disk = Restatement(JANUARY, FEBRUARY, date(2024, 2, 10), tmp_path / "today")
    in_bytes = replace(on_disk, reference=reference_files(others))
    assert settle(tmp_path / "landing", tmp_path / "reference", list(MONTHS), [on_disk]) == exports_of(world, in_bytes)
