"""Rules §2: every line of a day's plays into exactly one bucket.

Open choices:
- `user_id` and `track_id` are numbers (`007` is `7`); `play_id` and `product_id` are text (`007` is not `7`).
- "Stands in D−30 … D−1" looks at rows that are neither malformed nor future *in their own folder*, whatever bucket
  they ended in: a `duplicate` or `too_late` row also makes a later copy a duplicate.
- The bucket order decides which rows reach a step: within D, only rows that are neither malformed nor future compete
  for being the earliest copy.
- `play_id` orders as text by its bytes (all ASCII).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .catalogue import Product
from .dated import the_one_on
from .forms import ID_FORM, MS_PLAYED_FORM, NUMBER_FORM, epoch_day, in_form, instant_of, json_object, kst_day, text_of
from .landing import Landing
from .reference import ServiceRule

LONGEST_LINE = 1 << 20
LOOK_BACK_DAYS = 30
LONGEST_PLAY_MS = 86_400_000


@dataclass(frozen=True)
class Play:
    """A well-formed line."""

    line: bytes
    play_id: str
    user_id: int
    product_id: str
    track_id: int
    instant: int
    ms_played: int
    flagged: bool

    @property
    def start_day(self) -> int:
        """The KST start date, in days since 1970-01-01."""
        return kst_day(self.instant)


@dataclass(frozen=True)
class Bucketed:
    """A line's end: its bucket and, unless malformed, the play."""

    bucket: str
    play: Play | None


def parse_play(line: bytes) -> Play | None:
    """The play on a line, None where the line is malformed."""
    fields = None if len(line) > LONGEST_LINE else json_object(line)
    if fields is None:
        return None
    play_id, product_id = (in_form(fields.get(name), ID_FORM) for name in ("play_id", "product_id"))
    user_id, track_id = (in_form(fields.get(name), NUMBER_FORM) for name in ("user_id", "track_id"))
    ms_played = in_form(fields.get("ms_played"), MS_PLAYED_FORM)
    started_at = text_of(fields.get("started_at"))
    instant = None if started_at is None else instant_of(started_at)
    if play_id is None or product_id is None or user_id is None or track_id is None:
        return None
    if ms_played is None or int(ms_played) > LONGEST_PLAY_MS or instant is None:
        return None
    flagged = fields.get("flags") is not None and fields["flags"] != []
    return Play(line, play_id, int(user_id), product_id, int(track_id), instant, int(ms_played), flagged)


class PlayHistory:
    """The landed plays, each folder parsed once."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._delivered = set(landing.days("plays"))
        self._parsed: dict[date, list[Play | None]] = {}

    def landed(self, day: date) -> list[Play | None]:
        """The lines of folder `day` as plays, None for a malformed one."""
        if day not in self._parsed:
            self._parsed[day] = [parse_play(line) for line in self._landing.play_lines(day)]
        return self._parsed[day]

    def ids_before(self, day: date) -> set[str]:
        """The play ids on rows neither malformed nor future in folders D−30 … D−1."""
        folders = (day - timedelta(days=back) for back in range(1, LOOK_BACK_DAYS + 1))
        return {
            play.play_id
            for folder in folders
            if folder in self._delivered
            for play in self.landed(folder)
            if play is not None and play.start_day <= epoch_day(folder)
        }


def bucket_day(history: PlayHistory, day: date, products: dict[str, Product], rules: Sequence[ServiceRule]) -> list[Bucketed]:
    """The lines of landing folder `day`, each with its bucket; `products` is snapshot `day`."""
    today = epoch_day(day)
    known_ids = history.ids_before(day)
    reached_the_cap: Counter[tuple[int, int, int]] = Counter()

    def rule_of(service: str) -> ServiceRule:
        return the_one_on(day, [rule for rule in rules if rule.service == service], f"service rule {service}")

    def bucket_of(play: Play) -> str:
        if play.play_id in known_ids:
            return "duplicate"
        known_ids.add(play.play_id)
        if play.start_day < today - LOOK_BACK_DAYS:
            return "too_late"
        if play.product_id not in products:
            return "unknown_product"
        if play.flagged:
            return "abuse_flag"
        rule = rule_of(products[play.product_id].service)
        if play.ms_played < rule.min_play_ms:
            return "too_short"
        listening = (play.user_id, play.track_id, play.start_day)
        reached_the_cap[listening] += 1
        return "over_cap" if rule.cap is not None and reached_the_cap[listening] > rule.cap else "qualified"

    landed = history.landed(day)
    result = [Bucketed("malformed", None) for play in landed if play is None]
    well_formed = [play for play in landed if play is not None]
    result += [Bucketed("future", play) for play in well_formed if play.start_day > today]
    in_time = [play for play in well_formed if play.start_day <= today]
    # Two orders in one: copies of one play_id by (instant, line), the cap's ranks by (instant, play_id).
    in_time.sort(key=lambda play: (play.instant, play.play_id, play.line))
    return result + [Bucketed(bucket_of(play), play) for play in in_time]
