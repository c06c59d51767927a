"""Payments and other revenue as landed CSV records: charges, refunds, copies, ranges up to 400 days."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from .calendar_days import instant_text
from .dice import Dice
from .play_lines import PRODUCTS, PROMO, USERS
from .world import CsvLine

_PAYMENT_IDS = ("1", "2", "3", "4", "5", "6", "결제 7", 'eight "8"', "nine,9", "ten\n10", " 11", "\uff21", "\U0001f600")
_REVENUE_IDS = ("r1", "r2", "r3", "r,4", "r\n5")
_SUBSCRIPTIONS = ("1", "2", "3", "4", "")
_CHANNELS = ("web", "app_store", "play_store", "app_store", "web", "telco", "voucher")
_PRICES = (1_100, 11, 0, 1, 2, 10, 55, 1_000, 7_900, 10_900, 999_999_999, 1_000_000_000)
_AMOUNTS = (1_000, 1, 0, -1, -5_000, 1_000_000, 987_654_321, -1_000_000_000)
_PAID_DAYS_AHEAD = (0, 0, 0, -1, 1, -14, -40)
_STARTS_AHEAD = (0, 0, 0, 1, -1, -3, -35, -399, 20, 390)
_LENGTHS = (1, 1, 2, 3, 7, 28, 30, 31, 365, 400)
_LONGEST_AHEAD = 400

PAYMENT_COLUMNS = (
    "payment_id",
    "kind",
    "refund_of",
    "user_id",
    "subscription_id",
    "product_id",
    "sale_channel",
    "paid_at",
    "gross_krw",
    "web_price_krw",
    "service_start",
    "service_end",
)
REVENUE_COLUMNS = ("revenue_id", "product_id", "amount_krw", "memo")
_MEMOS = ("", "광고 🎵", 'said "no"', "a,b", "two\r\nlines", "two\nlines", "tab\there", " ")


@dataclass(frozen=True)
class Scene:
    """Where money may move: the active days; the last day of the product that leaves the catalogue (None: it stays).

    `even` makes every price 11 won (10 without VAT) for a single day, so that the legs of a pool come out equal.
    """

    days: Sequence[date]
    ending: date | None = None
    even: bool = False

    def allows(self, product_id: str, last: date) -> bool:
        """Whether money of the product may be recognised up to that day."""
        return product_id != PRODUCTS[-1] or self.ending is None or last <= self.ending


def payment_event(dice: Dice, scene: Scene, landed: Sequence[CsvLine]) -> CsvLine:
    """One payment on one of the days: a charge, a refund, or a copy of an earlier record."""
    what = dice.below(12)
    day = dice.pick(scene.days)
    if what == 11 and landed:
        return _again(dice.pick(landed), day)
    refund = what >= 8
    prices = (11,) if scene.even else _PRICES
    values = {
        "payment_id": dice.pick(_PAYMENT_IDS),
        "kind": "refund" if refund else "charge",
        "refund_of": dice.pick([*map(_id_of, landed), *_PAYMENT_IDS[:3], "no such payment"]) if refund else "",
        "user_id": str(dice.pick(USERS)),
        "subscription_id": dice.pick(_SUBSCRIPTIONS),
        "product_id": dice.pick((*PRODUCTS, *PRODUCTS, PROMO)),
        "sale_channel": dice.pick(_CHANNELS),
        "paid_at": instant_text(dice, day + timedelta(days=dice.pick(_PAID_DAYS_AHEAD))),
        "gross_krw": str(dice.pick(prices)),
        "web_price_krw": str(dice.pick(prices)),
    }
    start = day + timedelta(days=dice.pick(_STARTS_AHEAD))
    length = 1 if scene.even else dice.pick(_LENGTHS)
    end = min(start + timedelta(days=length - 1), day + timedelta(days=_LONGEST_AHEAD))
    if not scene.allows(values["product_id"], max(end, day)):
        values["product_id"] = PRODUCTS[0]
    values |= {"service_start": str(start), "service_end": str(end)}
    return CsvLine(day, *_spell(dice, PAYMENT_COLUMNS, values))


def revenue_event(dice: Dice, scene: Scene, landed: Sequence[CsvLine]) -> CsvLine:
    """One row of other revenue on one of the days, or a copy of an earlier one."""
    day = dice.pick(scene.days)
    if dice.one_in(8) and landed:
        return _again(dice.pick(landed), day)
    values = {
        "revenue_id": dice.pick(_REVENUE_IDS),
        "product_id": dice.pick((*PRODUCTS, *PRODUCTS, PROMO)),
        "amount_krw": str(dice.pick((0,) if scene.even else _AMOUNTS)),
        "memo": dice.pick(_MEMOS),
    }
    if not scene.allows(values["product_id"], day):
        values["product_id"] = PRODUCTS[0]
    return CsvLine(day, *_spell(dice, REVENUE_COLUMNS, values))


def _id_of(line: CsvLine) -> str:
    header, record = csv.reader([line.header]), csv.reader([line.record])
    return next(record)[next(header).index("payment_id")]


def _again(line: CsvLine, day: date) -> CsvLine:
    """The record once more; never earlier than it was, so that its range stays legal."""
    return CsvLine(max(day, line.dt), line.header, line.record)


def _spell(dice: Dice, columns: Sequence[str], values: Mapping[str, str]) -> tuple[str, str]:
    """Header and record: another order of columns, one column more, more quotes than needed."""
    names = list(dice.pick((columns, columns, columns[::-1], (*columns[3:], *columns[:3]), ("extra", *columns))))
    quoting = dice.pick((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    extra = {"extra": dice.pick(_MEMOS)} if "extra" in names else {}
    return record_text(names, csv.QUOTE_MINIMAL), record_text([{**values, **extra}[name] for name in names], quoting)


def record_text(values: Sequence[str], quoting: int = csv.QUOTE_MINIMAL) -> str:
    """One RFC 4180 record without its line end."""
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator="\r\n").writerow(values)  # type: ignore[arg-type]
    return text.getvalue().removesuffix("\r\n")
