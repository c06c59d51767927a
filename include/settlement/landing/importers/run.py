"""Importing a listening history: read, cut into a month, and landed with a catalogue and payments made up around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import numpy as np
import orjson

from settlement.errors import BadInput, SettlementError
from settlement.landing.generator.calendar import Span
from settlement.landing.generator.catalog import Catalog
from settlement.landing.generator.charges import ChargeBook, Purchases
from settlement.landing.generator.partners import MIN_PARTNERS, Partners
from settlement.landing.generator.payments import Payments
from settlement.landing.generator.population import Population, subscribers
from settlement.landing.generator.products import PRODUCTS
from settlement.landing.generator.revenue import OtherRevenue
from settlement.landing.generator.service_rules import read_service_rules
from settlement.landing.importers.listen import Listen
from settlement.landing.importers.listenbrainz import read_listenbrainz
from settlement.landing.importers.listens_csv import read_listens_csv
from settlement.landing.importers.sources import Source, open_sources
from settlement.landing.importers.spotify import read_spotify
from settlement.landing.importers.windows import Placed, place_in_month, started_at
from settlement.landing.importers.works import Work, works_of
from settlement.landing.writers import landing_folder, mark_arrived, play_files, require_new_root, write_gzip

Format = Literal["auto", "spotify", "listenbrainz", "csv"]
_READERS: Final[dict[str, Callable[[Source], Iterator[Listen]]]] = {
    "spotify": read_spotify,
    "listenbrainz": read_listenbrainz,
    "csv": read_listens_csv,
}
_MAX_PARTNERS: Final = 60
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImportOptions:
    """What to import: the month (a span of one), and what the world around the plays is made from."""

    month: Span
    reference: Path
    format: Format = "auto"
    seed: int = 1


@dataclass(frozen=True)
class Imported:
    """What was written: rows over the month, the listeners (windows of a history) and the recordings they heard."""

    plays: int
    payments: int
    other_revenue: int
    listeners: int
    tracks: int


def import_listens(files: Sequence[Path], out: Path, options: ImportOptions, progress: Progress = lambda *_: None) -> Imported:
    """Write the landing of one month under `out`, which must be new or empty, from listening histories.

    Args:
        files: exports of one or several listeners, plain or gzipped.
        progress: called for each day that was written, with its number of plays and the number in all.

    Raises:
        BadInput: a file cannot be read (file, row, reason), or the month lacks a service rule.
        SettlementError: `out` is not empty or cannot be written; more than one month.
    """
    if len(options.month.months) != 1:
        raise SettlementError("an import fills one month", "write --month YYYY-MM")
    rules = read_service_rules(options.reference)
    for day in options.month.days:
        rules.require(day)
    listens = [listen for source in open_sources(files) for listen in read_source(source, options.format)]
    if not listens:
        raise BadInput(str(files[0]) if files else "import", "no plays in it")
    require_new_root(out)
    return _land(listens, out, options, progress)


def read_source(source: Source, form: Format = "auto") -> Iterator[Listen]:
    """The plays of one file, by the given format or by what the content looks like."""
    return _READERS[_looks_like(source) if form == "auto" else form](source)


def _looks_like(source: Source) -> str:
    start = source.text.lstrip()[:4_000]
    if start.startswith("{") or (start.startswith("[") and '"track_metadata"' in start):
        return "listenbrainz"
    return "spotify" if start.startswith("[") else "csv"


def _land(listens: list[Listen], out: Path, options: ImportOptions, progress: Progress) -> Imported:
    month, seed = options.month, options.seed
    plays = place_in_month(listens, month)
    repertoire, track_ids = works_of(listens)
    people = subscribers(seed, np.array(sorted({play.user_id for play in plays}), dtype=np.int64))
    writer = _PlayWriter(people, track_ids)
    by_day = {day: list(group) for day, group in groupby(plays, key=lambda play: play.day)}
    heard = Counter((play.day, writer.product_of(play)) for play in plays)

    payments = Payments(ChargeBook(seed, month, people, lambda _: Purchases.none()))
    revenue = OtherRevenue(seed, month, lambda day, product: heard[day.toordinal(), product])
    partners = Partners(seed, month, max(MIN_PARTNERS + 3, min(_MAX_PARTNERS, len(repertoire.artists) // 20)))
    Catalog(seed, partners, repertoire).write(out, month.days)
    paid = earned = 0
    for day in month.days:
        today = by_day.get(day.toordinal(), [])
        writer.write(out, day, today)
        paid, earned = paid + payments.write(out, day), earned + revenue.write(out, day)
        progress(len(today), len(plays))
    return Imported(len(plays), paid, earned, len(people), len(repertoire))


class _PlayWriter:
    """Writes plays under the product and subscription of their listener."""

    def __init__(self, people: Population, track_ids: dict[Work, int]) -> None:
        subscribed = zip(people.user_id.tolist(), people.product.tolist(), people.subscription_id.tolist(), strict=True)
        self._people: dict[int, tuple[int, int | None]] = {
            user: (product, subscription or None) for user, product, subscription in subscribed
        }
        self._track_ids = track_ids

    def product_of(self, play: Placed) -> int:
        """Index of the product under which a play was heard."""
        product, _ = self._people[play.user_id]
        return product

    def write(self, root: Path, day: date, plays: list[Placed]) -> None:
        """Write the day's folder; a day without plays has an empty one."""
        folder = landing_folder(root, "plays", day)
        files = play_files(len(plays)) if plays else 0
        for number in range(files):
            part = plays[len(plays) * number // files : len(plays) * (number + 1) // files]
            write_gzip(folder / f"part-{number:05d}.jsonl.gz", (self._line(play) for play in part))
        mark_arrived(folder)

    def _line(self, play: Placed) -> bytes:
        listen = play.listen
        product, subscription = self._people[play.user_id]
        line: dict[str, object] = {
            "play_id": listen.play_id,
            "user_id": play.user_id,
            "subscription_id": subscription,
            "product_id": PRODUCTS[product].product_id,
            "track_id": self._track_ids[listen.artist, listen.track],
            "started_at": started_at(play),
            "ms_played": listen.ms_played,
        }
        optional = {"device": listen.device, "country": listen.country, "offline": listen.offline}
        line |= {field: value for field, value in optional.items() if value not in ("", None)}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
