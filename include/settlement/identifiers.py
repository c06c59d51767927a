"""Whether the identifiers of the music business are well formed: their form, and their check digits where they have them.

A scheme accepts two spellings of an identifier: the compact one that messages carry (`T0345246801`) and the printed one
(`T-034.524.680-1`), both in capitals. Whether anybody was given the identifier is another question.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import mul
from typing import Final

from stdnum import ean, isni, isrc
from stdnum.iso7064 import mod_37_36


@dataclass(frozen=True)
class Scheme:
    """One kind of identifier.

    `name` has its article; `form` matches both spellings; `check` is asked about the compact one, and `wrong` says what
    is wrong when it says no.
    """

    name: str
    form: re.Pattern[str]
    check: Callable[[str], bool]
    wrong: str

    def fault(self, value: str) -> str:
        """Why a value is no identifier of this kind; nothing when it is one, and for the empty text."""
        if not value:
            return ""
        if not self.form.fullmatch(value):
            return f"not the form of {self.name}"
        return "" if self.check(_SEPARATORS.sub("", value)) else self.wrong


def iswc_check_digit(digits: str) -> str:
    """The check digit of an ISWC's nine digits (ISO 15707): 1 for the T and position × digit, to the next ten."""
    return str(-(1 + sum(map(mul, range(1, 10), map(int, digits)))) % 10)


def ipi_check_digits(digits: str) -> str:
    """The two check digits of an IPI name number's nine digits (CISAC: modulus 101, weights 10 to 2).

    The complement to 101 of the weighted sum's remainder; 100 has no two digits and is written 00, like 0.
    """
    return f"{-sum(map(mul, range(10, 1, -1), map(int, digits))) % 101 % 100:02d}"


@cache
def is_isrc_prefix(country: str) -> bool:
    """Whether ISRCs begin with these two letters: a country, or one of the codes that IFPI lists beside the countries."""
    return isrc.is_valid(f"{country}AAA0000000")


_SEPARATORS: Final = re.compile("[-. ]")

ISRC: Final = Scheme(
    "an ISRC",
    re.compile("[A-Z]{2}(-?)[A-Z0-9]{3}\\1[0-9]{2}\\1[0-9]{5}"),
    lambda compact: is_isrc_prefix(compact[:2]),
    "no ISRC begins with these two letters",
)
ISWC: Final = Scheme(
    "an ISWC",
    re.compile("T(?:[0-9]{10}|-[0-9]{9}-[0-9]|-[0-9]{3}\\.[0-9]{3}\\.[0-9]{3}-[0-9])"),
    lambda compact: compact[10] == iswc_check_digit(compact[1:10]),
    "wrong check digit",
)
UPC: Final = Scheme("a UPC or EAN", re.compile("[0-9]{8}|[0-9]{12,14}"), ean.is_valid, "wrong check digit")
DPID: Final = Scheme("a DPID", re.compile("PA(-?)DPIDA\\1[A-Z0-9]{10}\\1[A-Z0-9]"), mod_37_36.is_valid, "wrong check character")
ISNI: Final = Scheme(
    "an ISNI", re.compile("[0-9]{4}( ?)[0-9]{4}\\1[0-9]{4}\\1[0-9]{3}[0-9X]"), isni.is_valid, "wrong check character"
)
IPI: Final = Scheme(
    "an IPI", re.compile("[0-9]{11}"), lambda compact: compact[9:] == ipi_check_digits(compact[:9]), "wrong check digits"
)


def is_isrc(value: str) -> bool:
    """A recording's code of ISO 3901: prefix (two letters, three letters or digits), year, five digits; or empty.

    There is no check digit. The two letters are looked up in python-stdnum's list, which is IFPI's.
    """
    return not ISRC.fault(value)


def is_iswc(value: str) -> bool:
    """A work's code of ISO 15707: T, nine digits, a check digit; or empty.

    Of two numbers that differ in one digit the check digit tells apart those whose position × difference is no multiple
    of ten.
    """
    return not ISWC.fault(value)


def is_upc(value: str) -> bool:
    """An article's code of GS1: UPC-A (12 digits), EAN-13, EAN-8 or GTIN-14 with its check digit; or empty."""
    return not UPC.fault(value)


def is_dpid(value: str) -> bool:
    """A DDEX Party Identifier: PA, DPIDA, ten letters or digits, the ISO 7064 MOD 37,36 character over all of them; or empty.

    Elements and spelling: DDEX knowledge base, "Communication of identifiers in DDEX messages". That the character is of
    ISO 7064 MOD 37,36 is the DDEX Party Identifier standard's rule, and holds for the DPIDs that DDEX and services publish.
    """
    return not DPID.fault(value)


def is_isni(value: str) -> bool:
    """A name's code of ISO 27729: 15 digits and the ISO 7064 MOD 11-2 check character; or empty."""
    return not ISNI.fault(value)


def is_ipi(value: str) -> bool:
    """An IPI name number of CISAC, as CWR carries it: nine digits and two check digits; or empty."""
    return not IPI.fault(value)
