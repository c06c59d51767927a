"""Approving a month on the page: what is asked, who may answer, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.integration.api_server import Server, served
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf
from tests.page.people import PHONE, Person, person
from tests.unit.api.played_airflow import PlayedAirflow

_BODY = """| partner | name | lines | royalty, won | paid, won |
| ---: | --- | ---: | ---: | ---: |
| 2 | Moon \\& Co\\. \\| \\<b\\> | 12 | 1,234 | 1,200 |

- rules: 0123456789abcdef
- asked for by: Ann; they can't approve"""
_LEE = "token-of-lee"


@pytest.fixture(scope="module")
def house(shelf: Shelf, work: Path) -> House:
    """A month with statements that nobody has approved."""
    place = work / "page-approvals"
    copy_folder(shelf.house("open").root, place)
    return House.at(place)


@pytest.fixture
def question(airflow: PlayedAirflow) -> dict[str, Any]:
    """The month's first version is asked about, anew for each test."""
    airflow.questions.clear()
    asked = airflow.ask(f"{MONTH} version 1", "monthly")
    asked["body"] = _BODY
    return asked


@pytest.fixture
def approver(browser: Browser, server: Server, question: dict[str, Any]) -> Iterator[Person]:  # noqa: ARG001
    with person(browser, server, "approver") as somebody:
        somebody.opens("months")
        yield somebody
        assert somebody.errors == []


def _panel(somebody: Person) -> Locator:
    return somebody.page.locator("section").filter(has=somebody.page.get_by_role("heading", name=f"{MONTH} 1차 승인", level=2))


def _answer(somebody: Person, button: str, token: str = _LEE) -> Locator:
    _panel(somebody).get_by_role("button", name=button).click()
    dialog = somebody.page.get_by_role("dialog")
    dialog.get_by_label("내 Airflow 토큰").fill(token)
    dialog.get_by_role("button", name=button).click()
    return dialog


def test_an_approver_reads_the_question_and_approves_in_their_own_name(approver: Person, question: dict[str, Any]) -> None:
    panel = _panel(approver)
    expect(panel).to_contain_text("publish 10 won to 2 partners?")
    expect(panel.get_by_role("row").last).to_have_text("2Moon & Co. | <b>121,2341,200")
    expect(panel.get_by_role("listitem").last).to_have_text("asked for by: Ann; they can't approve")
    dialog = _answer(approver, "승인")
    expect(dialog).to_have_count(0)
    expect(panel).to_contain_text("lee 님이 승인했습니다. 장부에 기록하는 중입니다…")
    assert question["chosen_options"] == ["Approve"]
    expect(panel.get_by_role("button", name="승인")).to_have_count(0)
    with approver.page.expect_response("**/v1/months"):  # read anew when the ledger has the answer
        question["task_instance"]["state"] = "success"
    expect(panel).to_contain_text("장부에 기록되었습니다.")
    kept = approver.page.evaluate("JSON.stringify([sessionStorage, localStorage, location.href])")
    assert _LEE not in kept


def test_a_month_that_the_ledger_has_as_approved_waits_no_more(approver: Person, question: dict[str, Any]) -> None:
    def approved(route: Any) -> None:
        told = route.fetch().json()
        for month in told["months"]:
            month["versions"][-1]["approved_by"] = "lee"
        route.fulfill(json=told)

    expect(_panel(approver)).to_be_visible()
    approver.page.route("**/v1/months", approved)
    question["task_instance"]["state"] = "success"
    _answer(approver, "승인")
    expect(_panel(approver)).to_have_count(0)
    expect(approver.page.get_by_role("article").filter(has_text=MONTH)).to_contain_text("lee")


def test_a_rejection_leaves_the_month_open(approver: Person, question: dict[str, Any]) -> None:
    _answer(approver, "반려")
    question["task_instance"]["state"] = "failed"  # as Airflow tells a task that was answered with no
    expect(_panel(approver)).to_contain_text("lee 님이 반려했습니다. 장부에 기록되었습니다.")
    assert question["chosen_options"] == ["Reject"]
    expect(approver.page.get_by_text("승인 대기")).to_be_visible()


