"""The few days on which a world is active, and instants on them."""

from datetime import date, datetime, time, timedelta

from .dice import Dice
from .world import days_of

MONTHS = (("2023-02",), ("2024-02",), ("2023-02", "2023-03"), ("2023-12", "2024-01"), ("2024-01", "2024-02"))

# Around the edges of the month, so that the 30-day look-back, from both sides, spans two active days.
_ACTIVE = (0, 1, 2, 3, 13, 14, -2, -1)

TIMES = (
    time(12, 0),
    time(0, 0),
    time(0, 0, 0, 1),
    time(12, 0, 0, 500_000),
    time(8, 59, 59, 999_999),
    time(9, 0),
    time(23, 59, 59, 999_999),
)
ZONES = ("+09:00", "Z", "+00:00", "-00:00", "+18:00", "-18:00", "-03:30")


def active_days(months: tuple[str, ...]) -> list[date]:
    """The days on which something may land."""
    return sorted({days_of(month)[place] for month in months for place in _ACTIVE})


def instant_text(dice: Dice, korean_day: date) -> str:
    """An instant on a Korean date, written in some zone and some precision."""
    moment = datetime.combine(korean_day, dice.pick(TIMES))
    zone = dice.pick(ZONES)
    sign = -1 if zone.startswith("-") else 1
    ahead = timedelta() if zone == "Z" else sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    local = moment - timedelta(hours=9) + ahead
    fraction = f".{local.microsecond:06d}" if local.microsecond else dice.pick(("", "", ".0", ".000000"))
    if local.microsecond == 500_000:
        fraction = dice.pick((".5", ".50", ".500000"))
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}{zone}"
