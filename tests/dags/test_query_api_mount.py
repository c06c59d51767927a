"""The query API inside Airflow's server: whoever is signed in there is who asks here, with the rights that they have there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from jwt import InvalidTokenError
from starlette.applications import Starlette

from settlement.api import settings as of_api
from settlement.api.app import create_app
from settlement.settings import settings
from settlement_airflow import query_api
from settlement_airflow.query_api import API_PREFIX, AirflowTokens, MountedApi
from settlement_airflow.query_navigation import query_apps, query_views
from tests.unit.api.alone import alone
from tests.unit.api.played_airflow import PASSWORD, PlayedAirflow, played

_ROLES = {"none": 0, "viewer": 1, "lee": 3}  # by name: how many of the rights


class _Manager:
    """Airflow's auth manager: tokens are `token-of-<name>`."""

    async def get_user_from_token(self, token: str) -> Any:
        name = token.removeprefix("token-of-")
        if name not in _ROLES:
            raise InvalidTokenError
        return SimpleNamespace(get_name=lambda: name)

    def is_authorized_view(self, *, user: Any, **_: Any) -> bool:
        return _ROLES[user.get_name()] >= 1

    def is_authorized_dag(self, *, user: Any, method: str, details: Any, **_: Any) -> bool:
        assert (method, details.id) in (("POST", "partner_report"), ("PUT", "settlement_monthly"))
        return _ROLES[user.get_name()] >= 3


@pytest.fixture
def airflow() -> Iterator[PlayedAirflow]:
    with played() as server:
        yield server


@pytest.fixture
def mounted(airflow: PlayedAirflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """Airflow's server with the API in its place."""
    (tmp_path / "password").write_text(PASSWORD)
    monkeypatch.setattr(query_api, "get_auth_manager", _Manager)
    own = {"airflow_url": airflow.url, "airflow_password_file": tmp_path / "password"}
    api = MountedApi()
    monkeypatch.setattr(api, "_app", create_app(alone(tmp_path, AirflowTokens(), **own)))
    server = Starlette()
    server.mount(API_PREFIX, api)
    return server


def _ask(server: Starlette, method: str, path: str, name: str = "", body: Any = None, **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        cookies = {"_token": f"token-of-{name}"} if name else {}
        transport = httpx.ASGITransport(server)
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow", cookies=cookies) as client:
            return await client.request(method, f"{API_PREFIX}{path}", json=body, headers=headers)

    return asyncio.run(send())


def test_whoever_is_signed_in_asks_with_the_rights_they_have(mounted: Starlette, tmp_path: Path) -> None:
    assert [_ask(mounted, "GET", "/v1/months", name).status_code for name in ("", "nobody", "none", "viewer", "lee")] == [
        401,
        401,
        403,
        200,
        200,
    ]
    bearer = _ask(mounted, "GET", "/v1/months", "viewer", Authorization="Bearer token-of-lee")
    lines = [json.loads(line) for line in (tmp_path / "requests.jsonl").read_text().splitlines()]
    allowed = [line for line in lines if line["kind"] == "allowed"]
    assert [(line["who"], line["roles"]) for line in allowed] == [
        ("viewer", ["auditor"]), ("lee", ["auditor", "operator", "approver"]), ("lee", ["auditor", "operator", "approver"]),
    ]  # fmt: skip
    assert {line["path"] for line in allowed} == {"/v1/months"}
    assert bearer.status_code == 200


def test_an_approver_who_is_signed_in_answers_in_their_own_name(mounted: Starlette, airflow: PlayedAirflow) -> None:
    airflow.ask("2026-03 version 1", "run")
    answer = {"version": 1, "answer": "approve"}
    assert _ask(mounted, "POST", "/v1/months/2026-03/approval", "viewer", answer).status_code == 403
    assert _ask(mounted, "POST", "/v1/months/2026-03/approval", "lee", answer).json()["answered_by"] == "lee"


def test_an_address_in_an_answer_s_header_is_one_of_airflow_s_server(mounted: Starlette) -> None:
    report = {"partner": 3, "first_month": "2026-01", "last_month": "2026-01"}
    location = _ask(mounted, "POST", "/v1/reports", "lee", report).headers["location"]
    assert location.startswith(f"{API_PREFIX}/v1/reports/api__")
    assert _ask(mounted, "GET", location.removeprefix(API_PREFIX), "lee").status_code == 200


def test_a_setting_that_is_missing_is_said_by_the_api_and_airflow_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETTLEMENT_WAREHOUSE", raising=False)
    settings.cache_clear()
    server = Starlette()
    server.mount(API_PREFIX, MountedApi())
    answer = _ask(server, "GET", "/v1/months", "lee")
    assert (answer.status_code, "SETTLEMENT_WAREHOUSE is not set" in answer.text) == (503, True)


def test_only_the_embedded_profile_mounts_it_others_link_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def under(**variables: str) -> tuple[list[str], list[str]]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        of_api.api_settings.cache_clear()
        return [entry["url_prefix"] for entry in query_apps()], [view["href"] for view in query_views()]

    assert under() == ([API_PREFIX], [query_views()[0]["href"]])
    assert query_views()[0]["href"].endswith(f"{API_PREFIX}/")
    assert under(SETTLEMENT_PROFILE="services") == ([], [])
    assert under(SETTLEMENT_API_URL="https://settlement.example") == ([], ["https://settlement.example"])
    monkeypatch.undo()
    settings.cache_clear()
    of_api.api_settings.cache_clear()
