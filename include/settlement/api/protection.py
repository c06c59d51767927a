"""What every request and answer goes through before anything else: a bound on the body, and headers that browsers heed."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settlement.api.answering import refusal
from settlement.api.problems import TooLarge

# No page of anybody else may frame, read or guess at an answer. CORS stays closed: no header of it is ever sent.
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cache-control", b"private, no-cache"),
)


class Protected:
    """Refuses bodies above a size, and adds the headers; one that an answer has itself (the page's policy) stays."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                message["headers"] = [*given, *(header for header in _HEADERS if header[0] not in names)]
            await send(message)

        body = await self._body(scope, receive)
        if body is None:
            error = TooLarge(f"the body has more than {self._most} bytes", "ask for less at once")
            if "audit" in scope.get("state", {}):
                scope["state"]["audit"].refusal = error.message
            await refusal(error)(scope, receive, guarded)
            return
        await self._app(scope, _replayed(body, receive), guarded)

    async def _body(self, scope: Scope, receive: Receive) -> list[Message] | None:
        """The messages of the body, which are few; None when it is too large, whatever its header says."""
        headers = dict(scope["headers"])
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or int(said) > self._most:
            return None
        if said == b"0" and b"transfer-encoding" not in headers:
            return []
        found: list[Message] = []
        size, has_more = 0, True
        while has_more:
            message = await receive()
            found.append(message)
            size += len(message.get("body", b""))
            has_more = message.get("more_body", False)
            if size > self._most:
                return None
        return found


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    """Gives the messages that were taken, then what comes."""
    left = iter(messages)

    async def next_message() -> Message:
        message = next(left, None)
        return message if message is not None else await receive()

    return next_message
