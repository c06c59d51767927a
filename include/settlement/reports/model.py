"""The words of the reports: the month in hand, partners with what they are owed, the files written for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SUSPENSE_ID = 0
"""`partner_id` of suspense: what can't be paid to anyone yet."""


@dataclass(frozen=True)
class ReportContext:
    """The month to report and the facts that prove what it was computed from.

    Attributes:
        month: `YYYY-MM`.
        version: number of the month's version, from 1.
        last_day: `YYYY-MM-DD`, the catalogue snapshot that names tracks, albums, partners and products.
        rules_hash: hex hash of the rules (SQL and reference rows).
        inputs_hash: hex hash of the input snapshot (landing files).
        rows_hashes: table → rows_hash of the published tables.
        state: of the version: `open`, `approved` or `closed`; the page shows it.
    """

    month: str
    version: int
    last_day: str
    rules_hash: str
    inputs_hash: str
    rows_hashes: Mapping[str, str]
    state: str = "approved"


@dataclass(frozen=True)
class PartnerReport:
    """What was written for one partner.

    Attributes:
        royalty_krw: whole won, the sum over the partner's statement.
        lines: settlement lines behind it.
        files: paths relative to the folder given to `render_month`, the manifest last.
    """

    partner_id: int
    name: str
    royalty_krw: int
    lines: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class FileRecord:
    """One written file: its name inside the partner's folder, size, hash, and data rows (headers and totals apart)."""

    name: str
    sha256: str
    size: int
    rows: int


@dataclass(frozen=True)
class Royalty:
    """What one partner gets for one product and right type: its lines added up, and the statement's whole won."""

    product_id: str
    product: str
    right_type: str
    lines: int
    plays: int
    royalty_uwon: int
    royalty_krw: int

    @property
    def rounding_uwon(self) -> int:
        """Statement minus Σ lines, signed, always less than one won."""
        return self.royalty_krw * 1_000_000 - self.royalty_uwon


@dataclass(frozen=True)
class Partner:
    """A partner with lines (or suspense), as the catalogue names it; royalties in order of right type, product."""

    partner_id: int
    name: str
    kind: str
    dpid: str
    formats: tuple[str, ...]
    royalties: tuple[Royalty, ...]

    @property
    def folder(self) -> str:
        """Folder name below the output folder."""
        return f"partner={self.partner_id}"

    @property
    def is_suspense(self) -> bool:
        """Whether this is suspense, whose files say of each line what kind it is."""
        return self.partner_id == SUSPENSE_ID

    @property
    def lines(self) -> int:
        """Settlement lines."""
        return sum(r.lines for r in self.royalties)

    @property
    def plays(self) -> int:
        """Plays of all lines; a play counts once per right type."""
        return sum(r.plays for r in self.royalties)

    @property
    def royalty_uwon(self) -> int:
        """Σ lines in micro-won."""
        return sum(r.royalty_uwon for r in self.royalties)

    @property
    def royalty_krw(self) -> int:
        """Σ statement in whole won."""
        return sum(r.royalty_krw for r in self.royalties)


@dataclass(frozen=True)
class Pool:
    """A row of mart.pool as the page shows it; uwon unless named otherwise, None where the rate lacks the leg."""

    product_id: str
    product: str
    right_type: str
    service: str
    cohort: str
    qualified_plays: int
    subscribers: int
    revenue_uwon: int
    carry_uwon: int
    unit_leg_uwon: int | None
    sub_leg_uwon: int | None
    rev_leg_uwon: int | None
    winner: str
    pool_krw: int
    rate_cohort: str
    rate_valid_from: str
    unit_price_uwon: int | None
    per_subscriber_krw: int | None
    revenue_rate_ppm: int | None
    rate_source: str
