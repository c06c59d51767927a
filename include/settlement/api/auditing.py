"""A request's lines in the audit log: one before anything is given, one when it is done, or one that says it was refused."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settlement.api.audit_log import AuditLog
from settlement.api.identity import Caller
from settlement.api.problems import Busy

_log = logging.getLogger(__name__)
AUDITED = "/v1/"


class Entry:
    """What is known of a request so far."""

    def __init__(self, log: AuditLog, method: str, path: str) -> None:
        self.id = secrets.token_hex(8)
        self.refusal = ""
        self._log = log
        self._facts: dict[str, Any] = {"request": self.id, "method": method, "path": path, "who": "", "roles": [], "scope": ""}
        self._is_allowed = False
        self._is_finished = False
        self._is_refused = False

    @property
    def is_allowed(self) -> bool:
        """Whether the line is written that lets something be given."""
        return self._is_allowed

    def of(self, caller: Caller) -> None:
        """Say who asks."""
        self._facts |= {"who": caller.name, "roles": list(caller.roles), "scope": str(caller.scope)}

    def about(self, **what: Any) -> None:
        """Say what is asked."""
        self._facts |= what

    async def allow(self) -> None:
        """Write that the request is allowed, before anything is given.

        Raises:
            Busy: it can't be written: nothing may be given.
        """
        await asyncio.to_thread(self._log.append, "allowed", self._facts)
        self._is_allowed = True

    async def finish(self, outcome: str, **result: Any) -> None:
        """Write what came of it (rows, hash), once; raises as `allow`."""
        if not self._is_finished:
            self._is_finished = True
            short = {name: self._facts[name] for name in ("request", "who", "scope")}
            await asyncio.to_thread(self._log.append, "finished", {**short, "outcome": outcome, **result})

    async def end(self, status: int) -> None:
        """Write what has not been written: of a refusal before it is sent, of anything else when the request is over."""
        try:
            if self._is_refused:
                return
            if not self._is_allowed:
                self._is_refused = True
                facts = {**self._facts, "status": status, "reason": self.refusal}
                await asyncio.to_thread(self._log.append, "refused", facts)
            else:
                await self.finish("complete" if status < 400 else "failed", status=status)
        except Busy as error:
            _log.error("%s", error)  # what was given was written before; of a refusal nothing was given


class Audited:
    """Gives every request to /v1/ its entry, and ends it."""

    def __init__(self, app: ASGIApp, log: AuditLog) -> None:
        self._app = app
        self._audit = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(AUDITED):
            await self._app(scope, receive, send)
            return
        entry = Entry(self._audit, scope["method"], scope["path"][:500])
        scope.setdefault("state", {})["audit"] = entry
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", entry.id.encode())]
                if not entry.is_allowed:
                    await entry.end(status)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            await asyncio.shield(entry.end(status))
