"""Catalogue snapshots, typed (data.md "Landing").

Open choices:
- A `rights` row of 0 ppm is no share: it gives no line.
- A partner that `partners` lacks is bad input in `rights`, `contracts` and `advances` alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from .dated import Dated, optional_date, validity
from .faults import BadInputError
from .forms import date_of
from .landing import Landing

RIGHT_TYPES = ("author", "performer", "producer")
METHODS = ("pro_rata", "user_centric")
TAX_KINDS = ("vat_invoice", "withholding", "exempt")
WHOLE_PPM = 1_000_000


@dataclass(frozen=True)
class Product:
    """A product as one snapshot has it."""

    service: str
    cohort: str


@dataclass(frozen=True)
class Share(Dated):
    """A partner's part in one track and right type, in ppm."""

    track_id: int
    right_type: str
    partner_id: int
    share_ppm: int


@dataclass(frozen=True)
class Contract(Dated):
    """How a partner is paid for one right type and service: `pro_rata` or `user_centric`."""

    partner_id: int
    right_type: str
    service: str
    method: str


@dataclass(frozen=True)
class Partner:
    """Whoever is paid, and how; the threshold in won."""

    partner_id: int
    tax_kind: str
    threshold_krw: int
    active_to: date | None

    def left_before(self, month_end: date) -> bool:
        """No longer active at month end."""
        return self.active_to is not None and self.active_to < month_end


@dataclass(frozen=True)
class Advance:
    """Money given to a partner ahead of its royalties, in won."""

    advance_id: str
    partner_id: int
    granted_on: date
    amount_krw: int


def read_products(landing: Landing, day: date) -> dict[str, Product]:
    """The products of snapshot `day` by product_id."""
    rows = landing.snapshot("products", day)
    return {row["product_id"]: Product(row["service"], row["cohort"]) for row in rows}


def read_tracks(landing: Landing, day: date) -> set[int]:
    """The track ids of snapshot `day`."""
    return {int(row["track_id"]) for row in landing.snapshot("tracks", day)}


def read_partners(landing: Landing, day: date) -> dict[int, Partner]:
    """The partners of snapshot `day` by partner_id."""
    partners = (_partner(row) for row in landing.snapshot("partners", day))
    return {partner.partner_id: partner for partner in partners}


def read_shares(landing: Landing, day: date) -> list[Share]:
    """The rights of snapshot `day`."""
    return [
        Share(*validity(row), int(row["track_id"]), row["right_type"], partner_id, int(row["share_ppm"]))
        for partner_id, row in _rows_of_partners(landing, "rights", day)
    ]


def read_contracts(landing: Landing, day: date) -> list[Contract]:
    """The contracts of snapshot `day`."""
    return [
        Contract(*validity(row), partner_id, row["right_type"], row["service"], _one_of(METHODS, row["method"]))
        for partner_id, row in _rows_of_partners(landing, "contracts", day)
    ]


def read_advances(landing: Landing, day: date) -> list[Advance]:
    """The advances of snapshot `day`, those granted later among them."""
    return [
        Advance(row["advance_id"], partner_id, date_of(row["granted_on"]), int(row["amount_krw"]))
        for partner_id, row in _rows_of_partners(landing, "advances", day)
    ]


def _rows_of_partners(landing: Landing, table: str, day: date) -> Iterator[tuple[int, Mapping[str, str]]]:
    partners = {int(row["partner_id"]) for row in landing.snapshot("partners", day)}
    for row in landing.snapshot(table, day):
        partner_id = int(row["partner_id"])
        if partner_id not in partners:
            raise BadInputError(f"{table} name partner {partner_id}, which partners lacks on {day}")
        yield partner_id, row


def _partner(row: Mapping[str, str]) -> Partner:
    tax_kind = _one_of(TAX_KINDS, row["tax_kind"])
    return Partner(int(row["partner_id"]), tax_kind, int(row["payout_threshold_krw"]), optional_date(row["active_to"]))


def _one_of(allowed: tuple[str, ...], text: str) -> str:
    if text not in allowed:
        raise BadInputError(f"{text!r} is none of {', '.join(allowed)}")
    return text
