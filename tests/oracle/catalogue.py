"""Catalogue snapshots and effective-dated reference rows, typed (data.md "Landing", rules §10).

Open choices:
- An empty `min_play_ms` of a service rule is no minimum (0), as an empty cap is no cap.
- A `rights` row of 0 ppm is no share: it gives no line.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from .faults import BadInputError
from .forms import date_of
from .landing import CsvRow, Landing

RIGHT_TYPES = ("author", "performer", "producer")
WHOLE_PPM = 1_000_000


@dataclass(frozen=True)
class Dated:
    """Something valid on the dates `valid_from … valid_to`, both in; None is open."""

    valid_from: date | None
    valid_to: date | None

    def covers(self, day: date) -> bool:
        """Whether the day is within the validity."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Share(Dated):
    """A partner's part in one track and right type, in ppm."""

    track_id: int
    right_type: str
    partner_id: int
    share_ppm: int


@dataclass(frozen=True)
class RateRow(Dated):
    """A row of the rate card; a leg that the row lacks is None."""

    service: str
    cohort: str
    right_type: str
    no_pool: bool
    unit_price_uwon: int | None
    per_subscriber_krw: int | None
    revenue_rate_ppm: int | None


@dataclass(frozen=True)
class ServiceRule(Dated):
    """How long a play must be, and how many count per user, track and day (None: all)."""

    service: str
    min_play_ms: int
    cap: int | None


@dataclass(frozen=True)
class Product:
    """A product as one snapshot has it."""

    service: str
    cohort: str


@dataclass(frozen=True)
class Reference:
    """The reference tables of rules §10."""

    rate_card: Sequence[RateRow]
    service_rules: Sequence[ServiceRule]
    in_app_rules: Sequence[Dated]


AnyDated = TypeVar("AnyDated", bound=Dated)


def the_one_on(day: date, rows: Iterable[AnyDated], what: str) -> AnyDated:
    """The single row valid on the day; none or several are bad input."""
    found = [row for row in rows if row.covers(day)]
    if len(found) != 1:
        raise BadInputError(f"{len(found)} rows of {what} on {day}")
    return found[0]


def read_products(landing: Landing, day: date) -> dict[str, Product]:
    """The products of snapshot `day` by product_id."""
    rows = landing.snapshot("products", day)
    return {row["product_id"]: Product(row["service"], row["cohort"]) for row in rows}


def read_tracks(landing: Landing, day: date) -> set[int]:
    """The track ids of snapshot `day`."""
    return {int(row["track_id"]) for row in landing.snapshot("tracks", day)}


def read_shares(landing: Landing, day: date) -> list[Share]:
    """The rights of snapshot `day`; a right of a partner that `partners` lacks is bad input."""
    partners = {row["partner_id"] for row in landing.snapshot("partners", day)}
    shares = []
    for row in landing.snapshot("rights", day):
        if row["partner_id"] not in partners:
            raise BadInputError(f"rights name partner {row['partner_id']}, which partners lacks on {day}")
        track_id, partner_id, ppm = int(row["track_id"]), int(row["partner_id"]), int(row["share_ppm"])
        shares.append(Share(*_validity(row), track_id, row["right_type"], partner_id, ppm))
    return shares


def refuse_user_centric(landing: Landing, day: date) -> None:
    """The oracle knows the pro rata method alone."""
    for row in landing.snapshot("contracts", day):
        if row["method"] != "pro_rata":
            raise BadInputError(f"partner {row['partner_id']} has a {row['method']} contract")


def read_reference(rate_card: Iterable[CsvRow], service: Iterable[CsvRow], in_app: Iterable[CsvRow]) -> Reference:
    """The three reference tables from their CSV rows."""
    return Reference(
        [_rate_row(row.fields) for row in rate_card],
        [_service_rule(row.fields) for row in service],
        [Dated(*_validity(row.fields)) for row in in_app],
    )


def _rate_row(row: Mapping[str, str]) -> RateRow:
    legs = (_number(row[name]) for name in ("unit_price_uwon", "per_subscriber_krw", "revenue_rate_ppm"))
    names = row["service"], row["cohort"], row["right_type"]
    return RateRow(*_validity(row), *names, row["no_pool"] == "true", *legs)


def _service_rule(row: Mapping[str, str]) -> ServiceRule:
    cap = _number(row["max_plays_per_user_track_day"])
    return ServiceRule(*_validity(row), row["service"], _number(row["min_play_ms"]) or 0, cap)


def _validity(row: Mapping[str, str]) -> tuple[date | None, date | None]:
    return _date(row["valid_from"]), _date(row["valid_to"])


def _date(text: str) -> date | None:
    return date_of(text) if text else None


def _number(text: str) -> int | None:
    return int(text) if text else None
