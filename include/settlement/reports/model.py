"""The words of the reports: the month in hand, partners with what they are owed, the files written for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
        sender: who sends DSR files (dpid, name, service), as it was approved; empty: as the settings say.
    """

    month: str
    version: int
    last_day: str
    rules_hash: str
    inputs_hash: str
    rows_hashes: Mapping[str, str]
    state: str = "approved"
    sender: Mapping[str, str] = field(default_factory=dict)

    @property
    def document_time(self) -> str:
        """Time of every document of the month: its last second in Korea, whenever it was written."""
        return f"{self.last_day}T23:59:59+09:00"


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
class Statement:
    """A row of mart.statement (rules §7); whole won. carried_in + royalty + adjustment − recouped = payable + carried_out.

    Attributes:
        tax_kind: `vat_invoice`, `withholding`, `exempt`; empty for suspense.
        is_active: whether the partner is active at month end; one that isn't is paid whatever is due above 0.
    """

    tax_kind: str
    payout_threshold_krw: int
    royalty_krw: int
    adjustment_krw: int
    net_krw: int
    recouped_krw: int
    carried_in_krw: int
    due_krw: int
    payable_krw: int
    carried_out_krw: int
    vat_krw: int
    withheld_krw: int
    paid_krw: int
    is_active: bool = True


@dataclass(frozen=True)
class Adjustment:
    """A row of mart.adjustment: what a restatement of an earlier month changes for a product and right type (rules §8)."""

    settled_month: str
    version_from: int
    version_to: int
    product_id: str
    product: str
    right_type: str
    delta_krw: int
    reason: str


@dataclass(frozen=True)
class Recoupment:
    """A row of mart.advance_recoup: one advance in this month (rules §7); `granted_on` is a date."""

    advance_id: str
    granted_on: str
    amount_krw: int
    open_before_krw: int
    recouped_krw: int
    open_after_krw: int


@dataclass(frozen=True)
class Partner:
    """A partner with a statement (or suspense), as the catalogue names it; royalties in order of right type, product.

    Adjustments are in order of settled month, version, product, right type; recoupments oldest advance first.
    """

    partner_id: int
    name: str
    kind: str
    dpid: str
    formats: tuple[str, ...]
    royalties: tuple[Royalty, ...]
    statement: Statement
    adjustments: tuple[Adjustment, ...] = ()
    recoupments: tuple[Recoupment, ...] = ()

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
class SuspenseAge:
    """A row of mart.suspense_age: what suspense still holds of one month, in whole won (rules §7)."""

    origin_month: str
    balance_krw: int


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


@dataclass(frozen=True)
class Month:
    """The month, proven: partners with suspense first, then by id; pools by product and right type; ages oldest first."""

    partners: tuple[Partner, ...]
    pools: tuple[Pool, ...]
    ages: tuple[SuspenseAge, ...]
