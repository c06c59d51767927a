"""`settlement serve`: the query API."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from settlement.errors import SettlementError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    warehouse: Annotated[
        str | None, typer.Option("--warehouse", metavar="FOLDER|s3://…", help="default: SETTLEMENT_WAREHOUSE")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="port to listen on; 0: a free one")] = 8090,
    local: Annotated[
        bool, typer.Option("--local", help="try it on this machine: no issuer, a key of this process signs the tokens it prints")
    ] = False,
    roles: Annotated[
        list[str] | None, typer.Option("--role", help="with --local: a token for this role, such as partner:3; may be repeated")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="with --local: print addresses of the page that sign in, in place of JSON")
    ] = False,
) -> None:
    """Answer questions about settlement and usage over HTTP, for those who have a token."""
    run_service(warehouse, host, port, local, roles or ["operator"], _links if link else _as_json)


def run_service(
    warehouse: str | None = None,
    host: str = "0.0.0.0",  # noqa: S104  # in a container, of which nothing else is reachable
    port: int = 8090,
    local: bool = False,
    roles: list[str] | None = None,
    told: Callable[[str, Mapping[str, str]], str] | None = None,
) -> None:
    """Serve until it is told to stop.

    Args:
        warehouse: its place; default: the settings'.
        host: address to listen on.
        port: port to listen on; 0: a free one.
        local: a key of this process signs the tokens.
        roles: with `local`, whom tokens are made for.
        told: with `local`, what is printed of the address and the tokens by role; default: JSON.

    Raises:
        SettlementError: a setting is missing, or a local service would be reachable from elsewhere.
    """
    import uvicorn  # with FastAPI it takes longer to load than other commands to run

    from settlement.api.app import create_app
    from settlement.api.service import open_service

    if local and host not in _LOOPBACK:
        raise SettlementError(f"--local listens on this machine alone, not on {host}", "leave --host out, or set an issuer")
    tokens = None
    if local:
        from settlement.api.local_keys import LocalKeys

        keys = LocalKeys()
        tokens = keys.tokens
    app = create_app(open_service(tokens, warehouse))
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", server_header=False, access_log=False, lifespan="on")
    listening = config.bind_socket()
    if local:
        address = f"http://{host}:{listening.getsockname()[1]}"
        made = {role: keys.token(f"local-{role}", [role]) for role in roles or []}
        sys.stdout.write((told or _as_json)(address, made) + "\n")
        sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listening])


def _as_json(address: str, tokens: Mapping[str, str]) -> str:
    return json.dumps({"address": address, "tokens": tokens})


def _links(address: str, tokens: Mapping[str, str]) -> str:
    """The page's address for each role; what follows # stays in the browser."""
    return "\n".join(f"{role}: {address}/#token={token}" for role, token in tokens.items())
