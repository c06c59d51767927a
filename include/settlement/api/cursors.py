"""Cursors: where the next page of an answer begins, bound to the question, to who asks, and to the builds it is read from."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from settlement.api.problems import BadQuestion
from settlement.warehouse import canonical_json

_SIGNATURE = hashlib.sha256().digest_size
_AGAIN = "ask the question again without a cursor"


@dataclass(frozen=True)
class Place:
    """Where a page begins.

    Attributes:
        seq: the moment of the ledger that the answer is read at.
        publication: the builds.
        skipped: rows of the pages before.
    """

    question: str
    caller: str
    seq: int
    publication: str
    skipped: int


class Cursors:
    """Makes cursors and takes them back.

    Args:
        key: of the signature.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def made(self, place: Place) -> str:
        body = canonical_json([place.question, place.caller, place.seq, place.publication, place.skipped]).encode()
        return base64.urlsafe_b64encode(self._signature(body) + body).decode().rstrip("=")

    def taken(self, cursor: str, question: str, caller: str) -> Place:
        """The place that a cursor names.

        Raises:
            BadQuestion: it wasn't made here, or for another question or user.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BadQuestion("the cursor is none", _AGAIN) from None
        signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._signature(body)):
            raise BadQuestion("the cursor was not made here, or before the service was started anew", _AGAIN)
        place = Place(*json.loads(body))
        if (place.question, place.caller) != (question, caller):
            raise BadQuestion("the cursor is of another question or user", _AGAIN)
        return place

    def _signature(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()
