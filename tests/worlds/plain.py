"""Worlds by hand, for examples: one product of one won a play, one track, one partner, unless a test says otherwise."""

import json
from collections.abc import Sequence
from datetime import date

from .money import PAYMENT_COLUMNS, REVENUE_COLUMNS, record_text
from .world import CsvLine, PlayLine, Rows, Snapshot, World

SINCE = "2013-05-01"
RIGHT_TYPES = ("author", "performer", "producer")
PRODUCTS: Rows = (("P", "product", "sub_stream", "new", "10900"),)
RIGHTS: Rows = tuple(("1", right_type, "1", "1000000", SINCE, "") for right_type in RIGHT_TYPES)


def play(dt: str, play_id: object, /, **fields: object) -> PlayLine:
    """A qualified play of user 1, product P, track 1, at noon in Korea on the landing day, with other fields."""
    day = date.fromisoformat(dt)
    plain = {"user_id": 1, "product_id": "P", "track_id": 1, "ms_played": 60_000, "started_at": f"{dt}T12:00:00+09:00"}
    return PlayLine(day, json.dumps({"play_id": play_id, **plain, **fields}, ensure_ascii=False).encode())


def payment(dt: str, payment_id: str, /, **fields: object) -> CsvLine:
    """A web charge of 11 won (10 without VAT) for the landing day, subscription 1 of user 1, with other fields."""
    plain = {
        "kind": "charge",
        "refund_of": "",
        "user_id": "1",
        "subscription_id": "1",
        "product_id": "P",
        "sale_channel": "web",
        "paid_at": f"{dt}T12:00:00+09:00",
        "gross_krw": "11",
        "web_price_krw": "11",
        "service_start": dt,
        "service_end": dt,
    }
    values = {"payment_id": payment_id, **plain, **{name: str(value) for name, value in fields.items()}}
    record = record_text([values[name] for name in PAYMENT_COLUMNS])
    return CsvLine(date.fromisoformat(dt), record_text(PAYMENT_COLUMNS), record)


def other_revenue(dt: str, revenue_id: str, amount_krw: int, product_id: str = "P") -> CsvLine:
    """A row of other revenue."""
    record = record_text((revenue_id, product_id, str(amount_krw), ""))
    return CsvLine(date.fromisoformat(dt), record_text(REVENUE_COLUMNS), record)


def rate(service: str, unit: object = "", sub: object = "", rev: object = "", *, no_pool: bool = False) -> Rows:
    """The same rate for each right type of a service, every cohort, always."""
    legs = str(unit), str(sub), str(rev)
    return tuple((service, "all", right, SINCE, "", str(no_pool).lower(), *legs, "example") for right in RIGHT_TYPES)


def rule(service: str, min_play_ms: int = 60_000, cap: object = "") -> tuple[str, ...]:
    """A service rule that is always valid."""
    return service, SINCE, "", str(min_play_ms), str(cap), "example"


def catalogue(products: Rows = PRODUCTS, rights: Rows = RIGHTS, tracks: Sequence[int] = (1, 2)) -> Snapshot:
    """A catalogue of four partners."""
    return Snapshot(
        products=products,
        tracks=tuple((str(track), "", "", "", "title", "artist", "1", "200000", "") for track in tracks),
        albums=(("1", "", "album", "artist", "label"),),
        partners=tuple((str(partner), "name", "producer", "", "exempt", "0", "csv", SINCE, "") for partner in (1, 2, 3, 4)),
        rights=rights,
        contracts=(),
        advances=(),
    )


def plain_world(
    *landed: PlayLine,
    money: Sequence[CsvLine] = (),
    months: tuple[str, ...] = ("2024-02",),
    snapshots: Sequence[tuple[str, Snapshot]] = (),
    rate_card: Rows = (),
    service_rules: Rows = (),
    in_app_rules: Rows = (),
) -> World:
    """A world of these plays, payments and rows of other revenue; every part that isn't given is the plain one."""
    given = tuple((date.fromisoformat(first), snapshot) for first, snapshot in snapshots)
    payments = record_text(PAYMENT_COLUMNS)
    return World(
        months=months,
        plays=landed,
        payments=tuple(line for line in money if line.header == payments),
        other_revenue=tuple(line for line in money if line.header != payments),
        snapshots=given or ((date.fromisoformat(f"{months[0]}-01"), catalogue()),),
        rate_card=rate_card or rate("sub_stream", unit=1_000_000),
        service_rules=service_rules or (rule("sub_stream"),),
        in_app_rules=in_app_rules,
    )
