"""Rules §3: payments in buckets, their base, and what is recognised on each day.

Open choices:
- `base_uwon` of a `duplicate` is the base of that row by the same formula (a refund's negative); nothing of it is
  recognised. `payment_bucket` sums the bases of the rows of one day, payment_id and bucket.
- `refunded_uwon` is what refunds take off, as an amount ≥ 0; other revenue below 0 is no refund.
- `subscriptions` of a day, like `subscribers` of a month: distinct subscription_id whose net recognised amount in the
  product is positive on that day. "Net" is over all users and payments of the subscription. A payment without a
  subscription_id is no subscription.
- A refund's charge is known if its counted row of kind `charge` landed on the refund's day or before, in any order
  within the day. A payment_id that was first landed as a refund is no charge.
- A payment with a base of 0 is recognised (as 0) on each day of its range.
- `user_id` is a number here as in plays (`007` is `7`), so that a payer is found among the listeners; a payment, a
  refund too, is its own row's user's. Other revenue is no user's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from .dated import Dated
from .faults import BadInputError
from .forms import NUMBER_FORM, date_of, epoch_day, instant_of, kst_day
from .landing import CsvRow, Landing

STORES = ("app_store", "play_store")
UWON = 1_000_000


@dataclass(frozen=True)
class Payment:
    """One landed row; amounts in won with VAT, `paid_at` in microseconds since 1970 (UTC)."""

    landed_on: date
    raw: bytes
    payment_id: str
    kind: str
    refund_of: str
    user_id: int
    subscription_id: str
    product_id: str
    sale_channel: str
    paid_at: int
    gross_krw: int
    web_price_krw: int
    service_start: date
    service_end: date


@dataclass(frozen=True)
class Booked:
    """A payment with its bucket (`counted`, `duplicate`) and signed base."""

    payment: Payment
    bucket: str
    base_uwon: int


@dataclass
class DayRevenue:
    """What one product is recognised on one day, in uwon; net also by subscription and by user."""

    recognised: int = 0
    refunded: int = 0
    by_subscription: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    by_user: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def paying(self) -> set[str]:
        """The subscriptions with a positive net."""
        return {subscription for subscription, net in self.by_subscription.items() if net > 0}


Recognised = dict[tuple[date, str], DayRevenue]
"""By day and product; a key for every day on which a part or a row is recognised, be it 0."""


def signed_floor(numerator: int, denominator: int) -> int:
    """floor(|a| / b) with the sign of a."""
    size = abs(numerator) // denominator
    return -size if numerator < 0 else size


def book_payments(landing: Landing, last: date, in_app_rules: Sequence[Dated]) -> list[Booked]:
    """Every payment landed up to `last`, in buckets, by (landing day, instant, raw line)."""
    payments = [_payment(row, day) for day in landing.days("payments") if day <= last for row in landing.rows("payments", day)]
    payments.sort(key=lambda payment: (payment.landed_on, payment.paid_at, payment.raw))
    counted: dict[str, Payment] = {}
    for payment in payments:
        counted.setdefault(payment.payment_id, payment)
    return [
        Booked(
            payment,
            "counted" if counted[payment.payment_id] is payment else "duplicate",
            _base_uwon(payment, counted.get(payment.refund_of), in_app_rules),
        )
        for payment in payments
    ]


def _payment(row: CsvRow, day: date) -> Payment:
    fields = row.fields
    paid_at = instant_of(fields["paid_at"])
    if paid_at is None:
        raise BadInputError(f"paid_at {fields['paid_at']!r} of payment {fields['payment_id']!r}")
    return Payment(
        landed_on=day,
        raw=row.raw,
        payment_id=fields["payment_id"],
        kind=fields["kind"],
        refund_of=fields["refund_of"],
        user_id=_user_id(fields),
        subscription_id=fields["subscription_id"],
        product_id=fields["product_id"],
        sale_channel=fields["sale_channel"],
        paid_at=paid_at,
        gross_krw=int(fields["gross_krw"]),
        web_price_krw=int(fields["web_price_krw"]),
        service_start=date_of(fields["service_start"]),
        service_end=date_of(fields["service_end"]),
    )


def _user_id(fields: Mapping[str, str]) -> int:
    if not NUMBER_FORM.fullmatch(fields["user_id"]):
        raise BadInputError(f"user_id {fields['user_id']!r} of payment {fields['payment_id']!r}")
    return int(fields["user_id"])


def _base_uwon(payment: Payment, named: Payment | None, in_app_rules: Sequence[Dated]) -> int:
    """The price without VAT; `named` is the counted row whose payment_id the refund names."""
    chooser = payment
    if payment.kind == "refund" and named and named.kind == "charge" and named.landed_on <= payment.landed_on:
        chooser = named
    sold_on = kst_day(chooser.paid_at)
    at_web_price = chooser.sale_channel in STORES and any(_covers(rule, sold_on) for rule in in_app_rules)
    price = payment.web_price_krw if at_web_price else payment.gross_krw
    base = price * UWON * 10 // 11
    return -base if payment.kind == "refund" else base


def _covers(rule: Dated, day: int) -> bool:
    """`Dated.covers` on a day number: an instant's KST date may lie outside the years that `date` knows."""
    after_start = rule.valid_from is None or epoch_day(rule.valid_from) <= day
    return after_start and (rule.valid_to is None or day <= epoch_day(rule.valid_to))


def parts(payment: Payment, base_uwon: int) -> Iterator[tuple[date, int]]:
    """The base spread over the service range: (day of recognition, uwon) per day of the range."""
    days = (payment.service_end - payment.service_start).days + 1
    for k in range(1, days + 1):
        part = signed_floor(base_uwon * k, days) - signed_floor(base_uwon * (k - 1), days)
        yield max(payment.service_start + timedelta(days=k - 1), payment.landed_on), part


def recognise(landing: Landing, booked: Sequence[Booked], last: date) -> Recognised:
    """Everything recognised from counted payments and from other revenue landed up to `last`."""
    result: Recognised = defaultdict(DayRevenue)
    for entry in booked:
        payment = entry.payment
        for day, part in parts(payment, entry.base_uwon) if entry.bucket == "counted" else ():
            revenue = result[day, payment.product_id]
            revenue.recognised += part
            revenue.by_user[payment.user_id] += part
            if payment.kind == "refund":
                revenue.refunded -= part
            if payment.subscription_id:
                revenue.by_subscription[payment.subscription_id] += part
    for day, product_id, amount_krw in _other_revenue(landing, last):
        result[day, product_id].recognised += amount_krw * UWON
    return result


def _other_revenue(landing: Landing, last: date) -> Iterator[tuple[date, str, int]]:
    seen: set[str] = set()
    for day in landing.days("other_revenue"):
        for row in sorted(landing.rows("other_revenue", day), key=lambda row: row.raw) if day <= last else ():
            if row.fields["revenue_id"] not in seen:
                seen.add(row.fields["revenue_id"])
                yield day, row.fields["product_id"], int(row.fields["amount_krw"])
