"""Plays as JSON lines, written the ways different clients write them."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from settlement.landing.generator.clock import instant_texts
from settlement.landing.generator.columns import FLAGS, Columns
from settlement.landing.generator.mixing import Ints, Texts
from settlement.landing.generator.products import ALL_IDS

_STARTED: Final = "«date»T«time»«tail»"
STYLES: Final = (
    # As the contract lists them.
    '{"play_id":"«serial»","user_id":«user»,"subscription_id":«subscription»,"product_id":"«product»","track_id":«track»,'
    f'"started_at":"{_STARTED}","ms_played":«ms»,«place»,"flags":«flags»' + "}",
    # Digits in quotes.
    '{"play_id":"«serial»","user_id":"«user»","subscription_id":«subscription»,"product_id":"«product»",'
    f'"track_id":"«track»","started_at":"{_STARTED}","ms_played":"«ms»",«place»,"flags":«flags»' + "}",
    # Blanks, another order, fields that nobody knows.
    (
        '{ "ms_played" : «ms», "flags": «flags», "client": {"version": "7.4", "note": "\\"인용\\", \\t|\\u2028 🎧"},\t'
        f'"track_id": «track», "user_id": «user», "started_at": "{_STARTED}", «place», '
        '"subscription_id": «subscription», "product_id": "«product»", "play_id": "«serial»" , "x": [1.5e3, -0.0] }'
    ),
    # Required fields only.
    '{"play_id":"«serial»","user_id":«user»,"product_id":"«product»","track_id":"«track»",'
    f'"started_at":"{_STARTED}","ms_played":«ms»' + "}",
    # Optional fields of a wrong type or form: ignored.
    (
        '{"play_id":"«serial»","user_id":«user»,"subscription_id":"none","product_id":"«product»","track_id":«track»,'
        f'"started_at":"{_STARTED}","ms_played":«ms»,"device":7,"country":null,"offline":"yes",'
        '"session":"\\ud83c\\udfa7"}'
    ),
)
_FIELD: Final = re.compile("«([a-z]+)»")
_NUMBERS: Final = frozenset({"serial", "user", "track", "ms"})
# What 256 clients call themselves, and where they are.
_DEVICES: Final = (
    "app",
    "web",
    "speaker",
    "car",
    "tv",
    "스피커",
    "\\ud83c\\udfa7",
    'say \\"hi\\"',
    "a\\tb|c,d",
    "back\\\\slash",
    "=1+1",
    "",
)
_COUNTRIES: Final = ("KR", "US", "JP", "VN", "DE", "ZZ")
_DEVICE: Final = np.repeat(np.arange(len(_DEVICES)), (150, 40, 22, 20, 10, 6, 1, 1, 2, 1, 1, 2))
_COUNTRY: Final = np.repeat(np.arange(len(_COUNTRIES)), (236, 8, 6, 3, 2, 1))
# Every device in every country, online and off: one text each, because fewer pieces a line are written faster.
_PLACES: Final = np.array(
    [
        f'"device":"{device}","country":"{country}","offline":{offline}'
        for device in _DEVICES
        for country in _COUNTRIES
        for offline in ("false", "true")
    ],
    dtype=object,
)


def lines(plays: Columns, prefix: str) -> list[str]:
    """One line a play, without its end, in order; play ids are prefix and serial."""
    texts = _texts(plays)
    written: Texts = np.empty(len(plays), dtype=object)
    for style, template in enumerate(STYLES):
        at = np.flatnonzero(plays.style == style)
        order = _FIELD.findall(template)
        form = _FIELD.sub(_placeholder, template.replace("%", "%%").replace("«serial»", f"{prefix}«serial»"))
        columns = [_column(texts[name], at, len(plays)) for name in order]
        written[at] = [form % row for row in zip(*columns, strict=True)]
    return written.tolist()  # type: ignore[no-any-return]  # a vector of text gives a list of text


def _placeholder(field: re.Match[str]) -> str:
    return "%d" if field[1] in _NUMBERS else "%s"  # %d takes integers straight, without a text in between


def _column(values: Ints | Texts, at: Ints, count: int) -> list[object]:
    return (values if len(at) == count else values[at]).tolist()  # type: ignore[no-any-return]


def _texts(plays: Columns) -> dict[str, Ints | Texts]:
    subscription = plays.subscription.astype(object)
    subscription[plays.subscription == 0] = "null"
    place = _DEVICE[plays.bits & 0xFF] * len(_COUNTRIES) + _COUNTRY[plays.bits >> 8]
    date_, time, tail = instant_texts(plays.day, plays.second, plays.writing)
    return {
        "serial": plays.serial,
        "user": plays.user,
        "subscription": subscription,
        "product": ALL_IDS[plays.product],
        "track": plays.track,
        "date": date_,
        "time": time,
        "tail": tail,
        "ms": plays.ms,
        "place": _PLACES[place * 2 + plays.offline],
        "flags": FLAGS[plays.flags],
    }
