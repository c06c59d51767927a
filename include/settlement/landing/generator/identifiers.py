"""Well-formed identifiers from running numbers: ISRC, ISWC, UPC/EAN, UCI and DDEX party ids, check digits included."""

from __future__ import annotations

from itertools import cycle
from operator import mul
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def isrc(number: int, year: int) -> str:
    """An ISRC of Korea, without hyphens: a registrant has 100,000 numbers a year."""
    registrant, designation = divmod(number, 100_000)
    return f"KRZ{_ALPHABET[registrant // 36 % 36]}{_ALPHABET[registrant % 36]}{year % 100:02d}{designation:05d}"


def iswc(number: int) -> str:
    """An ISWC without punctuation: T, nine digits, a check digit (1 + Σ position × digit, to the next ten)."""
    digits = f"{number:09d}"
    total = 1 + sum(map(mul, range(1, 10), map(int, digits)))
    return f"T{digits}{-total % 10}"


def gtin(payload: str) -> str:
    """UPC (11 digits) or EAN (12 digits) with its check digit: weights 3 and 1 from the right."""
    total = sum(map(mul, cycle((3, 1)), map(int, reversed(payload))))
    return f"{payload}{-total % 10}"


def uci(number: int) -> str:
    """A content identifier in the Korean UCI form: prefix, colon, the issuer's own code."""
    return f"G702:KZ-{number:09d}"


def dpid(number: int) -> str:
    """A DDEX party id: PADPIDA, ten digits, the ISO 7064 MOD 37,36 check character over all of them."""
    body = f"PADPIDA{number:010d}"
    return body + check_37_36(body)


def check_37_36(body: str) -> str:
    """The ISO 7064 MOD 37,36 check character of digits and capital letters."""
    product = 36
    for character in body:
        total = (product + _ALPHABET.index(character)) % 36 or 36
        product = total * 2 % 37
    return _ALPHABET[(37 - product) % 36]
