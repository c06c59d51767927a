"""Who asks, and what they may see: bearer tokens of the house's issuer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from settlement.api.problems import Forbidden, NotSignedIn
from settlement.api.settings import ApiSettings
from settlement.errors import SettlementError

if TYPE_CHECKING:
    from jwt import PyJWK

_HOUSE = ("operator", "approver", "auditor")
_PARTNER = re.compile(r"partner:([1-9][0-9]{0,17})")
# Signatures only: a token that is signed with a shared secret, or not at all, is nobody's.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_LEEWAY_SECONDS = 30
_SIGN_IN = "send Authorization: Bearer <token> with a token of the issuer"


@dataclass(frozen=True)
class Scope:
    """Whose rows somebody sees: those of all, or those of some partners."""

    partners: frozenset[int] = frozenset()
    is_all: bool = False

    def may_see(self, partner_id: int) -> bool:
        return self.is_all or partner_id in self.partners

    def __str__(self) -> str:
        return "all" if self.is_all else ",".join(f"partner:{p}" for p in sorted(self.partners))


@dataclass(frozen=True)
class Caller:
    """Who asks: the token's subject, its roles as far as they are known here, and what follows from them."""

    name: str
    roles: tuple[str, ...]
    scope: Scope


class SignIn(Protocol):
    """Tells who asks."""

    def caller(self, authorization: str | None) -> Caller:
        """Whose request it is, by its header Authorization; raises NotSignedIn, Forbidden."""


class Keys(Protocol):
    """Finds the key that a token says it is signed with."""

    def get_signing_key_from_jwt(self, token: str) -> PyJWK:
        """Raises jwt.PyJWTError: there is no such key, or keys can't be fetched."""


@dataclass(frozen=True)
class Tokens:
    """What makes a token good.

    Attributes:
        keys: of the issuer.
        issuer, audience: as a token must name them.
        roles_claim: the claim with the roles.
    """

    keys: Keys
    issuer: str
    audience: str
    roles_claim: str = "roles"

    def caller(self, authorization: str | None) -> Caller:
        """Whose request it is, by its header Authorization.

        Raises:
            NotSignedIn: no token, or one that isn't valid.
            Forbidden: a valid token without a role here.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotSignedIn("there is no bearer token", _SIGN_IN)
        claims = self._claims(token.strip())
        roles = claims.get(self.roles_claim)
        return caller_of(str(claims["sub"]), roles if isinstance(roles, list) else [])

    def _claims(self, token: str) -> Mapping[str, Any]:
        import jwt

        try:
            key = self.keys.get_signing_key_from_jwt(token)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(_ALGORITHMS),
                audience=self.audience,
                issuer=self.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWKClientConnectionError:
            raise NotSignedIn("the issuer's keys can't be fetched, so no token can be checked", "try again later") from None
        except jwt.PyJWTError as error:
            raise NotSignedIn(f"the token isn't valid: {type(error).__name__}", _SIGN_IN) from None
        if not claims["sub"] or len(str(claims["sub"])) > 200:
            raise NotSignedIn("the token names nobody", _SIGN_IN)
        return claims


def caller_of(name: str, roles: list[Any]) -> Caller:
    """A caller by its roles.

    Raises:
        Forbidden: none of them is known here, or they are of the house and of a partner at once.
    """
    known = tuple(role for role in roles if isinstance(role, str) and (role in _HOUSE or _PARTNER.fullmatch(role)))
    partners = frozenset(int(match[1]) for role in known if (match := _PARTNER.fullmatch(role)))
    is_house = any(role in _HOUSE for role in known)
    if not known:
        raise Forbidden("the token has no role here", "ask for operator, approver, auditor or partner:<id>")
    if is_house and partners:
        raise Forbidden("the token has a role of the house and one of a partner", "use a token for each")
    return Caller(name, known, Scope(partners, is_house))


def tokens_of(settings: ApiSettings) -> Tokens:
    """The tokens that the settings say are good.

    Raises:
        SettlementError: they name no issuer.
    """
    if not settings.issuer:
        raise SettlementError(
            "SETTLEMENT_API_ISSUER is not set: nobody could sign in",
            "set SETTLEMENT_API_ISSUER and SETTLEMENT_API_JWKS_URL, or try it on this machine alone: settlement serve --local",
        )
    from jwt import PyJWKClient

    return Tokens(PyJWKClient(settings.jwks_url, timeout=10), settings.issuer, settings.audience, settings.roles_claim)
