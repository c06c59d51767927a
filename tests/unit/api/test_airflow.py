"""What the API asks of Airflow: reports for whom they are, answers only in the name of the person who gives them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from settlement.api.app import create_app
from settlement.api.local_keys import LocalKeys
from tests.unit.api.alone import alone
from tests.unit.api.played_airflow import PASSWORD, PlayedAirflow, played

_REPORT = {"partner": 3, "first_month": "2026-01", "last_month": "2026-02", "format": "pdf"}


class _Api:
    """The application in this process, asked by role."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self._keys = LocalKeys()
        self.log = folder / "requests.jsonl"
        self._app = create_app(alone(folder, self._keys.tokens, **settings))

    def ask(self, role: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://api") as client:
                return await client.request(method, path, json=body, headers=headers)

        headers["Authorization"] = f"Bearer {self._keys.token(role, [role])}"
        return asyncio.run(send())

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def airflow() -> Iterator[PlayedAirflow]:
    with played() as server:
        yield server


@pytest.fixture
def api(airflow: PlayedAirflow, tmp_path: Path) -> _Api:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return _Api(tmp_path, airflow_url=airflow.url, airflow_password_file=tmp_path / "password")


def test_a_report_is_asked_for_by_operators_and_by_partners_for_themselves(api: _Api, airflow: PlayedAirflow) -> None:
    asked = api.ask("partner:3", "POST", "/v1/reports", _REPORT)
    assert (asked.status_code, asked.headers["location"]) == (202, asked.json()["url"])
    assert (airflow.runs[0]["conf"], airflow.runs[0]["logical_date"]) == (_REPORT, None)
    assert "partner:3" in airflow.runs[0]["note"]
    assert api.ask("operator", "POST", "/v1/reports", {**_REPORT, "partner": 4}).status_code == 202
    for role in ("partner:2", "auditor", "approver"):
        assert api.ask(role, "POST", "/v1/reports", _REPORT).status_code == 403
    for wrong in ({"last_month": "2025-12"}, {"last_month": "2028-02"}, {"format": "exe"}, {"take_over": True}):
        assert api.ask("operator", "POST", "/v1/reports", {**_REPORT, **wrong}).status_code == 422
    assert len(airflow.runs) == 2
    assert airflow.sign_ins == 1


def test_a_report_is_seen_by_the_house_and_by_its_partner(api: _Api, airflow: PlayedAirflow) -> None:
    url = api.ask("operator", "POST", "/v1/reports", _REPORT).json()["url"]
    airflow.runs[0]["state"] = "success"
    airflow.runs.append({"dag_run_id": "by-hand", "conf": None, "state": "failed"})
    assert api.ask("partner:3", "GET", url).json()["state"] == "success"
    assert [api.ask(role, "GET", url).status_code for role in ("partner:2", "auditor")] == [404, 200]
    assert [len(api.ask(role, "GET", "/v1/reports").json()["reports"]) for role in ("operator", "partner:3", "partner:2")] == [
        2,
        1,
        0,
    ]
    assert api.ask("operator", "GET", "/v1/reports/none").status_code == 404


def _write(warehouse: Path, month: str, version: int, *, complete: bool = True) -> None:
    """A month of `_REPORT`, as a run writes it."""
    folder = warehouse / f"on_demand/partner=3/2026-01..2026-02/pdf/month={month}/version={version}"
    folder.mkdir(parents=True)
    (folder / "statement.pdf").write_bytes(f"{month} {version}".encode())
    (folder / "manifest.json").write_text(json.dumps({"files": {"statement.pdf": {"bytes": 9, "sha256": "0" * 64}}}))
    if complete:
        (folder / "_SUCCESS").touch()


def test_the_files_of_a_report_are_given_when_it_is_done_and_only_complete_ones(
    api: _Api, airflow: PlayedAirflow, tmp_path: Path
) -> None:
    for month, version in (("2026-01", 10), ("2026-01", 2), ("2026-03", 1)):
        _write(tmp_path, month, version)
    _write(tmp_path, "2026-02", 1, complete=False)
    told = api.ask("operator", "POST", "/v1/reports", _REPORT).json()
    files = f"{told['url']}/files"
    assert ("files" in told, api.ask("operator", "GET", files).status_code) == (False, 404)
    airflow.runs[0]["state"] = "success"
    assert api.ask("operator", "GET", told["url"]).json()["files"] == files
    listed = api.ask("partner:3", "GET", files).json()["files"]
    assert [(file["month"], file["version"], file["name"]) for file in listed] == [
        ("2026-01", 2, "statement.pdf"),
        ("2026-01", 10, "statement.pdf"),
    ]
    got = api.ask("partner:3", "GET", listed[1]["url"])
    assert (got.content, 'filename="statement.pdf"' in got.headers["content-disposition"]) == (b"2026-01 10", True)
    assert (api.lines()[-2]["run"], api.lines()[-2]["partner"]) == (told["run"], 3)
    assert [api.ask("partner:2", "GET", url).status_code for url in (files, listed[1]["url"])] == [404, 404]
    for other in ("2026-02/1/statement.pdf", "2026-03/1/statement.pdf", "2026-01/10/_SUCCESS", "2026-01/10/..%2f..%2fx"):
        assert api.ask("operator", "GET", f"{files}/{other}").status_code == 404


@pytest.mark.parametrize("form", [{"partner": 3}, {**_REPORT, "first_month": "../../.."}, None])
def test_a_run_that_somebody_started_oddly_gives_no_file(form: Any, api: _Api, airflow: PlayedAirflow) -> None:
    airflow.runs.append({"dag_run_id": "by-hand", "conf": form, "state": "success"})
    assert api.ask("operator", "GET", "/v1/reports/by-hand/files").status_code == 404


def test_it_is_told_who_asks_and_whether_they_can_answer(api: _Api, tmp_path: Path) -> None:
    told = api.ask("approver", "GET", "/v1/meta").json()
    assert (told["name"], told["roles"], told["airflow"]) == ("approver", ["approver"], "own_token")
    assert api.ask("approver", "GET", "/v1/meta", **{"X-Airflow-Token": "mine"}).json()["airflow"] == "signed_in"
    assert _Api(tmp_path / "none").ask("partner:3", "GET", "/v1/meta").json()["airflow"] == "unset"


def test_an_answer_is_given_in_the_name_of_the_approver_with_their_own_token(api: _Api, airflow: PlayedAirflow) -> None:
    airflow.ask("2026-03 version 1", "monthly/1+2")
    told = api.ask("operator", "GET", "/v1/months/2026-03/approval").json()
    assert (told["state"], told["version"], told["body"]) == ("asked", 1, "- total: 10 won")
    assert api.ask("auditor", "GET", "/v1/months").json()["months"][0]["approval"]["state"] == "asked"
    answer = {"version": 1, "answer": "approve"}
    path, mine = "/v1/months/2026-03/approval", {"X-Airflow-Token": "token-of-lee"}
    for role in ("operator", "auditor", "partner:3"):
        assert api.ask(role, "POST", path, answer, **mine).status_code == 403
    assert api.ask("approver", "POST", path, answer).status_code == 422
    assert api.ask("approver", "POST", path, {**answer, "version": 2}, **mine).status_code == 409
    assert api.ask("approver", "POST", path, answer, **{"X-Airflow-Token": "token-of-viewer"}).status_code == 403
    assert airflow.questions[0]["responded_by_user"] is None
    done = api.ask("approver", "POST", path, answer, **mine)
    assert (done.status_code, done.json()["answered_by"]) == (200, "lee")
    assert airflow.questions[0]["chosen_options"] == ["Approve"]
    assert api.lines()[-1]["answered_by"] == "lee"
    assert api.ask("approver", "POST", path, answer, **mine).status_code == 409
    assert api.ask("operator", "GET", "/v1/months").json()["months"][0]["approval"]["answered_by"] == "lee"
    assert "token-of-lee" not in api.log.read_text()


def test_a_later_version_is_the_one_that_is_asked_about(api: _Api, airflow: PlayedAirflow) -> None:
    airflow.ask("2026-03 version 1", "first")
    airflow.ask("2026-03 version 2", "second")
    airflow.ask("2026-04 version 1", "other")
    assert api.ask("operator", "GET", "/v1/months/2026-03/approval").json()["run"] == "second"
    assert api.ask("operator", "GET", "/v1/months/2026-05/approval").status_code == 404
    assert api.ask("partner:3", "GET", "/v1/months/2026-03/approval").status_code == 403
    assert "approval" not in api.ask("partner:3", "GET", "/v1/months").text


@pytest.mark.parametrize("broken", [500, 401])
def test_an_airflow_that_fails_is_said_and_months_are_listed_without_it(broken: int, api: _Api, airflow: PlayedAirflow) -> None:
    airflow.broken = broken
    answer = api.ask("operator", "POST", "/v1/reports", _REPORT)
    assert (answer.status_code, "retry-after" in answer.headers, PASSWORD in answer.text) == (503, True, False)
    months = api.ask("operator", "GET", "/v1/months")
    assert (months.status_code, [month["month"] for month in months.json()["months"]]) == (200, ["2026-03"])


def test_without_an_airflow_it_is_said_what_to_set(tmp_path: Path) -> None:
    api = _Api(tmp_path)
    for method, path in (("POST", "/v1/reports"), ("GET", "/v1/reports"), ("GET", "/v1/months/2026-03/approval")):
        answer = api.ask("operator", method, path, _REPORT if method == "POST" else None)
        assert (answer.status_code, "SETTLEMENT_API_AIRFLOW_URL" in answer.text) == (503, True)
    assert api.ask("operator", "GET", "/v1/months").status_code == 200


def test_a_file_of_passwords_by_user_will_do(airflow: PlayedAirflow, tmp_path: Path) -> None:
    (tmp_path / "passwords.json").write_text(json.dumps({"admin": "x", "settlement-service": PASSWORD}))
    api = _Api(tmp_path, airflow_url=airflow.url, airflow_password_file=tmp_path / "passwords.json")
    assert api.ask("operator", "GET", "/v1/reports").status_code == 200
