"""Three months that hang together: what one leaves open the next takes up, and later catalogues correct earlier months.

Every rule of a month has its case: both methods and their change within a month, payers who hear nothing, refunds, revenue
below zero, advances, thresholds, every kind of tax, a partner that leaves.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from tests.integration.house import House, of_month
from tests.oracle import Exports, Restatement, render, settle
from tests.worlds import Snapshot, World
from tests.worlds.plain import SINCE, catalogue, other_revenue, payment, plain_world, play, rate, rule
from tests.worlds.world import Rows

MONTHS = FEBRUARY, MARCH, APRIL = "2026-02", "2026-03", "2026-04"
# The exports that each version of a month has, and the versions that there are in the end.
OF_VERSIONS = ("pool", "settlement_line", "statement_royalty")
VERSIONS = [(FEBRUARY, 1), (FEBRUARY, 2), (FEBRUARY, 3), (MARCH, 1), (MARCH, 2), (APRIL, 1)]
# How many days of the next month had been settled when earlier months were restated.
MARCH_DAYS, APRIL_DAYS = 10, 5
# The catalogues of these days correct February: the first moves a hand-over and finds an owner, the second takes both back
# in part and brings a contract.
CORRECTED, CORRECTED_AGAIN = "2026-03-05", "2026-04-03"

_PRODUCTS = (
    ("P", '구독, "plus"', "sub_stream", "new", "10900"),
    ("N", "nobody plays it", "sub_stream", "legacy", "7900"),
    ("A", "free", "ad_stream", "legacy", "0"),
    ("D", "download", "download", "new", "1000"),
    ("Q", "promo", "promo", "new", "0"),
)
# id, tax, threshold, last day
_PARTNERS = (
    ("1", "vat_invoice", "0", ""),
    ("2", "withholding", "1000", ""),
    ("3", "exempt", "0", ""),
    ("4", "vat_invoice", "30000", ""),
    ("5", "withholding", "1000000", "2026-03-15"),
)
_CONTRACTS: Rows = (
    ("1", "producer", "sub_stream", "user_centric", "2026-02-10", "2026-03-09"),
    ("1", "producer", "sub_stream", "pro_rata", "2026-03-10", ""),
    ("4", "producer", "sub_stream", "pro_rata", SINCE, "2026-02-19"),
    ("4", "producer", "sub_stream", "user_centric", "2026-02-20", ""),
    ("3", "performer", "sub_stream", "user_centric", SINCE, ""),
    ("2", "author", "download", "user_centric", SINCE, "2026-02-15"),
)
_LATE_CONTRACT = ("1", "producer", "ad_stream", "user_centric", SINCE, "")
_ADVANCES: Rows = (
    ("adv-1", "1", "2026-01-15", "500"),
    ("adv-2", "1", "2026-02-20", "6000"),
    ("adv-3", "2", "2026-03-10", "1000000"),
    ("adv,4", "4", "2026-05-01", "700"),
)
_PLAYS = (
    play("2026-02-01", "f1"),
    play("2026-02-01", "f1", ms_played=70_000),
    play("2026-02-01", "short", ms_played=59_999),
    play("2026-02-05", "f2", track_id=2, user_id=2),
    play("2026-02-12", "f3", track_id=2),
    play("2026-02-12", "f4", user_id=2),
    play("2026-02-12", "f5", track_id=3, user_id=2),
    play("2026-02-16", "f6", track_id=2, user_id=3),
    play("2026-02-16", "free", product_id="A", user_id=4, track_id=2),
    play("2026-02-16", "promo", product_id="Q", user_id=4),
    play("2026-02-16", "bought", product_id="D", user_id=4, ms_played=0),
    play("2026-02-20", "bot", flags=["bot"]),
    play("2026-02-21", "f7", track_id=2, user_id=2),
    play("2026-02-28", "f8", track_id=3, user_id=1),
    play("2026-02-28", "lost", product_id="A", track_id=77, user_id=5),
    play("2026-03-01", "f8", track_id=3, user_id=1),
    play("2026-03-02", "m1", user_id=1),
    play("2026-03-08", "m2", track_id=2, user_id=3),
    play("2026-03-11", "m3", user_id=2),
    play("2026-03-12", "bought-again", product_id="D", user_id=2, ms_played=0),
    play("2026-03-20", "m4", track_id=3, user_id=3),
    play("2026-03-20", "free-again", product_id="A", user_id=4),
    play("2026-04-01", "a1", user_id=1),
    play("2026-04-02", "a2", track_id=2, user_id=2),
    play("2026-04-30", "a3", track_id=3, user_id=3),
    play("2026-04-30", "free-still", product_id="A", user_id=4, track_id=2),
)
_MONEY = (
    payment("2026-02-01", "feb-1", gross_krw=10_900, service_end="2026-02-28"),
    payment("2026-02-02", "feb-1", gross_krw=10_900, service_end="2026-02-28"),
    payment(
        "2026-02-02", "feb-2", gross_krw=14_000, web_price_krw=10_900, sale_channel="app_store", user_id=2,
        subscription_id=2, service_end="2026-03-03",
    ),
    payment("2026-02-03", "feb-3", gross_krw=10_900, user_id=3, subscription_id=3, service_end="2026-03-02"),
    payment("2026-02-03", "feb-9", gross_krw=10_900, user_id=9, subscription_id=9, service_end="2026-03-02"),
    payment("2026-02-04", "feb-n", gross_krw=7_900, product_id="N", user_id=8, subscription_id=8, service_end="2026-03-03"),
    payment("2026-02-16", "one-off", gross_krw=1_000, product_id="D", user_id=4, subscription_id=""),
    payment(
        "2026-02-20", "back-3", kind="refund", refund_of="feb-3", gross_krw=10_900, web_price_krw=10_900, user_id=3,
        subscription_id=3, service_start="2026-02-03", service_end="2026-03-02",
    ),
    payment("2026-03-01", "mar-1", gross_krw=10_900, service_end="2026-03-31"),
    payment("2026-03-03", "mar-9", gross_krw=10_900, user_id=9, subscription_id=9, service_end="2026-04-02"),
    payment("2026-03-04", "mar-3", gross_krw=10_900, user_id=3, subscription_id=3, service_end="2026-04-03"),
    payment(
        "2026-03-10", "back-1", kind="refund", refund_of="mar-1", gross_krw=21_800, web_price_krw=21_800,
        service_start="2026-03-10", service_end="2026-03-31",
    ),
    payment("2026-04-01", "apr-1", gross_krw=10_900, service_end="2026-04-30"),
    payment("2026-04-02", "apr-2", gross_krw=10_900, user_id=2, subscription_id=2, service_end="2026-05-01"),
    other_revenue("2026-02-16", "ads-1", -5_000, "A"),
    other_revenue("2026-03-20", "ads-2", 1_999, "A"),
    other_revenue("2026-04-20", "ads-3", 40_000, "A"),
)  # fmt: skip


def chained() -> World:
    """February to April: product A owes 5,000 won at the end of February, still 3,001 at the end of March."""
    return plain_world(
        *_PLAYS,
        money=_MONEY,
        months=MONTHS,
        snapshots=[
            (f"{FEBRUARY}-01", _snapshot("2026-02-15")),
            (CORRECTED, _snapshot("2026-02-10", (("3", "producer", "4", "1000000", SINCE, ""),), (_LATE_CONTRACT,))),
            (CORRECTED_AGAIN, _snapshot("2026-02-15", (("3", "producer", "1", "750000", SINCE, ""),))),
        ],
        rate_card=_rates("900000000"),
        service_rules=(rule("sub_stream", cap=2), rule("ad_stream", 30_000), rule("download", 0), rule("promo")),
        in_app_rules=(("2022-06-01", "2026-05-31", "example"),),
    )


def with_other_rates(house: House) -> House:
    """The same warehouse beside a rate card by which subscribers, not plays, make what authors get."""
    other = House(house.root / "other_rates", house.warehouse)
    other.reference.mkdir(parents=True, exist_ok=True)
    for file in house.reference.iterdir():
        (other.reference / file.name).write_bytes(file.read_bytes())
    other.write_reference("rate_card", _rates("1"))
    return other


def chained_exports(house: House, other: House) -> Exports:
    """What the oracle says of the three months: February restated twice, March by the other rate card."""
    requests = [
        Restatement(FEBRUARY, MARCH, date(2026, 3, MARCH_DAYS)),
        Restatement(FEBRUARY, APRIL, date(2026, 4, APRIL_DAYS)),
        Restatement(MARCH, APRIL, date(2026, 4, APRIL_DAYS), other.reference),
    ]
    return settle(house.landing, house.reference, list(MONTHS), requests)


def assert_month(house: House, expected: Exports, month: str) -> None:
    """Every export of a month, but those that each version has, is what the oracle says."""
    for name, rows in of_month(expected, month).items():
        if name not in OF_VERSIONS:
            assert house.export(name, "--month", month) == render(name, rows).encode(), name


def assert_version(house: House, expected: Exports, month: str, version: int) -> None:
    """The exports of a version are what the oracle says; those of the version posted last are the default."""
    for name in OF_VERSIONS:
        rows = [row for row in of_month(expected, month)[name] if row["version"] == version]
        exported = house.export(name, "--month", month, "--version", version)
        assert exported == render(name, rows).encode(), name
        if (month, version + 1) not in VERSIONS:
            assert house.export(name, "--month", month) == exported, "what was posted last is the default"


def _rates(unit: str) -> Rows:
    legs = {"author": (unit, "700", "1"), "performer": ("1", "350", "62500"), "producer": ("3080000", "", "482500")}
    subscription = (("sub_stream", "all", right, SINCE, "", "false", *of_right, "example") for right, of_right in legs.items())
    return (*subscription, *rate("ad_stream", rev=482_500), *rate("download", unit=77_000_000, rev=550_000))


def _snapshot(hand_over: str, found: Rows = (), contracts: Rows = ()) -> Snapshot:
    """A catalogue in which track 2 changes hands on a day; track 3 belongs to nobody unless somebody is found."""
    day_before = f"{hand_over[:8]}{int(hand_over[8:]) - 1:02d}"
    rights = (
        ("1", "producer", "1", "1000000", SINCE, ""),
        ("1", "author", "2", "333333", SINCE, ""),
        ("1", "author", "5", "333333", SINCE, ""),
        ("1", "performer", "3", "1000000", SINCE, ""),
        ("2", "producer", "1", "600000", SINCE, day_before),
        ("2", "producer", "4", "600000", hand_over, ""),
        ("2", "producer", "5", "400000", SINCE, ""),
        ("2", "author", "2", "1000000", SINCE, ""),
        *found,
    )
    partners = tuple(
        (partner, f"partner {partner}", "producer", "", tax_kind, threshold, "csv", SINCE, last)
        for partner, tax_kind, threshold, last in _PARTNERS
    )
    known = catalogue(products=_PRODUCTS, rights=rights, tracks=(1, 2, 3))
    return replace(known, partners=partners, contracts=(*_CONTRACTS, *contracts), advances=_ADVANCES)
