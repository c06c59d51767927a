"""What the root says while no page is built, and what it gives once there is one."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from settlement.api.page import add_page


def test_while_no_page_is_built_the_root_says_how_to_build_it(tmp_path: Path) -> None:
    app = FastAPI()
    add_page(app, tmp_path / "page")
    answer = TestClient(app).get("/")
    assert (answer.status_code, answer.text) == (404, "The page isn't built: run `make page`, then load this address again.\n")


def test_a_page_that_is_built_while_the_service_runs_is_given_with_a_nonce_of_its_own(tmp_path: Path) -> None:
    app = FastAPI()
    add_page(app, tmp_path)
    client = TestClient(app)
    assert client.get("/").status_code == 404
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/a.js").write_text("1")
    (tmp_path / "index.html").write_text('<meta name="style-nonce" content="{{nonce}}">')
    answer = client.get("/")
    nonce = answer.text.split('content="')[1].split('"')[0]
    assert len(nonce) >= 20
    assert f"'nonce-{nonce}'" in answer.headers["content-security-policy"]
    assert client.get("/assets/a.js").text == "1"
