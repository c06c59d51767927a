"""Rules §5–§7, pro rata only: the lines of a pool, and each partner's royalty in won.

Open choices:
- "That day", on which shares are valid, is the landing day on which the play was settled, not its start date.
- `plays` of an `unmatched` line: plays on days on which some share of the track was missing.
- `rounding` and `no_plays` lines have `plays` and `weight` 0; a `no_plays` line has `track_id` 0 and is written even
  if the pool is 0. Royalty and unmatched lines of 0 are written too.
- A partner has a `statement_royalty` row wherever it has a line, even of 0; suspense (0) as well, and takes part in
  the largest remainder. Of equal remainders the smaller `partner_id` comes first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from .catalogue import WHOLE_PPM, Share
from .faults import BadInputError
from .pools import Pool
from .revenue import UWON

SUSPENSE = 0
NO_TRACK = 0

DailyPlays = Mapping[tuple[str, int], Mapping[date, int]]
"""Qualified plays of a month by (product, track), then by landing day."""


@dataclass(frozen=True)
class Line:
    """One settlement line; all of it is pro rata, so the shadow equals the amount."""

    product_id: str
    track_id: int
    right_type: str
    partner_id: int
    kind: str
    plays: int
    weight: int
    amount_uwon: int


@dataclass(frozen=True)
class Royalty:
    """One row of `statement_royalty`."""

    partner_id: int
    product_id: str
    right_type: str
    uwon: int
    krw: int


class Rights:
    """Who holds what of the tracks of a catalogue snapshot."""

    def __init__(self, tracks: set[int], shares: Sequence[Share]) -> None:
        self._shares: dict[tuple[int, str], list[Share]] = defaultdict(list)
        for share in shares:
            if share.track_id in tracks:
                self._shares[share.track_id, share.right_type].append(share)

    def on(self, day: date, track_id: int, right_type: str) -> dict[int, int]:
        """ppm by partner on the day, what is missing under suspense; they sum to 1,000,000."""
        valid = [share for share in self._shares.get((track_id, right_type), ()) if share.covers(day)]
        held = {share.partner_id: share.share_ppm for share in valid}
        missing = WHOLE_PPM - sum(held.values())
        if len(held) != len(valid) or missing < 0:
            raise BadInputError(f"rights of track {track_id}, {right_type} overlap or exceed the whole on {day}")
        return {partner: ppm for partner, ppm in {**held, SUSPENSE: missing}.items() if ppm > 0}


def make_lines(pool: Pool, daily_plays: DailyPlays, rights: Rights) -> list[Line]:
    """All lines of one pool; their amounts sum to it."""
    product_id, right_type, whole = pool.product_id, pool.right_type, pool.pool_krw * UWON
    if pool.qualified_plays == 0:
        return [Line(product_id, NO_TRACK, right_type, SUSPENSE, "no_plays", 0, 0, whole)]
    plays: Counter[tuple[int, int]] = Counter()
    weights: Counter[tuple[int, int]] = Counter()
    for track_id, day, count in _plays_of(product_id, daily_plays):
        for partner_id, ppm in rights.on(day, track_id, right_type).items():
            plays[track_id, partner_id] += count
            weights[track_id, partner_id] += count * ppm
    total = sum(weights.values())
    lines = []
    for (track_id, partner_id), weight in weights.items():
        kind = "unmatched" if partner_id == SUSPENSE else "royalty"
        amount = whole * weight // total
        lines.append(Line(product_id, track_id, right_type, partner_id, kind, plays[track_id, partner_id], weight, amount))
    left = whole - sum(line.amount_uwon for line in lines)
    if left:
        lines.append(Line(product_id, NO_TRACK, right_type, SUSPENSE, "rounding", 0, 0, left))
    return lines


def _plays_of(product_id: str, daily_plays: DailyPlays) -> Iterator[tuple[int, date, int]]:
    for (product, track_id), by_day in daily_plays.items():
        if product == product_id:
            for day, count in by_day.items():
                yield track_id, day, count


def make_royalties(pool: Pool, lines: Sequence[Line]) -> list[Royalty]:
    """The pool's lines per partner, in whole won by largest remainder."""
    uwon: Counter[int] = Counter()
    for line in lines:
        uwon[line.partner_id] += line.amount_uwon
    krw = {partner_id: amount // UWON for partner_id, amount in uwon.items()}
    left = pool.pool_krw - sum(krw.values())
    by_remainder = sorted(uwon, key=lambda partner_id: (-(uwon[partner_id] % UWON), partner_id))
    for partner_id in by_remainder[:left]:
        krw[partner_id] += 1
    return [Royalty(partner_id, pool.product_id, pool.right_type, uwon[partner_id], krw[partner_id]) for partner_id in uwon]
