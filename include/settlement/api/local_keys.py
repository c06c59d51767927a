"""A key of this process alone, for trying the API on one machine: tokens that nobody else can make, gone when it ends."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from settlement.api.identity import Tokens

_ISSUER, _AUDIENCE = "settlement-local", "settlement"
_HOURS = 12


class LocalKeys:
    """Makes tokens, and knows the key that they are signed with."""

    def __init__(self) -> None:
        self._private = generate_private_key(SECP256R1())
        public = json.loads(ECAlgorithm.to_jwk(self._private.public_key()))
        self._id = secrets.token_hex(4)
        self._jwk = jwt.PyJWK({**public, "kid": self._id, "alg": "ES256"})

    def get_signing_key_from_jwt(self, token: str) -> jwt.PyJWK:
        if jwt.get_unverified_header(token).get("kid") != self._id:
            raise jwt.InvalidKeyError("the token is of another start of the service")
        return self._jwk

    def token(self, name: str, roles: Sequence[str], /, **claims: Any) -> str:
        """A token that is good for some hours; `claims` go before the usual ones."""
        now = int(time.time())
        usual = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": name, "roles": list(roles), "iat": now, "exp": now + _HOURS * 3_600}
        return jwt.encode({**usual, **claims}, self._private, algorithm="ES256", headers={"kid": self._id})

    @property
    def tokens(self) -> Tokens:
        """What makes a token good here."""
        return Tokens(self, _ISSUER, _AUDIENCE)