def test_an_answer_that_the_ledger_refused_is_not_told_as_recorded(approver: Person, question: dict[str, Any]) -> None:
    _answer(approver, "승인")
    question["task_instance"]["state"] = "failed"
    expect(_panel(approver)).to_contain_text("장부에 기록되지 않았습니다.")


def test_a_refused_answer_is_said_in_its_sentence_and_can_be_given_again(
    approver: Person, airflow: PlayedAirflow, question: dict[str, Any]
) -> None:
    dialog = _answer(approver, "승인", "token-of-viewer")
    expect(dialog.get_by_role("alert")).to_contain_text("Airflow doesn't let you do this")
    assert question["responded_by_user"] is None
    airflow.ask(f"{MONTH} version 2", "later")
    dialog.get_by_role("button", name="승인").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"{MONTH} version 2 is asked about, not 1")
    approver.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    approver.errors.clear()  # the browser reports the status of a refusal


def test_with_the_keyboard_alone(approver: Person, question: dict[str, Any]) -> None:
    _panel(approver).get_by_role("button", name="반려").focus()
    approver.page.keyboard.press("Enter")
    dialog = approver.page.get_by_role("dialog")
    expect(dialog.get_by_label("내 Airflow 토큰")).to_be_focused()
    approver.page.keyboard.type(_LEE)
    approver.page.keyboard.press("Enter")
    expect(_panel(approver)).to_contain_text("lee 님이 반려했습니다.")
    assert question["chosen_options"] == ["Reject"]


@pytest.mark.usefixtures("question")
def test_others_of_the_house_read_the_question_and_cannot_answer(browser: Browser, server: Server) -> None:
    with person(browser, server, "auditor") as auditor:
        auditor.opens("months")
        expect(_panel(auditor)).to_contain_text("승인 권한(approver)이 있는 사람만 답할 수 있습니다.")
        expect(_panel(auditor).get_by_role("button")).to_have_count(0)
        assert auditor.errors == []


def test_whoever_is_signed_in_to_airflow_needs_no_other_token(browser: Browser, server: Server, question: dict[str, Any]) -> None:
    with person(browser, server, "approver", extra_http_headers={"X-Airflow-Token": _LEE}) as approver:
        approver.opens("months")
        _panel(approver).get_by_role("button", name="승인").click()
        dialog = approver.page.get_by_role("dialog")
        expect(dialog.get_by_role("textbox")).to_have_count(0)
        expect(dialog.get_by_label("내 Airflow 토큰")).to_have_count(0)
        dialog.get_by_role("button", name="승인").click()
        expect(_panel(approver)).to_contain_text("lee 님이 승인했습니다.")
        assert question["chosen_options"] == ["Approve"]


def test_nobody_asked_yet_is_said(browser: Browser, server: Server, airflow: PlayedAirflow) -> None:
    airflow.questions.clear()
    with person(browser, server, "approver") as approver:
        approver.opens("months")
        expect(approver.page.get_by_text("Airflow가 아직 승인을 묻지 않았습니다.")).to_be_visible()
        assert approver.errors == []


def test_without_an_airflow_the_page_says_so_and_offers_nothing(browser: Browser, house: House) -> None:
    with served(house.warehouse) as alone, person(browser, alone, "approver") as approver:
        approver.opens("months")
        expect(approver.page.get_by_text("이 서비스에는 Airflow가 연결되어 있지 않습니다.")).to_be_visible()
        approver.opens("requests")
        expect(approver.page.get_by_text("Airflow가 연결되어 있지 않아 보고서를 요청할 수 없습니다.")).to_be_visible()
        expect(approver.page.get_by_role("main").get_by_role("button")).to_have_count(0)
        assert approver.errors == []


@pytest.mark.usefixtures("question")
@pytest.mark.parametrize("how", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": PHONE}], ids=str)
def test_an_approval_has_no_barrier_and_fits(how: dict[str, Any], browser: Browser, server: Server) -> None:
    with person(browser, server, "approver", **how) as somebody:
        somebody.opens("months")
        _panel(somebody).wait_for()
        somebody.page.locator(".pools tfoot").wait_for()
        assert somebody.violations() == []
        assert somebody.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        _panel(somebody).get_by_role("button", name="승인").click()
        somebody.page.get_by_role("dialog").wait_for()
        assert somebody.violations() == []
