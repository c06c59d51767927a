"""The landing layout: kinds, files, columns and their forms, and the rules that span the columns of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from settlement.landing import forms
from settlement.landing.forms import Form, epoch_day

Kind = Literal["plays", "payments", "other_revenue", "catalog"]
KINDS: tuple[Kind, ...] = ("plays", "payments", "other_revenue", "catalog")
SUCCESS = "_SUCCESS"
MAX_RANGE_DAYS = 400

# A row rule gets the row and the landing day (days since 1970-01-01) and says what is wrong, or None.
RowRule = Callable[[Mapping[str, str], int], str | None]


@dataclass(frozen=True)
class CsvFile:
    """One kind of CSV file: the raw table it fills, its columns with their forms, rules across columns."""

    table: str
    columns: Mapping[str, Form]
    row_rules: tuple[RowRule, ...] = field(default=())


def _refund_names_a_charge(row: Mapping[str, str], _day: int) -> str | None:
    if row["kind"] == "charge" and row["refund_of"]:
        return f"refund_of is {row['refund_of']!r} on a charge: must be empty"
    return None


def _range_in_order(start: str, end: str) -> RowRule:
    def rule(row: Mapping[str, str], _day: int) -> str | None:
        if row[end] and row[end] < row[start]:
            return f"{end} {row[end]} lies before {start} {row[start]}"
        return None

    return rule


def _service_range_bounded(row: Mapping[str, str], day: int) -> str | None:
    start, end = epoch_day(row["service_start"]), epoch_day(row["service_end"])
    assert start is not None
    assert end is not None
    if end - start + 1 > MAX_RANGE_DAYS:
        return f"service range {row['service_start']} … {row['service_end']} has {end - start + 1} days: at most {MAX_RANGE_DAYS}"
    if end - day > MAX_RANGE_DAYS:
        return f"service_end {row['service_end']} is {end - day} days after the landing day: at most {MAX_RANGE_DAYS}"
    return None


_VALIDITY = _range_in_order("valid_from", "valid_to")

PAYMENTS = CsvFile(
    "raw.payment",
    {
        "payment_id": forms.TEXT,
        "kind": forms.one_of("charge", "refund"),
        "refund_of": forms.ANY,
        "user_id": forms.USER_ID,
        "subscription_id": forms.SUBSCRIPTION_ID,
        "product_id": forms.PRODUCT_ID,
        "sale_channel": forms.one_of("web", "app_store", "play_store", "telco", "voucher"),
        "paid_at": forms.ANY_INSTANT,
        "gross_krw": forms.PAID_KRW,
        "web_price_krw": forms.PAID_KRW,
        "service_start": forms.DAY,
        "service_end": forms.DAY,
    },
    (_refund_names_a_charge, _range_in_order("service_start", "service_end"), _service_range_bounded),
)
OTHER_REVENUE = CsvFile(
    "raw.other_revenue",
    {
        "revenue_id": forms.TEXT,
        "product_id": forms.PRODUCT_ID,
        "amount_krw": forms.SIGNED_KRW,
        "memo": forms.ANY,
    },
)
CATALOG: dict[str, CsvFile] = {
    "products": CsvFile(
        "raw.product",
        {
            "product_id": forms.PRODUCT_ID,
            "name": forms.ANY,
            "service": forms.SERVICE,
            "cohort": forms.one_of("new", "legacy"),
            "list_price_krw": forms.KRW,
        },
    ),
    "tracks": CsvFile(
        "raw.track",
        {
            "track_id": forms.KEY,
            "isrc": forms.ANY,
            "iswc": forms.ANY,
            "uci": forms.ANY,
            "title": forms.ANY,
            "artist": forms.ANY,
            "album_id": forms.KEY,
            "duration_ms": forms.DURATION,
            "release_date": forms.DAY_OR_EMPTY,
        },
    ),
    "albums": CsvFile(
        "raw.album",
        {"album_id": forms.KEY, "upc": forms.ANY, "title": forms.ANY, "artist": forms.ANY, "label": forms.ANY},
    ),
    "partners": CsvFile(
        "raw.partner",
        {
            "partner_id": forms.KEY,
            "name": forms.ANY,
            "kind": forms.RIGHT_TYPE,
            "dpid": forms.ANY,
            "tax_kind": forms.one_of("vat_invoice", "withholding", "exempt"),
            "payout_threshold_krw": forms.KRW,
            "report_formats": forms.REPORT_FORMATS,
            "active_from": forms.DAY,
            "active_to": forms.DAY_OR_EMPTY,
        },
        (_range_in_order("active_from", "active_to"),),
    ),
    "rights": CsvFile(
        "raw.rights",
        {
            "track_id": forms.KEY,
            "right_type": forms.RIGHT_TYPE,
            "partner_id": forms.KEY,
            "share_ppm": forms.PPM,
            "valid_from": forms.DAY,
            "valid_to": forms.DAY_OR_EMPTY,
        },
        (_VALIDITY,),
    ),
    "contracts": CsvFile(
        "raw.contract",
        {
            "partner_id": forms.KEY,
            "right_type": forms.RIGHT_TYPE,
            "service": forms.SERVICE,
            "method": forms.one_of("pro_rata", "user_centric"),
            "valid_from": forms.DAY,
            "valid_to": forms.DAY_OR_EMPTY,
        },
        (_VALIDITY,),
    ),
    "advances": CsvFile(
        "raw.advance",
        {
            "advance_id": forms.TEXT,
            "partner_id": forms.KEY,
            "granted_on": forms.DAY,
            "amount_krw": forms.KRW,
        },
    ),
}
RAW_TABLES: dict[Kind, tuple[str, ...]] = {
    "plays": ("raw.play",),
    "payments": (PAYMENTS.table,),
    "other_revenue": (OTHER_REVENUE.table,),
    "catalog": tuple(spec.table for spec in CATALOG.values()),
}


def file_suffix(kind: Kind) -> str:
    """How the names of data files of a kind end."""
    return ".jsonl.gz" if kind == "plays" else ".csv.gz"


def csv_file(kind: Kind, name: str) -> CsvFile:
    """The contract of one CSV file by its folder's kind and its name."""
    if kind == "payments":
        return PAYMENTS
    if kind == "other_revenue":
        return OTHER_REVENUE
    return CATALOG[name.removesuffix(".csv.gz")]
