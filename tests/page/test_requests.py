"""Requests on the page: long answers as jobs, and partners' reports that an Airflow of the tests' own writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Request, expect

from tests.integration.api_server import Server, blow_up, wait_for
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf
from tests.page.people import PHONE, Person, person
from tests.unit.api.played_airflow import PlayedAirflow

_SMALL = f"explore?measures=amount_uwon&by=partner&from={MONTH}&to={MONTH}&where=partner!:99&order=-amount_uwon"
_LONG = {
    "measures": ["plays"],
    "dimensions": ["track", "device", "country"],
    "period": {"from": "2026-02-01", "to": "2026-02-01"},
}


@pytest.fixture(scope="module")
def house(shelf: Shelf, work: Path) -> House:
    """A closed month, a day of which takes a while to be written as a file."""
    place = work / "page-requests"
    copy_folder(shelf.house("closed").root, place)
    found = House.at(place)
    blow_up(found, 3_000_000)
    return found


@pytest.fixture(autouse=True)
def _nothing_requested(airflow: PlayedAirflow, server: Server) -> None:
    airflow.runs.clear()
    with server.client() as client:
        for job in client.get("/v1/jobs").json()["jobs"]:
            wait_for(lambda url=job["url"]: client.delete(url).status_code == 204)  # type: ignore[misc]


@pytest.fixture
def operator(browser: Browser, server: Server) -> Iterator[Person]:
    with person(browser, server) as somebody:
        yield somebody
        assert somebody.errors == []


def _lines(somebody: Person, heading: str) -> Locator:
    place = somebody.page.locator("section").filter(has=somebody.page.get_by_role("heading", name=heading, level=2))
    return place.get_by_role("article")


def _begin(server: Server, role: str = "operator", question: dict[str, Any] = _LONG, form: str = "ndjson") -> httpx.Response:
    with server.client(role) as client:
        return client.post("/v1/jobs", json=question, params={"format": form})


def test_an_answer_is_requested_as_a_file_and_fetched_when_it_is_done(operator: Person) -> None:
    page = operator.page
    operator.opens(_SMALL)
    operator.rows()
    page.get_by_label("파일로 요청").select_option("csv")
    page.get_by_role("link", name="요청에서 받기").click()
    line = _lines(operator, "긴 조회").first
    expect(line.get_by_role("status")).to_have_text("완료")
    expect(line).to_contain_text("CSV")
    expect(line).to_contain_text("까지 보관")
    with page.expect_download() as saved:
        line.get_by_role("button", name="내려받기").click()
    [job] = operator.server.get("/v1/jobs").json()["jobs"]
    assert job["question"]["filters"] == [{"dimension": "partner", "op": "not_in", "values": ["99"]}]
    content = Path(saved.value.path()).read_bytes()
    assert (saved.value.suggested_filename, content) == (job["name"], operator.server.get(job["file"]).content)
    assert content.startswith(b"\xef\xbb\xbf")
    line.get_by_role("link").click()
    assert "where=partner%21%3A99" in page.url
    operator.opens("requests")
    _lines(operator, "긴 조회").get_by_role("button", name=re.compile("삭제$")).click()
    expect(page.get_by_text("요청한 조회가 없습니다")).to_be_visible()
    assert operator.server.get("/v1/jobs").json()["jobs"] == []


def test_a_job_that_runs_is_cancelled_and_then_nothing_is_asked_any_more(operator: Person) -> None:
    asked: list[Request] = []
    operator.page.on("request", lambda request: asked.append(request) if request.url.endswith("/v1/jobs") else None)
    assert _begin(operator.server).status_code == 202
    operator.opens("requests")
    line = _lines(operator, "긴 조회").first
    expect(line.get_by_role("status")).to_have_text(re.compile("대기|진행 중"))
    line.get_by_role("button", name=re.compile("취소$")).click()
    expect(line.get_by_role("status")).to_have_text("취소됨")
    expect(line.get_by_role("button", name=re.compile("내려받기$"))).to_have_count(0)
    before = len(asked)
    operator.page.wait_for_timeout(3_000)
    assert len(asked) == before


def test_everybody_sees_their_own_jobs_alone_and_why_one_failed(browser: Browser, operator: Person) -> None:
    question = {**_LONG, "measures": ["amount_uwon"], "dimensions": ["partner"], "period": {"from": MONTH, "to": MONTH}}
    assert _begin(operator.server, "partner:2", question).status_code == 202
    operator.opens("requests")
    expect(operator.page.get_by_text("요청한 조회가 없습니다")).to_be_visible()

    def failed(route: Any) -> None:
        told = route.fetch().json()
        lost = {"state": "failed", "reason": "its server was ended while it was at work"}
        route.fulfill(json={"jobs": [{**job, **lost, "file": None} for job in told["jobs"]]})

    with person(browser, operator.server, "partner:2") as partner:
        partner.page.route("**/v1/jobs", failed)
        partner.opens("requests")
        expect(_lines(partner, "긴 조회").first).to_contain_text("its server was ended while it was at work")
        expect(_lines(partner, "긴 조회").first.get_by_role("status")).to_have_text("실패")
        assert partner.errors == []


def test_a_file_that_came_in_part_is_not_saved(operator: Person) -> None:
    question = {**_LONG, "measures": ["amount_uwon"], "dimensions": ["partner"], "period": {"from": MONTH, "to": MONTH}}
    _begin(operator.server, question=question, form="csv")
    operator.page.route("**/file?link=true", lambda route: route.fulfill(status=200, body="partner,amount\n"))
    operator.opens("requests")
    _lines(operator, "긴 조회").get_by_role("button", name=re.compile("내려받기$")).click()
    expect(operator.page.get_by_role("alert")).to_contain_text("저장하지 않았습니다")


def test_what_would_be_refused_is_said_where_it_is_requested(operator: Person) -> None:
    operator.opens(f"explore?measures=line_plays&by=track&from={MONTH}&to={MONTH}")
    operator.page.get_by_label("파일로 요청").select_option("parquet")
    expect(operator.page.get_by_role("alert")).to_have_count(2)
    expect(operator.page.get_by_role("alert").last).to_contain_text("line_plays")
    operator.errors.clear()  # the browser reports the status of a refusal


def test_a_partner_s_report_is_requested_goes_on_and_its_files_are_fetched(
    operator: Person, airflow: PlayedAirflow, house: House
) -> None:
    page = operator.page
    operator.opens("requests")
    expect(page.get_by_label("권리자").locator("option:checked")).not_to_have_text(re.compile("^0"))
    page.get_by_label("권리자").select_option("2")
    page.get_by_label("형식").select_option("pdf")
    page.get_by_role("button", name="보고서 요청").click()
    line = _lines(operator, "보고서 재발행").first
    expect(line.get_by_role("status")).to_have_text("대기")
    assert airflow.runs[0]["conf"] == {"partner": 2, "first_month": MONTH, "last_month": MONTH, "format": "pdf"}
    assert house.command("report", "--partner", 2, "--months", MONTH, "--format", "pdf").code == 0
    airflow.runs[0]["state"] = "success"
    expect(line.get_by_role("status")).to_have_text("완료")
    line.get_by_role("button", name=re.compile("파일 보기$")).click()
    expect(line.get_by_role("heading", name=f"{MONTH} 1차")).to_be_visible()
    with page.expect_download() as saved:
        line.get_by_role("button", name="statement.pdf 내려받기").click()
    folder = house.warehouse / f"on_demand/partner=2/{MONTH}..{MONTH}/pdf/month={MONTH}/version=1"
    assert Path(saved.value.path()).read_bytes() == (folder / "statement.pdf").read_bytes()
    assert saved.value.suggested_filename == f"{MONTH}-2-statement.pdf"


def test_a_partner_asks_for_itself_alone_and_an_auditor_only_looks(
    browser: Browser, server: Server, airflow: PlayedAirflow
) -> None:
    airflow.runs[:] = [{"dag_run_id": f"run-{partner}", "state": "failed", "conf": {"partner": partner}} for partner in (2, 3)]
    with person(browser, server, "partner:2") as partner:
        partner.opens("requests")
        expect(_lines(partner, "보고서 재발행")).to_have_count(1)
        expect(_lines(partner, "보고서 재발행")).to_contain_text("partner_report")
        expect(partner.page.get_by_label("권리자").locator("option")).to_have_count(1)
        partner.page.get_by_role("button", name="보고서 요청").click()
        expect(_lines(partner, "보고서 재발행")).to_have_count(2)
        assert partner.errors == []
    assert airflow.runs[0]["conf"]["partner"] == 2
    with person(browser, server, "auditor") as auditor:
        auditor.opens("requests")
        expect(_lines(auditor, "보고서 재발행")).to_have_count(3)
        expect(auditor.page.get_by_text("운영자(operator)와 권리자 본인이 요청합니다")).to_be_visible()
        expect(auditor.page.get_by_role("button", name="보고서 요청")).to_have_count(0)


def test_an_airflow_that_fails_is_said_in_its_sentence(operator: Person, airflow: PlayedAirflow) -> None:
    operator.opens("requests")
    expect(operator.page.get_by_text("요청한 보고서가 없습니다.")).to_be_visible()
    airflow.broken = 500
    operator.page.get_by_role("button", name="보고서 요청").click()
    expect(operator.page.get_by_role("alert")).to_contain_text("answered HTTP 500")
    airflow.broken = None
    operator.errors.clear()


@pytest.mark.parametrize("how", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=str)
def test_requests_have_no_barrier_and_fit(how: dict[str, Any], browser: Browser, server: Server, airflow: PlayedAirflow) -> None:
    airflow.runs[:] = [
        {"dag_run_id": state, "state": state, "conf": {"partner": 2, "first_month": MONTH, "last_month": MONTH, "format": "csv"}}
        for state in ("success", "failed")
    ]
    _begin(server)
    with person(browser, server, **how) as somebody:
        somebody.opens("requests")
        _lines(somebody, "긴 조회").first.wait_for()
        _lines(somebody, "보고서 재발행").first.get_by_role("button").click()
        assert somebody.violations() == []
        assert somebody.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
