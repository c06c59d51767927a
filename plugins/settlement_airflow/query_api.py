"""The query API inside Airflow's own server, behind Airflow's sign-in: on the embedded profile, where nothing else runs."""

from __future__ import annotations

import asyncio
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from starlette.responses import JSONResponse

from settlement.errors import SettlementError
from settlement_airflow.links.published_month import URL_PREFIX

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from settlement.api.identity import Caller

API_PREFIX = f"{URL_PREFIX}/api"


class AirflowTokens:
    """Who asks, by Airflow's token; what they may do here follows from what they may do there."""

    def caller(self, authorization: str | None) -> Caller:
        """Whose request it is.

        Raises:
            NotSignedIn: no token of Airflow, or one that isn't valid.
            Forbidden: somebody who may see nothing of Airflow.
        """
        from jwt import InvalidTokenError

        from settlement.api.identity import caller_of
        from settlement.api.problems import NotSignedIn

        token = (authorization or "").removeprefix("Bearer ").strip()
        if not token:
            raise NotSignedIn("nobody is signed in", "sign in to Airflow, then load this again")
        try:
            user = asyncio.run(get_auth_manager().get_user_from_token(token))
        except InvalidTokenError:
            raise NotSignedIn("the sign-in isn't valid any more", "sign in to Airflow, then load this again") from None
        return caller_of(user.get_name(), _roles(user))


def _roles(user: Any) -> list[str]:
    """Whoever sees Airflow's site sees everything here; who may start a report is an operator, who may answer an approver."""
    manager = get_auth_manager()
    rights = {
        "auditor": manager.is_authorized_view(access_view=AccessView.WEBSITE, user=user),
        "operator": manager.is_authorized_dag(
            method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id="partner_report"), user=user
        ),
        "approver": manager.is_authorized_dag(
            method="PUT", access_entity=DagAccessEntity.HITL_DETAIL, details=DagDetails(id="settlement_monthly"), user=user
        ),
    }
    return [role for role, has in rights.items() if has]


class MountedApi:
    """The API below a prefix of Airflow's server; made by the first request: plugins are loaded by workers too."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            app = await asyncio.to_thread(self._made)
        except SettlementError as error:
            body = {"error": {"kind": type(error).__name__, "message": error.message, "hint": error.hint}}
            await JSONResponse(body, 503)(scope, receive, send)
            return
        root = scope.get("root_path", "")

        async def placed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, _placed(name, value, root)) for name, value in message["headers"]]
            await send(message)

        await app(_as_own(scope, root), receive, placed)

    def _made(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                from settlement.api.app import create_app  # what it loads nobody else in Airflow needs
                from settlement.api.service import open_service

                self._app = create_app(open_service(AirflowTokens()))
            return self._app


def _as_own(scope: Scope, root: str) -> Scope:
    """A request as the API meets it when it runs by itself: at the root, with the cookie's token as the bearer's."""
    headers = list(scope["headers"])
    token = _cookie(dict(headers).get(b"cookie", b""))
    names = {name for name, _ in headers}
    if token and b"authorization" not in names:
        headers.append((b"authorization", b"Bearer " + token))
    bearer = dict(headers).get(b"authorization", b"").removeprefix(b"Bearer ")
    if bearer and b"x-airflow-token" not in names:
        headers.append((b"x-airflow-token", bearer))  # whoever is signed in here answers in their own name
    path = scope["path"].removeprefix(root) or "/"
    return {**scope, "path": path, "root_path": "", "headers": headers, "state": {}}


def _cookie(text: bytes) -> bytes:
    try:
        found = SimpleCookie(text.decode("latin-1")).get(COOKIE_NAME_JWT_TOKEN)
    except CookieError:
        return b""
    return found.value.encode("latin-1") if found else b""


def _placed(name: bytes, value: bytes, root: str) -> bytes:
    return root.encode() + value if name == b"location" and value.startswith(b"/v1/") else value


app = MountedApi()
