"""Catalogue snapshots that change from day to day, with rights that change inside the month."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from .dice import Dice
from .play_lines import PRODUCTS, PROMO, TRACKS, UNKNOWN_TRACK
from .world import Rows, Snapshot

PARTNERS = (1, 2, 10, 30)
RIGHT_TYPES = ("author", "performer", "producer")
_SINCE = "2013-05-01"
_NAMES = ("이름", 'The "Best", of', "tab\tand|pipe", "두\n줄", "emoji 🎵", "= 1 + 1")
_SERVICES = (("sub_stream", "ad_stream"), ("ad_stream", "ad_stream", "sub_stream"), ("download", "ad_stream"))

# How the shares of one track and right type may look: partner, ppm, from, to. The partner is a place in PARTNERS,
# turned by a draw; in place of the dates, 0 and 1 stand for before and from a change inside the month.
_SHARES: tuple[tuple[tuple[int, int, int | None], ...], ...] = (
    ((0, 1_000_000, None),),
    ((0, 600_000, None), (1, 400_000, None)),
    (),
    ((0, 333_333, None),),
    ((0, 333_333, None), (1, 333_333, None), (2, 333_333, None)),
    ((0, 1_000_000, 0), (1, 1_000_000, 1)),
    ((0, 500_000, None), (1, 500_000, 0)),
    ((0, 700_000, 0), (0, 300_000, 1), (1, 300_000, None)),
    ((0, 250_001, 1),),
    ((0, 1, None), (3, 999_999, None)),
    ((0, 250_000, None), (1, 250_000, None), (2, 250_000, None), (3, 250_000, None)),
)


def draw_snapshots(
    dice: Dice, segments: Sequence[tuple[date, bool]], changes: Sequence[date], missing_from: date | None
) -> tuple[tuple[date, Snapshot], ...]:
    """A catalogue per segment (first day, whether it must be complete), often the one before it.

    Rights change on one of `changes`; the last of PRODUCTS isn't in any catalogue from `missing_from` on.
    """
    snapshots: list[tuple[date, Snapshot]] = []
    complete = False
    for first, must_be_complete in segments:
        gone = missing_from is not None and first >= missing_from
        was_gone = bool(snapshots) and missing_from is not None and snapshots[-1][0] >= missing_from
        same = bool(snapshots) and gone == was_gone and (complete or not must_be_complete)
        if not same or dice.one_in(3):
            complete = must_be_complete or not dice.one_in(3)
            products = PRODUCTS[:-1] if gone else PRODUCTS
            snapshots.append((first, _snapshot(dice, products if complete else products[1:], changes)))
    return tuple(snapshots)


def _snapshot(dice: Dice, product_ids: Sequence[str], changes: Sequence[date]) -> Snapshot:
    tracks = TRACKS[1:] if dice.one_in(4) else TRACKS
    return Snapshot(
        products=tuple(_products(dice, product_ids)),
        tracks=tuple(_track(dice, track) for track in tracks),
        albums=(("5", dice.pick(("", "036000291452")), dice.pick(_NAMES), "artist", "label"),),
        partners=tuple(_partner(dice, partner, changes) for partner in PARTNERS),
        rights=tuple(row for track in (*TRACKS, UNKNOWN_TRACK) for row in _rights(dice, track, changes)),
        contracts=_contracts(dice, changes),
        advances=_advances(dice, changes),
    )


def _products(dice: Dice, product_ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for product_id, services in zip(PRODUCTS, _SERVICES, strict=True):
        if product_id in product_ids:
            cohort = dice.pick(("new", "legacy"))
            yield product_id, dice.pick(_NAMES), dice.pick(services), cohort, "10900"
    yield PROMO, "promo", "promo", "new", "0"


def _track(dice: Dice, track_id: int) -> tuple[str, ...]:
    isrc, iswc = dice.pick((("", ""), ("KRA402400001", "T-034.524.680-1"), ("not an ISRC", "")))
    return (
        str(track_id),
        isrc,
        iswc,
        "",
        dice.pick(_NAMES),
        dice.pick(_NAMES),
        "5",
        "200000",
        dice.pick(("", "2020-02-29")),
    )


def _partner(dice: Dice, partner_id: int, changes: Sequence[date]) -> tuple[str, ...]:
    kind = ("producer", "author", "performer", "producer")[PARTNERS.index(partner_id)]
    tax_kind = dice.pick(("vat_invoice", "withholding", "exempt"))
    threshold = dice.pick(("0", "1", "1000", "10000", "1000000"))
    ended = dice.pick(("", "", "", str(changes[0]), "2099-12-31"))
    return str(partner_id), dice.pick(_NAMES), kind, "", tax_kind, threshold, "csv|xlsx", _SINCE, ended


def _rights(dice: Dice, track_id: int, changes: Sequence[date]) -> Iterator[tuple[str, ...]]:
    for right_type in RIGHT_TYPES:
        turn, change = dice.below(len(PARTNERS)), dice.pick(changes)
        for place, ppm, side in dice.pick(_SHARES):
            partner = str(PARTNERS[(place + turn) % len(PARTNERS)])
            start = str(change) if side == 1 else _SINCE
            end = str(change - timedelta(days=1)) if side == 0 else dice.pick(("", "2099-12-31"))
            yield str(track_id), right_type, partner, str(ppm), start, end


def _contracts(dice: Dice, changes: Sequence[date]) -> Rows:
    """Contracts here and there, half of them user-centric, some from or until a change; the default is pro rata."""
    return tuple(
        row for partner in PARTNERS for right_type in RIGHT_TYPES for row in _contract(dice, partner, right_type, changes)
    )


def _contract(dice: Dice, partner: int, right_type: str, changes: Sequence[date]) -> Iterator[tuple[str, ...]]:
    if dice.one_in(2):
        return
    split, common = dice.pick(changes), (str(partner), right_type, dice.pick(("sub_stream", "ad_stream", "download")))
    methods = dice.pick((("user_centric",), ("pro_rata",), ("user_centric", "pro_rata"), ("pro_rata", "user_centric")))
    if len(methods) == 1:
        yield (*common, methods[0], _SINCE, dice.pick(("", str(split))))
        return
    yield (*common, methods[0], _SINCE, str(split - timedelta(days=1)))
    yield (*common, methods[1], str(split), "")


def _advances(dice: Dice, changes: Sequence[date]) -> Rows:
    """Up to four advances; two of a partner on one day, one that may be granted only after the month."""
    first, last = str(changes[0]), str(changes[-1] + timedelta(days=dice.pick((0, 40))))
    amounts = [dice.pick(("0", "1", "500", "20000", "500000")) for _ in range(4)]
    rows = (
        ("adv,2", "2", first, amounts[0]),
        ("adv,1", "2", first, amounts[1]),
        ("b", "10", last, amounts[2]),
        ("c", "1", "2020-01-01", amounts[3]),
    )
    return tuple(row for row in rows if not dice.one_in(3))
