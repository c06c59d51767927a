"""Amounts as text, exactly: integers in, decimal strings out, no float on the way."""

from __future__ import annotations

UWON = 1_000_000
"""Micro-won in a won."""


def won6(uwon: int, separator: str = "") -> str:
    """Micro-won as won with six decimals: -1500000 → `-1.500000`; `separator` between thousands."""
    whole, rest = divmod(abs(uwon), UWON)
    digits = f"{whole:,}".replace(",", separator)
    return f"{'-' if uwon < 0 else ''}{digits}.{rest:06d}"


def whole_won(uwon: int) -> int:
    """Micro-won to the nearest won, halves away from zero (the rule of pool_krw, carried to negative amounts)."""
    won = (abs(uwon) + UWON // 2) // UWON
    return -won if uwon < 0 else won


def plain(units: int, decimals: int) -> str:
    """`units` × 10^-decimals without trailing zeros, thousands separated: plain(105000, 4) → `10.5`."""
    whole, rest = divmod(abs(units), 10**decimals)
    fraction = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{'-' if units < 0 else ''}{whole:,}{'.' + fraction if fraction else ''}"


def share(part: int, whole: int) -> str:
    """`part` of `whole` in percent to one decimal (`12.3`); a dash where there is no whole to take it of."""
    if whole <= 0:
        return "–"
    tenths = (abs(part) * 2000 + whole) // (2 * whole)
    return f"{'-' if part < 0 and tenths else ''}{tenths // 10:,}.{tenths % 10}"
