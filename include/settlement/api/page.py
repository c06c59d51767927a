"""Serves the page for people at the service's root: `make page` builds it from web/ into `_page`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

_BUILT = Path(__file__).parent / "_page"
_NOT_BUILT = "The page isn't built: run `make page`, then load this address again.\n"
_NONCE = "{{nonce}}"
# Scripts and styles come from this service alone. The grid writes its own style sheets: it has to know the nonce of this answer.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _Assets(StaticFiles):
    """Files whose names have the hash of their content: a browser may keep them for ever."""

    def file_response(self, *args: Any, **named: Any) -> Response:
        response = super().file_response(*args, **named)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def add_page(app: FastAPI, built: Path = _BUILT) -> None:
    """Give the application its page.

    Args:
        app: of the API.
        built: folder with index.html and assets/, read at each request: it may be built while the service runs.
    """

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        index = built / "index.html"
        if not index.is_file():
            return PlainTextResponse(_NOT_BUILT, 404)
        nonce = secrets.token_urlsafe(16)
        text = index.read_text("utf-8").replace(_NONCE, nonce)
        policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
        return HTMLResponse(text, headers=policy)

    app.mount("/assets", _Assets(directory=built / "assets", check_dir=False), name="assets")
