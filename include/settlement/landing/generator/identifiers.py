"""Well-formed identifiers from running numbers: ISRC, ISWC, UPC/EAN, UCI and DDEX party ids, check digits included."""

from __future__ import annotations

from typing import Final

from stdnum import ean
from stdnum.iso7064 import mod_37_36

from settlement.identifiers import iswc_check_digit

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def isrc(number: int, year: int) -> str:
    """An ISRC of Korea, without hyphens: a registrant has 100,000 numbers a year."""
    registrant, designation = divmod(number, 100_000)
    return f"KRZ{_ALPHABET[registrant // 36 % 36]}{_ALPHABET[registrant % 36]}{year % 100:02d}{designation:05d}"


def iswc(number: int) -> str:
    """An ISWC without punctuation: T, nine digits, a check digit."""
    digits = f"{number:09d}"
    return f"T{digits}{iswc_check_digit(digits)}"


def gtin(payload: str) -> str:
    """UPC (11 digits) or EAN (12 digits) with its check digit."""
    return payload + ean.calc_check_digit(payload)


def uci(number: int) -> str:
    """A content identifier in the Korean UCI form: prefix, colon, the issuer's own code."""
    return f"G702:KZ-{number:09d}"


def dpid(number: int) -> str:
    """A DDEX party id: PADPIDA, ten digits, the ISO 7064 MOD 37,36 check character over all of them."""
    body = f"PADPIDA{number:010d}"
    return body + mod_37_36.calc_check_digit(body)
