"""Tokens, limits and cursors: who is believed, how much they may ask, and what a cursor is good for."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import RSAAlgorithm

from settlement.api.cursors import Cursors, Place
from settlement.api.identity import caller_of, tokens_of
from settlement.api.limits import Limits
from settlement.api.local_keys import LocalKeys
from settlement.api.problems import BadQuestion, Busy, Forbidden, NotSignedIn, TooMany
from settlement.api.settings import ApiSettings
from settlement.errors import SettlementError

KEYS = LocalKeys()


def _caller(token: str) -> Any:
    return KEYS.tokens.caller(f"Bearer {token}")


def test_roles_say_what_somebody_sees() -> None:
    assert _caller(KEYS.token("ann", ["operator"])).scope.is_all
    assert _caller(KEYS.token("ann", ["auditor", "cook"])).roles == ("auditor",)
    partner = _caller(KEYS.token("p", ["partner:3", "partner:12"]))
    assert (partner.scope.is_all, partner.scope.partners, str(partner.scope)) == (False, {3, 12}, "partner:3,partner:12")


@pytest.mark.parametrize(
    "roles",
    [[], ["cook"], ["partner:0"], ["partner:03"], ["partner:-1"], ["partner:３"], ["partner:1 "], ["partner:1\n"], ["Operator"],
     ["operator", "partner:1"], [["operator"]], [{"operator": 1}], [None], ["partner:" + "9" * 19]],
)  # fmt: skip
def test_roles_that_are_none_or_too_many_see_nothing(roles: list[Any]) -> None:
    with pytest.raises(Forbidden):
        caller_of("x", roles)


@pytest.mark.parametrize("roles", ["operator", {"operator": True}, None])
def test_roles_that_are_no_list_are_none(roles: Any) -> None:
    with pytest.raises(Forbidden):
        _caller(KEYS.token("x", [], roles=roles))


@pytest.mark.parametrize("claims", [{"aud": "other"}, {"iss": "other"}, {"sub": ""}, {"exp": None}])
def test_a_token_for_others_or_without_an_end_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(NotSignedIn):
        _caller(KEYS.token("ann", ["operator"], **claims))


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -60), ("nbf", 600)])
def test_a_token_that_is_not_good_any_more_or_not_yet_is_refused(claim: str, seconds: int) -> None:
    # Counted from the test's own moment: a run of all tests takes longer than these seconds.
    with pytest.raises(NotSignedIn):
        _caller(KEYS.token("ann", ["operator"], **{claim: int(time.time()) + seconds}))


def test_a_token_of_another_key_or_none_is_refused() -> None:
    good = KEYS.token("ann", ["operator"])
    claims = jwt.decode(good, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(good)["kid"]}
    public = json.dumps(KEYS.get_signing_key_from_jwt(good).key.public_numbers().x)
    forged = [
        jwt.encode(claims, generate_private_key(SECP256R1()), algorithm="ES256", headers=headers),
        jwt.encode(claims, public * 2, algorithm="HS256", headers=headers),
        jwt.encode(claims, "", algorithm="none", headers=headers),
        LocalKeys().token("ann", ["operator"]),
        good[:-2] + ("AA" if not good.endswith("AA") else "BB"),
        "x.y.z",
        "",
    ]
    for token in forged:
        with pytest.raises(NotSignedIn):
            _caller(token)
    for header in (None, "", good, f"Basic {good}", "Bearer"):
        with pytest.raises(NotSignedIn):
            KEYS.tokens.caller(header)
    assert KEYS.tokens.caller(f"bearer {good}").name == "ann"


def test_keys_are_fetched_from_the_issuer() -> None:
    private = rsa.generate_private_key(65_537, 2_048)
    keys = json.dumps({"keys": [{**json.loads(RSAAlgorithm.to_jwk(private.public_key())), "kid": "one", "use": "sig"}]}).encode()

    class Issuer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    claims = {"iss": "https://id", "aud": "settlement", "sub": "ann", "exp": int(time.time()) + 60, "groups": ["auditor"]}
    token = jwt.encode(claims, private, algorithm="RS256", headers={"kid": "one"})
    unknown = jwt.encode(claims, private, algorithm="RS256", headers={"kid": "two"})
    with ThreadingHTTPServer(("127.0.0.1", 0), Issuer) as issuer:
        Thread(target=issuer.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{issuer.server_port}/keys"
        tokens = tokens_of(ApiSettings(issuer="https://id", jwks_url=address, roles_claim="groups"))
        assert tokens.caller(f"Bearer {token}").roles == ("auditor",)
        with pytest.raises(NotSignedIn):
            tokens.caller(f"Bearer {unknown}")
        issuer.shutdown()
    gone = tokens_of(ApiSettings(issuer="https://id", jwks_url="http://127.0.0.1:1/keys"))
    with pytest.raises(NotSignedIn, match="keys can't be fetched"):
        gone.caller(f"Bearer {token}")


def test_without_an_issuer_the_service_does_not_start() -> None:
    with pytest.raises(SettlementError, match="SETTLEMENT_API_ISSUER is not set"):
        tokens_of(ApiSettings())
    with pytest.raises(ValueError, match="JWKS"):
        ApiSettings(issuer="https://idp", jwks_url="http://idp/keys")


def test_a_minute_s_requests_come_back_with_time() -> None:
    now = [0.0]
    limits = Limits(1, 1, 60, lambda: now[0])
    for _ in range(60):
        limits.request("ann")
    with pytest.raises(TooMany) as refused:
        limits.request("ann")
    assert refused.value.retry_after == 2
    limits.request("bea")
    now[0] = 2.0
    limits.request("ann")


def test_queries_at_work_are_counted_by_user_and_in_all() -> None:
    limits = Limits(3, 2, 60)
    limits.begin("ann")
    limits.begin("ann")
    with pytest.raises(TooMany) as own:
        limits.begin("ann")
    limits.begin("bea")
    with pytest.raises(Busy) as all_:
        limits.begin("cid")
    assert (own.value.status, all_.value.status) == (429, 503)
    limits.end("ann")
    limits.begin("cid")
    assert limits.at_work == 3


PLACE = Place("question", "ann all", 7, "set", 100)


def test_a_cursor_comes_back_as_it_was_made() -> None:
    cursors = Cursors(b"k" * 32)
    assert cursors.taken(cursors.made(PLACE), "question", "ann all") == PLACE


@pytest.mark.parametrize(("question", "caller"), [("other", "ann all"), ("question", "bea all"), ("question", "ann partner:1")])
def test_a_cursor_is_bound_to_question_and_user(question: str, caller: str) -> None:
    cursors = Cursors(b"k" * 32)
    with pytest.raises(BadQuestion, match="of another question or user"):
        cursors.taken(cursors.made(PLACE), question, caller)


def test_a_cursor_that_was_changed_is_refused() -> None:
    cursors = Cursors(b"k" * 32)
    good = cursors.made(PLACE)
    bad = [good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :] for i in range(0, len(good) - 1, 7)]
    for cursor in (*bad, "", "x", "é", good[:-8], Cursors(b"j" * 32).made(PLACE)):
        with pytest.raises(BadQuestion):
            cursors.taken(cursor, "question", "ann all")
