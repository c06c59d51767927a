"""What a world consists of, as it will stand in the landing folders."""

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, timedelta

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class PlayLine:
    """A line of landing folder `dt`, without its line end; `crlf` says that a CR stands before the LF."""

    dt: date
    line: bytes
    crlf: bool = False


@dataclass(frozen=True)
class CsvLine:
    """A CSV record of landing folder `dt` under its header; both without line end."""

    dt: date
    header: str
    record: str


@dataclass(frozen=True)
class Snapshot:
    """A catalogue: the rows of its seven tables in the column order of `COLUMNS`."""

    products: Rows
    tracks: Rows
    albums: Rows
    partners: Rows
    rights: Rows
    contracts: Rows
    advances: Rows


@dataclass(frozen=True)
class World:
    """A valid landing of one month, or of two that follow each other, with its reference tables.

    `snapshots` holds (first day, catalogue) in order; each is good until the next begins. `layout` decides how the
    rows are spread over files, and nothing else.
    """

    months: tuple[str, ...]
    plays: tuple[PlayLine, ...]
    payments: tuple[CsvLine, ...]
    other_revenue: tuple[CsvLine, ...]
    snapshots: tuple[tuple[date, Snapshot], ...]
    rate_card: Rows
    service_rules: Rows
    in_app_rules: Rows
    layout: int = 0

    def __repr__(self) -> str:
        """Short: `describe` tells all of it."""
        landed = f"{len(self.plays)} plays, {len(self.payments)} payments, {len(self.other_revenue)} rows of other revenue"
        return f"<world of {', '.join(self.months)}: {landed}>"

    @property
    def days(self) -> list[date]:
        """Every day of the months; each has its four landing folders."""
        return [day for month in self.months for day in days_of(month)]

    def snapshot_on(self, day: date) -> Snapshot:
        """The catalogue that landed on the day."""
        return [snapshot for first, snapshot in self.snapshots if first <= day][-1]

    def with_layout(self, layout: int) -> "World":
        """The same rows, spread differently over files."""
        return replace(self, layout=layout)


COLUMNS = {
    "products": ("product_id", "name", "service", "cohort", "list_price_krw"),
    "tracks": (
        "track_id",
        "isrc",
        "iswc",
        "uci",
        "title",
        "artist",
        "album_id",
        "duration_ms",
        "release_date",
    ),
    "albums": ("album_id", "upc", "title", "artist", "label"),
    "partners": (
        "partner_id",
        "name",
        "kind",
        "dpid",
        "tax_kind",
        "payout_threshold_krw",
        "report_formats",
        "active_from",
        "active_to",
    ),
    "rights": ("track_id", "right_type", "partner_id", "share_ppm", "valid_from", "valid_to"),
    "contracts": ("partner_id", "right_type", "service", "method", "valid_from", "valid_to"),
    "advances": ("advance_id", "partner_id", "granted_on", "amount_krw"),
    "rate_card": (
        "service",
        "cohort",
        "right_type",
        "valid_from",
        "valid_to",
        "no_pool",
        "unit_price_uwon",
        "per_subscriber_krw",
        "revenue_rate_ppm",
        "source",
    ),
    "service_rule": ("service", "valid_from", "valid_to", "min_play_ms", "max_plays_per_user_track_day", "source"),
    "in_app_rule": ("valid_from", "valid_to", "source"),
}


def days_of(month: str) -> list[date]:
    """The days of a month `YYYY-MM`."""
    first = date.fromisoformat(f"{month}-01")
    return [first + timedelta(days=ahead) for ahead in range(monthrange(first.year, first.month)[1])]


def describe(world: World) -> str:
    """The world as text, for the message of a test that failed."""
    parts = [f"months {', '.join(world.months)}"]
    parts += [f"play {play.dt} {play.line[:400]!r}" for play in sorted(world.plays, key=lambda play: play.dt)]
    for name, lines in (("payment", world.payments), ("other revenue", world.other_revenue)):
        parts += [f"{name} {line.dt} {line.header!r}: {line.record!r}" for line in lines]
    for first, snapshot in world.snapshots:
        parts += [
            f"from {first} {name} {row}"
            for name in ("products", "partners", "rights", "contracts", "advances")
            for row in getattr(snapshot, name)
        ]
        parts.append(f"from {first} tracks {[row[0] for row in snapshot.tracks]}")
    for name in ("rate_card", "service_rules", "in_app_rules"):
        parts += [f"{name} {row}" for row in getattr(world, name)]
    return "\n".join(parts)
