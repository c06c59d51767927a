"""The daily catalogue snapshots: each file is written once per content, and copied for the days that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from settlement.landing.contract import CATALOG
from settlement.landing.generator.identifiers import gtin, isrc, iswc, uci
from settlement.landing.generator.mixing import mix, modulo
from settlement.landing.generator.partners import Partners, Row
from settlement.landing.generator.products import PRODUCTS
from settlement.landing.generator.repertoire import FIRST_ALBUM_ID, FIRST_TRACK_ID, Repertoire
from settlement.landing.generator.rights import labels_of, rights_rows
from settlement.landing.writers import copy_file, landing_folder, mark_arrived, write_csv

_OLDEST: Final = date(1990, 1, 1).toordinal()


@dataclass(frozen=True)
class Catalog:
    """The catalogue of a span: products, recordings, parties, rights, contracts and advances."""

    seed: int
    partners: Partners
    repertoire: Repertoire

    @property
    def registered_late_on(self) -> date:
        """The day on which `repertoire.late` enters the catalogue."""
        return self.partners.span.first + timedelta(days=14)

    def rows(self, name: str, day: date) -> Iterable[Sequence[object]]:
        """The rows of one catalogue file on a day; `name` is a key of the contract's CATALOG."""
        makers: dict[str, Callable[[], Iterable[Sequence[object]]]] = {
            "products": lambda: (product[:5] for product in PRODUCTS),
            "tracks": lambda: self._tracks(day),
            "albums": self._albums,
            "partners": self.partners.rows,
            "rights": lambda: rights_rows(self.seed, self.partners, self.repertoire),
            "contracts": self.partners.contracts,
            "advances": lambda: self.partners.advances(day),
        }
        return makers[name]()

    def edition(self, name: str, day: date) -> int:
        """Which content a file has on a day: equal numbers, equal bytes."""
        if name == "tracks":
            return int(day >= self.registered_late_on)
        return len(self.partners.advances(day)) if name == "advances" else 0

    def write(self, root: Path, days: Sequence[date], written: Callable[[date], None] = lambda _: None) -> None:
        """Write the snapshot of every day, in order, and call `written` after each."""
        latest: dict[str, tuple[int, Path]] = {}
        for day in days:
            folder = landing_folder(root, "catalog", day)
            for name, contract in CATALOG.items():
                edition, path = self.edition(name, day), folder / f"{name}.csv.gz"
                if name in latest and latest[name][0] == edition:
                    copy_file(latest[name][1], path)
                else:
                    write_csv(path, list(contract.columns), self.rows(name, day))
                    latest[name] = (edition, path)
            mark_arrived(folder)
            written(day)

    def _tracks(self, day: date) -> Iterator[Row]:
        works = self.repertoire
        missing = works.never if day >= self.registered_late_on else works.never | works.late
        index = np.arange(len(works), dtype=np.int64)
        hashes = mix(self.seed, "track", index)
        newest = self.partners.span.first.toordinal() - _OLDEST
        released = (_OLDEST + modulo(hashes >> np.uint64(24), newest)).tolist()
        kinds = modulo(hashes, 100).tolist()
        durations = works.duration_ms.tolist()
        artists, albums = works.artist_of_track.tolist(), works.album_of_track.tolist()
        for track, title in enumerate(works.titles):
            if track in missing:
                continue
            on, kind = date.fromordinal(released[track]), kinds[track]
            yield (
                FIRST_TRACK_ID + track,
                "" if kind < 3 else isrc(track, on.year),
                "" if kind % 5 == 4 else iswc(300_000_000 + track),
                "" if kind % 2 else uci(track),
                title,
                works.artists[artists[track]],
                FIRST_ALBUM_ID + albums[track],
                durations[track],
                "" if kind == 50 else on.isoformat(),
            )

    def _albums(self) -> Iterator[Row]:
        works = self.repertoire
        labels = labels_of(self.seed, self.partners, works.artist_key).tolist()
        artists = works.artist_of_album.tolist()
        for album, title in enumerate(works.albums):
            artist = artists[album]
            upc = ("", gtin(f"880{album:09d}"), gtin(f"6{album:010d}"))[1 + album % 2 if album % 20 else 0]
            yield FIRST_ALBUM_ID + album, upc, title, works.artists[artist], self.partners.name(labels[artist])
