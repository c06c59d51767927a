"""The landing layout: kinds, files, columns and their forms, and the rules that span the columns of one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from settlement.landing import forms
from settlement.landing.forms import Form, epoch_day

# Columns whose values name a listener: never in a message or a log.
PRIVATE = frozenset({"user_id"})
Kind = Literal["plays", "payments", "other_revenue", "catalog"]
KINDS: tuple[Kind, ...] = ("plays", "payments", "other_revenue", "catalog")
SUCCESS = "_SUCCESS"
MAX_RANGE_DAYS = 400

Columns = Mapping[str, pa.StringArray]


@dataclass(frozen=True)
class Problem:
    """The first row of a chunk that breaks a rule across columns: its index in the chunk, and why."""

    index: int
    reason: str


# A row rule gets a chunk's columns and the landing day (days since 1970-01-01).
RowRule = Callable[[Columns, int], Problem | None]


@dataclass(frozen=True)
class CsvFile:
    """One kind of CSV file: the raw table it fills, its columns with their forms, rules across columns."""

    table: str
    columns: Mapping[str, Form]
    row_rules: tuple[RowRule, ...] = field(default=())


def _first(mask: pa.BooleanArray) -> int | None:
    found = pc.index(mask, pa.scalar(True)).as_py()
    return None if found < 0 else int(found)


def _charge_refunds_nothing(columns: Columns, _day: int) -> Problem | None:
    bad = _first(pc.and_(pc.equal(columns["kind"], "charge"), pc.not_equal(columns["refund_of"], "")))
    if bad is None:
        return None
    return Problem(bad, f"refund_of is {columns['refund_of'][bad].as_py()!r} on a charge: must be empty")


def _range_in_order(start: str, end: str) -> RowRule:
    def rule(columns: Columns, _day: int) -> Problem | None:
        bad = _first(pc.and_(pc.not_equal(columns[end], ""), pc.less(columns[end], columns[start])))
        if bad is None:
            return None
        return Problem(bad, f"{end} {columns[end][bad].as_py()} lies before {start} {columns[start][bad].as_py()}")

    return rule


def _service_range_bounded(columns: Columns, day: int) -> Problem | None:
    starts, ends = (_epoch_days(columns[name]) for name in ("service_start", "service_end"))
    lengths = pc.add(pc.subtract(ends, starts), 1)
    bad = _first(pc.greater(lengths, MAX_RANGE_DAYS))
    if bad is not None:
        span = f"{columns['service_start'][bad].as_py()} … {columns['service_end'][bad].as_py()}"
        return Problem(bad, f"service range {span} has {lengths[bad].as_py()} days: at most {MAX_RANGE_DAYS}")
    bad = _first(pc.greater(ends, day + MAX_RANGE_DAYS))
    if bad is not None:
        end = columns["service_end"][bad].as_py()
        late = ends[bad].as_py() - day
        return Problem(bad, f"service_end {end} is {late} days after the landing day: at most {MAX_RANGE_DAYS}")
    return None


def _epoch_days(days: pa.StringArray) -> pa.Int64Array:
    distinct = pc.unique(days)
    numbers = pa.array([epoch_day(day) for day in distinct.to_pylist()], pa.int64())
    return numbers.take(pc.index_in(days, value_set=distinct))


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
    (_charge_refunds_nothing, _range_in_order("service_start", "service_end"), _service_range_bounded),
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
