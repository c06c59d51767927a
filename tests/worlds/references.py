"""Reference tables under which each leg of a pool wins now and then, and ties come up."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from .catalogues import RIGHT_TYPES
from .dice import Dice
from .world import Rows

_SINCE = "2013-05-01"
Legs = tuple[int | None, int | None, int | None]
# Unit price (uwon), per subscriber (krw), revenue rate (ppm); None where the row lacks the leg. One won a play, one won
# a subscriber and a tenth of the revenue make ties: a sale of 11 won, VAT in it, is 10 won of revenue.
_LEGS: tuple[Legs, ...] = (
    (700_000, 700, 105_000),
    (1_000_000, 1, 100_000),
    (700_000, None, 100_000),
    (None, 700, None),
    (None, None, 482_500),
    (None, 1, 100_000),
    (77_000_000, 700, 62_500),
    (500_000, None, 1),
    (499_999, None, None),
    (1, 0, 1),
    (0, None, None),
    (123_456_789, 5, 333_333),
    (987_654_321_987, None, 1_000_000),
)
_LEGS_THAT_TIE: tuple[Legs, ...] = (
    *((1_000_000 // plays, 1, 100_000) for plays in (1, 2, 4, 5, 10)),
    (None, 1, 100_000),
    (1_000_000, None, 100_000),
)
_MIN_PLAY = ("60000", "60000", "30000", "0")
_CAPS = ("", "1", "1", "2", "3")


def draw_rate_card(dice: Dice, changes: Sequence[date], *, ties: bool) -> Rows:
    """A row or `no_pool` for each service that has pools, cohort and right type, on every date."""
    legs = _LEGS_THAT_TIE if ties else _LEGS
    return tuple(
        row
        for service in ("sub_stream", "ad_stream", "download")
        for cohort in dice.pick((("all",), ("new", "legacy")))
        for right_type in RIGHT_TYPES
        for row in _rate_rows(dice, (service, cohort, right_type), changes, legs)
    )


def _rate_rows(
    dice: Dice, key: tuple[str, str, str], changes: Sequence[date], choices: Sequence[Legs]
) -> Iterator[tuple[str, ...]]:
    for start, end in _segments(dice, changes):
        if dice.one_in(12):
            yield (*key, start, end, "true", "", "", "", "none")
        else:
            legs = ("" if leg is None else str(leg) for leg in dice.pick(choices))
            yield (*key, start, end, "false", *legs, "made up, for a test")


def draw_service_rules(dice: Dice, changes: Sequence[date]) -> Rows:
    """A rule for each service on every date."""
    return tuple(
        (service, start, end, dice.pick(_MIN_PLAY), dice.pick(_CAPS), "made up")
        for service in ("sub_stream", "ad_stream", "download", "promo")
        for start, end in _segments(dice, changes)
    )


def draw_in_app_rules(dice: Dice, changes: Sequence[date]) -> Rows:
    """No rule, a rule for part of the time, or two with a gap between them."""
    change = dice.pick(changes)
    before, after = str(change - timedelta(days=1)), str(change + timedelta(days=1))
    rules = dice.pick(
        (
            (("2022-06-01", "2026-05-31"),),
            (),
            ((_SINCE, str(change)),),
            ((str(change), ""),),
            ((_SINCE, before), (after, "")),
            ((str(change), str(change)),),
        )
    )
    return tuple((start, end, "made up") for start, end in rules)


def _segments(dice: Dice, changes: Sequence[date]) -> list[tuple[str, str]]:
    """All of time, in one piece or in two that meet at a change."""
    if not dice.one_in(3):
        return [(_SINCE, "")]
    change = dice.pick(changes)
    return [(_SINCE, str(change - timedelta(days=1))), (str(change), "")]
