"""The landing that these tests settle: two short months in which every figure can still be followed by hand."""

from tests.worlds import World
from tests.worlds.plain import SINCE, catalogue, other_revenue, payment, plain_world, play, rate, rule

MONTH, NEXT = "2026-02", "2026-03"
FIRST, DAY_BEFORE_LAST, LAST = "2026-02-01", "2026-02-27", "2026-02-28"

_PRODUCTS = (
    ("P", '구독, "plus"', "sub_stream", "new", "10900"),
    ("A", "free", "ad_stream", "legacy", "0"),
    ("D", "download", "download", "new", "1000"),
    ("Q", "promo", "promo", "new", "0"),
)
# Track 1 is wholly owned or nearly so, track 2 changes hands inside the month, track 3 belongs to nobody.
_RIGHTS = (
    ("1", "producer", "1", "1000000", SINCE, ""),
    ("1", "author", "2", "333333", SINCE, ""),
    ("1", "author", "3", "333333", SINCE, ""),
    ("1", "performer", "4", "1000000", SINCE, ""),
    ("2", "producer", "1", "600000", SINCE, "2026-02-14"),
    ("2", "producer", "2", "600000", "2026-02-15", ""),
    ("2", "producer", "3", "400000", SINCE, ""),
    ("2", "author", "2", "1000000", SINCE, ""),
)
_PLAYS = (
    play("2026-02-01", "a1"),
    play("2026-02-01", "a2", track_id=2, device="app", country="KR"),
    play("2026-02-01", "short", ms_played=59_999),
    play("2026-02-01", "bot", flags=["bot"]),
    play("2026-02-01", "ghost", product_id="ghost"),
    play("2026-02-01", "a1", ms_played=70_000),
    play("2026-02-01", "bad", user_id=-1),
    play("2026-02-02", "a1"),
    *(play("2026-02-02", f"cap{number}") for number in range(4)),
    play("2026-02-02", "late", started_at="2026-01-01T12:00:00+09:00"),
    play("2026-02-02", "future", started_at="2026-02-03T00:00:00+09:00"),
    play("2026-02-16", "b1", track_id=2, user_id=2),
    play("2026-02-16", "b2", track_id=3, user_id=3),
    play("2026-02-16", "b3", track_id=77, user_id=3),
    play("2026-02-16", "free", product_id="A", user_id=4, ms_played=30_000),
    play("2026-02-16", "promo", product_id="Q", user_id=4),
    play("2026-02-16", "bought", product_id="D", user_id=4, ms_played=0),
    play("2026-02-26", "x1", user_id=7),
    play("2026-02-26", "x2", user_id=7, track_id=2),
    play("2026-02-27", "x1", user_id=7, ms_played=61_000),
    play("2026-02-28", "x2", user_id=7, track_id=3),
    play("2026-02-28", "c1", user_id=5),
    play("2026-02-28", "b1", track_id=2, user_id=2),
    play("2026-03-01", "c1", user_id=5),
    play("2026-03-01", "d1", user_id=6, track_id=2),
    play("2026-03-20", "free-again", product_id="A", user_id=4),
)
_MONEY = (
    payment("2026-02-01", "pay-1", gross_krw=10_900, service_end="2026-02-28"),
    payment("2026-02-02", "pay-1", gross_krw=10_900, service_end="2026-02-28"),
    payment(
        "2026-02-02", "pay-2", gross_krw=14_000, web_price_krw=10_900, sale_channel="app_store", user_id=2,
        subscription_id=2, service_end="2026-03-03",
    ),
    payment(
        "2026-02-05", "back-2", kind="refund", refund_of="pay-2", gross_krw=7_000, web_price_krw=5_450, user_id=2,
        subscription_id=2, service_end="2026-02-19",
    ),
    payment("2026-02-27", "back-3", kind="refund", refund_of="pay-3", gross_krw=100, user_id=3, subscription_id=3),
    payment("2026-02-28", "pay-3", gross_krw=10_900, user_id=3, subscription_id=3, service_end="2026-03-27"),
    other_revenue("2026-02-16", "ads-1", -500, "A"),
    other_revenue("2026-02-28", "ads-2", 7, "P"),
    other_revenue("2026-03-20", "ads-3", 1_999, "A"),
)  # fmt: skip


def example() -> World:
    """The example: product A owes 500 won at the end of the first month, which the second one carries."""
    return plain_world(
        *_PLAYS,
        money=_MONEY,
        months=(MONTH, NEXT),
        snapshots=[(FIRST, catalogue(products=_PRODUCTS, rights=_RIGHTS, tracks=(1, 2, 3)))],
        rate_card=(
            *rate("sub_stream", unit=700_001, sub=700, rev=105_000),
            *rate("ad_stream", rev=482_500),
            *rate("download", no_pool=True),
        ),
        service_rules=(rule("sub_stream", cap=2), rule("ad_stream", 30_000), rule("download", 0), rule("promo")),
        in_app_rules=(("2022-06-01", "2026-05-31", "example"),),
    )
