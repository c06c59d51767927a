"""Plays as landed lines: most of them good, in every legal spelling of JSON, some of them spoilt."""

from collections.abc import Sequence
from datetime import date, timedelta

from .calendar_days import instant_text
from .dice import Dice
from .malformed import DEFECTS, spoil_line
from .world import PlayLine

USERS = (1, 2, 3)
_USER_CHOICES = (*USERS, 1, 1, 1)
TRACKS = (1, 2, 10, 900_000_000_000_000_000)
PRODUCTS = ("DL-3", "ad:1", "12")
PROMO = "promo.0"
UNKNOWN_TRACK = 77
GHOST_PRODUCT = "ghost"

_PLAY_IDS = ("7", *(f"p{number}" for number in range(50)), "P1", "A-._:1", "00", "a" * 64, "123456789012345678")
_TRACK_CHOICES = (*TRACKS, *(1,) * 7, 2, 2, 10, UNKNOWN_TRACK, 0, 999_999_999_999_999_999)
_PRODUCT_CHOICES = (*PRODUCTS, *PRODUCTS, *PRODUCTS, *PRODUCTS, PROMO, GHOST_PRODUCT)
_MS_CHOICES = (180_000, 60_000, 60_001, 86_400_000, 59_999, 180_000, 30_000, 29_999, 180_000, 0)
# Days between the KST start date and the landing day: at hand, at both edges of what may come late, beyond them.
_LATENESS = (*(0,) * 14, 1, 1, 29, 30, 30, 31, 45, -1, -30)

# Of 20 events: these are one user's plays of one track on the last of the days, so that a cap bites.
_ON_REPEAT = (13, 14, 15)
_HARMLESS_FLAGS = (None, None, "null", "[]", "[ ]")
_ABUSE_FLAGS = ('["bot"]', '["bot", "mute"]', "{}", '""', "false", "0", "[null]", "[[]]", '"[]"', '{"bot": 1.5}')
_EXTRAS = (
    '"device": "app"',
    '"subscription_id": "1"',
    '"subscription_id": null',
    '"subscription_id": 18',
    '"subscription_id": true',
    '"subscription_id": -5e3',
    '"country": "KR"',
    '"country": ["KR", null]',
    '"device": {"deep": [[[[]]]]}',
    '"device": "스피커\\t\\u0000"',
    '"offline": "yes"',
    '"offline": true',
    '"메모": "곡\u2028\u0085 🎵 \\ud83c\\udfb5"',
    '"numbers": [1.50e+300, -0, -0.0, 12345678901234567890123456789, 1E400]',
    '"": "a\\"b\\\\c\\/d,|;\x7f"',
    '"flagged": ["bot"]',
)
_SPACES = ("", " ", "", " \t", "\r")


def play_event(dice: Dice, days: Sequence[date], landed: Sequence[PlayLine]) -> PlayLine:
    """One line on one of the days: new, spoilt, or delivered again word for word."""
    what = dice.below(20)
    day = dice.pick(days)
    if what == 19 and landed:
        return PlayLine(day, dice.pick(landed).line, crlf=dice.one_in(2))
    crlf = dice.one_in(4)
    if what in _ON_REPEAT:
        day = days[-1]
    fields = _fields(dice, day)
    if what in _ON_REPEAT:
        fields |= {"user_id": "1", "track_id": "1", "ms_played": "180000", "started_at": f'"{day}T20:00:00+09:00"'}
    if what == 18:
        name = dice.pick(tuple(DEFECTS))
        if dice.one_in(8):
            del fields[name]
        else:
            fields[name] = dice.pick(DEFECTS[name])
        return PlayLine(day, _spell(dice, fields, ""), crlf)
    flags = dice.pick(_ABUSE_FLAGS if what == 16 else _HARMLESS_FLAGS)
    line = _spell(dice, fields, "" if flags is None else f'"flags": {flags}')
    return PlayLine(day, spoil_line(dice, line) if what == 17 else line, crlf)


def _fields(dice: Dice, day: date) -> dict[str, str]:
    """The required fields as JSON values, all in form."""
    started_at = instant_text(dice, day - timedelta(days=dice.pick(_LATENESS)))
    numbers = {
        "user_id": str(dice.pick(_USER_CHOICES)),
        "track_id": str(dice.pick(_TRACK_CHOICES)),
        "ms_played": str(dice.pick(_MS_CHOICES)),
    }
    ids = {"play_id": dice.pick(_PLAY_IDS), "product_id": dice.pick(_PRODUCT_CHOICES)}
    if dice.one_in(6):
        numbers["track_id"] = numbers["track_id"].zfill(18)
    if dice.one_in(6):
        numbers["ms_played"] = numbers["ms_played"].zfill(8)
    fields = {"started_at": f'"{started_at}"'}
    spelling = dice.below(8)
    for place, (name, text) in enumerate({**ids, **numbers}.items()):
        bare = text.isdecimal() and (text == "0" or text[0] != "0") and not (spelling >> place % 3) & 1
        fields[name] = text if bare else f'"{text}"'
    if dice.one_in(8):
        fields["play_id"] = fields["play_id"].replace("p", "\\u0070")
    return fields


def _spell(dice: Dice, fields: dict[str, str], flags: str) -> bytes:
    """The JSON object of the fields, in some order and spacing, with some optional and unknown fields."""
    members = [f'"{name}": {value}' for name, value in fields.items()]
    members += [flags] if flags else []
    members += [dice.pick(_EXTRAS) for _ in range(dice.below(2))]
    turn = dice.below(len(members) or 1)
    members = members[turn:] + members[:turn]
    space = dice.pick(_SPACES)
    text = "{" + space + f"{space},".join(members) + "}"
    if dice.one_in(8):
        text = text.replace('"play_id"', '"play\\u005fid"')
    return (space + text).encode()
