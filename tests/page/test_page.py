"""The page as people use it, over a settled month: one service and one browser for the whole file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.integration.api_server import Server, blow_up, served
from tests.integration.example import MONTH
from tests.integration.house import House, copy_folder
from tests.integration.shelf import Shelf
from tests.page.people import PHONE, Person, person

_MILLION = 1_000_000
_SCREENS = ("", f"explore?measures=amount_uwon&by=track,track_title&from={MONTH}&to={MONTH}", "months", "statements")


@pytest.fixture(scope="module")
def house(shelf: Shelf, work: Path) -> House:
    """A closed month at a place of its own, whose first day has a million rows of usage."""
    place = work / "page"
    copy_folder(shelf.house("closed").root, place)
    found = House.at(place)
    blow_up(found, _MILLION)
    return found


@pytest.fixture(scope="module")
def server(house: House) -> Iterator[Server]:
    with served(house.warehouse) as running:
        yield running


@pytest.fixture
def operator(browser: Browser, server: Server) -> Iterator[Person]:
    with person(browser, server) as somebody:
        yield somebody
        assert somebody.errors == []


def test_a_partner_reaches_their_top_albums_by_day_in_one_click(browser: Browser, server: Server) -> None:
    with person(browser, server, "partner:2") as partner:
        partner.page.get_by_role("link", name="이번 달 인기 앨범, 일별").click()
        rows = partner.rows()
        assert rows[0][0].startswith(MONTH)
        expect(partner.page.get_by_text("잠정 금액입니다. 지급액이 아닙니다.")).to_be_visible()
        expect(partner.page.get_by_role("img", name=re.compile("차트: 잠정 금액"))).to_be_visible()
        albums = server.query(
            "partner:2", measures="provisional_uwon", by="album", where="album!:0", order="-provisional_uwon", limit="10"
        ).json()
        assert {row[1] for row in rows} <= {str(row[0]) for row in albums["rows"]}
        assert partner.errors == []


def test_the_grid_says_what_the_service_says_and_the_total_stays(operator: Person) -> None:
    operator.opens(f"explore?measures=amount_uwon,shadow_uwon&by=partner&from={MONTH}&to={MONTH}&order=-amount_uwon")
    told = operator.server.query(measures="amount_uwon,shadow_uwon", by="partner", order="-amount_uwon").json()
    rows = operator.rows()
    assert [row[0] for row in rows] == [str(row[0]) for row in told["rows"]][: len(rows)]
    assert [round(float(row[1].replace(",", "")) * 100) for row in rows] == [
        (int(row[1]) + 5_000) // 10_000 for row in told["rows"]
    ][: len(rows)]
    total = f"{(int(told['trailer']['totals']['amount_uwon']) + 5_000) // 10_000 / 100:,.2f}"
    assert operator.total()[:2] == ["합계", total]
    expect(operator.page.get_by_role("columnheader", name="정산 금액 (원)")).to_be_visible()


def test_a_million_rows_stream_and_scroll_to_the_last(operator: Person) -> None:
    operator.opens("explore?measures=landed_plays&by=track&from=2026-02-01&to=2026-02-01&order=track")
    expect(operator.page.get_by_text("1,000,000행, 완전함")).to_be_visible()
    assert operator.total() == ["합계", "1,000,000"]
    operator.page.locator(".ag-row[row-index='0'] [role=gridcell]").first.click()
    operator.page.keyboard.press("Control+End")
    last = operator.page.locator(f".ag-row[row-index='{_MILLION - 1}'] [role=gridcell]").first
    expect(last).to_have_text(str(_MILLION - 1))


def test_an_answer_without_its_trailer_is_told_as_incomplete(operator: Person) -> None:
    def cut(route: Route) -> None:
        whole = route.fetch()
        body = whole.body()
        route.fulfill(response=whole, body=body[: body.rindex(b"settlement.trailer") - 300])

    operator.page.route("**/v1/query?format=arrow*", cut)
    operator.opens(f"explore?measures=amount_uwon&by=partner&from={MONTH}&to={MONTH}")
    expect(operator.page.get_by_role("alert")).to_contain_text("불완전한 결과입니다. 쓰지 마세요.")
    assert operator.total() == []
    expect(operator.page.get_by_role("button", name="보기 저장")).to_have_count(0)
    operator.page.unroute("**/v1/query?format=arrow*")
    operator.page.get_by_role("button", name="다시 조회").click()
    expect(operator.page.get_by_text("완전함")).to_be_visible()


@pytest.mark.parametrize(
    ("form", "begins"), [("csv", b"\xef\xbb\xbf"), ("ndjson", b"{"), ("arrow", b"\xff"), ("parquet", b"PAR1")]
)
def test_each_format_is_downloaded_whole(operator: Person, form: str, begins: bytes) -> None:
    operator.opens(f"explore?measures=amount_uwon&by=partner&from={MONTH}&to={MONTH}")
    with operator.page.expect_download() as saved:
        operator.page.get_by_label("내려받기").select_option(form)
    content = Path(saved.value.path()).read_bytes()
    assert content.startswith(begins)
    assert b"trailer" in content[-4_000:]
    expect(operator.page.get_by_text("파일을 저장했습니다.")).to_be_visible()


def test_half_a_file_is_not_saved(operator: Person) -> None:
    operator.page.route("**/v1/query?format=csv*", lambda route: route.fulfill(status=200, body="partner,amount_uwon\n1,2\n"))
    operator.opens(f"explore?measures=amount_uwon&by=partner&from={MONTH}&to={MONTH}")
    operator.page.get_by_label("내려받기").select_option("csv")
    expect(operator.page.get_by_role("alert")).to_contain_text("저장하지 않았습니다")


def test_a_view_is_chosen_saved_and_opened_again_and_shows_its_sql(operator: Person) -> None:
    page = operator.page
    page.get_by_role("link", name="직접 고르기").click()
    page.get_by_role("checkbox", name="정산 금액").check()
    page.get_by_role("checkbox", name="레이블").check()
    expect(page.get_by_role("checkbox", name="날짜")).to_be_disabled()  # lines are kept by month
    page.get_by_label("필터할 분류").select_option("partner")
    page.get_by_label("값").fill("2")
    page.get_by_role("button", name="추가").click()
    page.get_by_role("button", name="조회하기").click()
    shown = operator.rows()
    assert "where=partner%3A2" in page.url
    assert operator.server.tokens["operator"] not in page.url
    page.get_by_role("button", name="SQL 보기").click()
    expect(page.get_by_role("dialog")).to_contain_text("SELECT")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="보기 저장").first.click()
    page.get_by_label("보기 이름").fill("내 레이블")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="시작").click()
    page.get_by_role("link", name="내 레이블").click()
    assert operator.rows() == shown


def test_sums_that_would_be_wrong_are_refused_in_words(operator: Person) -> None:
    operator.opens(f"explore?measures=line_plays&by=track&from={MONTH}&to={MONTH}")
    expect(operator.page.get_by_role("alert")).to_contain_text("line_plays")
    operator.errors.clear()  # the browser reports the status of the refusal


def test_months_show_their_state_pools_and_the_leg_that_won(operator: Person) -> None:
    operator.opens("months")
    month = operator.page.get_by_role("article").filter(has_text=MONTH)
    expect(month).to_contain_text("마감")
    expect(month).to_contain_text("Bea")
    told = operator.server.query(measures="pool_krw", by="product,right_type,winner").json()
    won = operator.page.locator(".pools td.is-winner")
    expect(won).to_have_count(len(told["rows"]))
    total = f"{int(told['trailer']['totals']['pool_krw']):,}"
    expect(operator.page.locator(".pools tfoot")).to_contain_text(total)


def test_a_statement_shows_both_ways_of_settling_and_its_files(operator: Person) -> None:
    operator.opens(f"statements?month={MONTH}&partner=2")
    told = operator.server.query(measures="amount_uwon,shadow_uwon", where="partner:2").json()["trailer"]["totals"]
    expected = [f"{(int(told[name]) + 5_000) // 10_000 / 100:,.2f}" for name in ("amount_uwon", "shadow_uwon")]
    foot = operator.page.locator(".statement tfoot td")
    expect(foot.first).to_be_visible()
    assert foot.all_inner_texts()[:2] == expected
    paid = operator.server.query(measures="paid_krw", where="partner:2").json()["rows"][0][0]
    expect(operator.page.locator(".is-paid")).to_contain_text(f"{int(paid):,}")
    with operator.page.expect_download() as saved:
        operator.page.get_by_role("button", name="usage.csv 내려받기").click()
    assert Path(saved.value.path()).read_bytes() == operator.server.get(f"/v1/statements/{MONTH}/2/usage.csv").content


def test_english_is_one_switch_away_and_remembered(operator: Person) -> None:
    operator.page.get_by_role("button", name="English").click()
    expect(operator.page.get_by_role("link", name="My top albums this month, by day")).to_be_visible()
    operator.page.reload()
    expect(operator.page.get_by_role("heading", name="What would you like to see?")).to_be_visible()
    assert operator.page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_screen_has_a_serious_barrier(browser: Browser, server: Server, theme: str) -> None:
    with person(browser, server, color_scheme=theme) as somebody:
        for screen in _SCREENS:
            somebody.opens(screen)
            somebody.page.locator(".card, .ag-row, tfoot").first.wait_for()
            assert somebody.violations() == [], screen
        assert somebody.errors == []


def test_everything_fits_on_a_phone(browser: Browser, server: Server) -> None:
    with person(browser, server, viewport=PHONE) as somebody:
        for screen in _SCREENS:
            somebody.opens(screen)
            somebody.page.locator(".card, .ag-row, tfoot").first.wait_for()
            assert somebody.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], screen


def test_a_token_of_another_start_asks_to_sign_in_again(browser: Browser, server: Server) -> None:
    with person(browser, server) as somebody:
        somebody.page.locator(".card").first.wait_for()
        somebody.page.evaluate("sessionStorage.setItem('settlement.token', 'e30.e30.e30')")
        somebody.page.reload()
        expect(somebody.page.get_by_role("alert")).to_contain_text("새 토큰이 필요합니다")
        somebody.page.get_by_label("토큰").fill(server.tokens["operator"])
        somebody.page.get_by_role("button", name="로그인").click()
        expect(somebody.page.get_by_role("heading", name="무엇을 볼까요?")).to_be_visible()


def test_the_page_takes_nothing_from_elsewhere_and_its_files_are_kept(server: Server) -> None:
    answer = server.get("/", None)
    policy = answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" in policy
    assert "unsafe" not in policy
    assert server.get("/", None).headers["content-security-policy"] != policy  # a nonce is used once
    script = re.search(r'src="\./(assets/[^"]+\.js)"', answer.text)
    assert script is not None
    kept = server.get(f"/{script[1]}", None)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"].startswith("text/javascript")
    assert server.get("/assets/missing.js", None).status_code == 404
    assert server.get("/v1/meta", None).headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
